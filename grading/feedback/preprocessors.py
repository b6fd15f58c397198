"""What a feedback page shows of the instructor's: the figures, but no hidden test and no rubric."""

import base64
import re
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import Unicode

_MIME_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


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


class EmbedFigures(NbGraderPreprocessor):
    """Puts the lesson's figures into the page, which nbgrader hands to students as a lone file.

    Only the source's own figures: nbconvert's `embed_images` would take any file of this machine
    that a student names in a text.
    """

    folder = Unicode(
        "source/{assignment}/figures",
        help="Where the figures lie, relative to the course root.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Turn references to figures into attachments, which nbconvert writes into the page."""
        # nbgrader makes the course root the working directory while it converts.
        folder = Path(self.folder.format(assignment=resources["nbgrader"]["assignment"]))
        figures = {
            path.name: {_MIME_TYPES[path.suffix]: base64.b64encode(path.read_bytes()).decode()}
            for path in folder.glob("*")
            if path.suffix in _MIME_TYPES
        }
        for cell in nb.cells:
            if cell.cell_type != "markdown":
                continue
            for name in set(re.findall(r"\]\(figures/([\w.-]+)\)", cell.source)) & set(figures):
                cell.source = cell.source.replace(f"](figures/{name})", f"](attachment:{name})")
                cell.setdefault("attachments", {})[name] = figures[name]
        return nb, resources
