"""Keeps hidden tests off the feedback page."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import is_grade, is_locked


class HideTests(ClearHiddenTests):
    """Clears the hidden-test regions of the instructor's cells.

    nbgrader's `ClearHiddenTests` looks at every cell and stops with an error where a student has
    written its marks into a cell of their own; that student would get no feedback. Only locked
    test cells, whose source nbgrader restores before grading, can hold hidden tests.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Clear the hidden tests of one cell."""
        if is_grade(cell) and is_locked(cell):
            return super().preprocess_cell(cell, resources, cell_index)
        return cell, resources
