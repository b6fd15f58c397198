"""Puts into a released notebook the stub that its language asks for, where answers are written."""

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions

# The same file tells `helpers` which language to speak; without it the language is English.
LANGUAGE_FILE = "language.txt"
TEXT_STUBS = {"en": "Write your answer here.", "zh": "请在这里作答。"}


class ClearSolutionsInLanguage(ClearSolutions):
    """nbgrader's ClearSolutions with a text stub in the assignment's language.

    The stub for code is the same in every language: editions have the same code cells.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clear the solutions of a notebook of the source folder."""
        path = Path(resources["metadata"]["path"]) / LANGUAGE_FILE
        language = path.read_text(encoding="utf-8").strip() if path.is_file() else "en"
        self.text_stub = TEXT_STUBS[language]
        return super().preprocess(nb, resources)
