"""Parts a graded notebook into sections: what concerns the student, and what is the lesson's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from grading.intake.remarks import CELL_ID

_NO_TEXT = re.compile(
    r"^(```|~~~).*?(^\1|\Z)|### BEGIN MARK SCHEME.*?(### END MARK SCHEME|\Z)", re.M | re.DOTALL
)


@dataclass(frozen=True)
class Section:
    """Cells that belong together; a folded one is of the lesson alone."""

    folded: bool
    heading: str
    cells: tuple[NotebookNode, ...]


def sections(cells: Sequence[NotebookNode]) -> tuple[Section, ...]:
    """Return the notebook as sections: what concerns the student stands open, the rest is folded.

    Open are exercises with the text before them, tests, answers, cells that the student added, and
    cells that ended in an error.
    """
    open_cells = [_is_open(cell) for cell in cells]
    for index in range(1, len(cells)):
        if is_solution(cells[index]) and cells[index - 1].cell_type == "markdown":
            open_cells[index - 1] = True
    result = []
    for is_open, group in groupby(range(len(cells)), key=lambda index: open_cells[index]):
        members = tuple(cells[index] for index in group)
        result.append(Section(not is_open, first_heading(members), members))
    return tuple(result)


def _is_open(cell: NotebookNode) -> bool:
    failed = any(output.output_type == "error" for output in cell.get("outputs", ()))
    graded = is_solution(cell) or is_grade(cell) or is_task(cell)
    return graded or is_own(cell) or failed


def is_given(cell: NotebookNode) -> bool:
    """Tell whether the course wrote what stands in a cell."""
    return not (is_solution(cell) or is_task(cell) or is_own(cell))


def is_own(cell: NotebookNode) -> bool:
    """Tell whether a student added the cell, or something was remarked in it."""
    # An instructor's cell may well be named `own-sort`.
    return re.fullmatch(rf"own-\d+|{CELL_ID}.*", str(cell.get("id", ""))) is not None


def first_heading(cells: Sequence[NotebookNode]) -> str:
    """Return the first heading of some cells that the course wrote, or ""."""
    for cell in cells:
        if cell.cell_type == "markdown" and not is_own(cell) and (own := headings(cell.source)):
            return own[0]
    return ""


def headings(source: str) -> list[str]:
    """Return the headings of a text in Markdown; neither code nor a mark scheme holds any."""
    return [line.strip() for line in re.findall(r"^#+ +(.+)$", _NO_TEXT.sub("", source), re.M)]
