"""Keeps hidden tests and rubrics off the feedback page."""

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from nbgrader.utils import is_locked


class HideInstructorsParts(NbGraderPreprocessor):
    """Clears the hidden tests and mark schemes in the instructor's cells.

    nbgrader's `ClearHiddenTests` and `ClearMarkScheme` look at every cell and stop with an error
    where students have written the marks into cells of their own; those students would get no
    feedback. Only locked cells, whose source nbgrader restores before grading, can hold what is
    the instructor's.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Clear every locked cell of `nb` in place."""
        for clear in (ClearHiddenTests(parent=self), ClearMarkScheme(parent=self)):
            for index, cell in enumerate(nb.cells):
                if is_locked(cell) and cell.metadata.nbgrader.get("grade_id"):
                    nb.cells[index], resources = clear.preprocess_cell(cell, resources, index)
        return nb, resources
