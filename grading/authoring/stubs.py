"""Puts into a released notebook the stubs that its assignment and its language ask for."""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from grading.assignment import Assignments
from grading.course.language import DEFAULT, LANGUAGE_FILE, language_of
from grading.words import say


class ClearSolutionsInLanguage(ClearSolutions):
    """nbgrader's ClearSolutions with an assignment's own stub for code, and one for text.

    The stub for code may be one for each language; a language without one has that of
    `DEFAULT`. An assignment that has neither a module nor a language keeps nbgrader's.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear the solutions of a notebook of the source folder."""
        assignment = Assignments(parent=self).of(resources["nbgrader"]["assignment"])
        language = language_of(resources)
        stub = assignment.CODE_STUB if assignment is not None else ""
        if not isinstance(stub, str):
            stub = stub.get(language, stub[DEFAULT])
        if stub:
            stubs: dict[str, str] = self.code_stub  # type: ignore[has-type]  # a trait of nbgrader's
            self.code_stub = stubs | {"python": stub}
        if assignment is not None or Path(resources["metadata"]["path"], LANGUAGE_FILE).is_file():
            self.text_stub = say(language, "answers.stub")
        return super().preprocess(nb, resources)
