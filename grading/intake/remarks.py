"""Shows, at the top of a graded notebook, what had to be repaired of it."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor

from grading.course.language import language_of
from grading.submission import Remarks, Submission
from grading.words import say

CELL_ID = "remarks-of-the-grader"
"""The id of the cell that says it."""


class ShowRemarks(NbGraderPreprocessor):
    """Puts the remarks at the top of the graded notebook, for student and instructor."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Insert a cell where there is something to say."""
        remarks = Submission.of(resources).remarks
        Remarks.forget(nb)
        nb.cells = [cell for cell in nb.cells if cell.get("id") != CELL_ID]
        messages = [*([remarks.unreadable] if remarks.unreadable else []), *remarks.repairs]
        if messages:
            language = language_of(resources)
            # As code, so that a file's name shows as it is.
            lines = "\n".join(f"    {message.said(language)}" for message in messages)
            heading = say(language, "remarks.heading")
            nb.cells.insert(0, new_markdown_cell(f"**{heading}**\n\n{lines}", id=CELL_ID))
        return nb, resources
