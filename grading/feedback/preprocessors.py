"""What a feedback page shows of the instructor's: the figures, but no hidden test and no rubric."""

import base64
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import Unicode

from grading.course.language import DEFAULT
from grading.feedback.hidden_tests import hidden_lines, hide
from grading.feedback.page import PAGE
from grading.words import say

_MIME_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
# Students write into some of these cells: each step back is bounded.
_REFERENCE = re.compile(
    r"""\]\(<?(?P<markdown>[^\s()<>]+)>?(?P<title>\s+"[^"\n]*")?\)"""
    r"""|<img\b[^<>]{0,500}?\bsrc=["'](?P<html>[^"'\n<>]{1,500})["'][^<>]{0,500}>"""
)


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
        """Clear every locked cell of `nb` in place, and what outputs quote of it."""
        clear_tests = ClearHiddenTests(parent=self)
        marks = clear_tests.begin_test_delimeter, clear_tests.end_test_delimeter
        if lines := hidden_lines(nb.cells, *marks):
            page = resources.get(PAGE)
            notice = say(page.language if page else DEFAULT, "feedback.hidden_test")
            for cell in nb.cells:
                for output in cell.get("outputs", ()):
                    hide(output, lines, notice)
        for clear in (clear_tests, ClearMarkScheme(parent=self)):
            for index, cell in enumerate(nb.cells):
                if is_locked(cell) and cell.metadata.nbgrader.get("grade_id"):
                    nb.cells[index], resources = clear.preprocess_cell(cell, resources, index)
        return nb, resources


class EmbedFigures(NbGraderPreprocessor):
    """Puts an assignment's figures into the page, which nbgrader hands to students as a lone file.

    Only the source's own figures: nbconvert's `embed_images` would take any file of this machine
    that a student names in a text.
    """

    folder = Unicode(
        "source/{assignment}",
        help="Where an assignment's figures lie, relative to the course root.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Turn references to figures into attachments, which nbconvert writes into the page."""
        # nbgrader makes the course root the working directory while it converts.
        folder = Path(self.folder.format(assignment=resources["nbgrader"]["assignment"]))
        figures = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.suffix.lower() in _MIME_TYPES and path.is_file()
        }
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = _REFERENCE.sub(partial(_embedded, cell, figures), cell.source)
        return nb, resources


def _embedded(cell: NotebookNode, figures: Mapping[str, Path], match: re.Match[str]) -> str:
    """Return a reference to a cell's attachment, which is made, for one to a figure."""
    name = unquote(match["markdown"] or match["html"]).removeprefix("./")
    if name not in figures:
        return match[0]
    path, attached = figures[name], name.replace("/", "-").replace(" ", "-")
    content = base64.b64encode(path.read_bytes()).decode()
    cell.setdefault("attachments", {})[attached] = {_MIME_TYPES[path.suffix.lower()]: content}
    if match["markdown"]:
        return f"](attachment:{attached}{match['title'] or ''})"
    return f"![{name}](attachment:{attached})"
