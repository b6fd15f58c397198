"""Puts into a released notebook the stub that its language asks for, where answers are written."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from grading.course.language import language_of
from grading.words import say


class ClearSolutionsInLanguage(ClearSolutions):
    """nbgrader's ClearSolutions with a text stub in the assignment's language.

    The stub for code is the same in every language: editions have the same code cells.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear the solutions of a notebook of the source folder."""
        self.text_stub = say(language_of(resources), "answers.stub")
        return super().preprocess(nb, resources)
