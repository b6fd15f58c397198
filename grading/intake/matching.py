"""Tells which cell of the release each of a student's cells is, or that it is one of their own.

A given cell is recognized by its grade id, its content or its cell id. An exercise is recognized by
its grade id too, then by the name that it binds, wherever that stands; only where both neighbours
are known, by its place between them. Text around the place of an answer belongs to the answer.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from grading.intake.python_code import statements

_BINDS = re.compile(r"^(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", re.MULTILINE)


def match(
    cells: Sequence[NotebookNode], given: Sequence[NotebookNode], names: Mapping[str, str]
) -> list[int | None]:
    """Return for each of a student's cells the place of the given one that it is; None for none.

    Args:
        cells: the student's.
        given: the release's.
        names: what exercises bind, by grade id, where that is not the grade id itself.
    """
    places = {grade_id(cell): place for place, cell in enumerate(given) if grade_id(cell)}
    matches = [places.get(grade_id(cell)) if grade_id(cell) else None for cell in cells]
    _match_by(_content, cells, given, matches)
    _match_by(_identifier, cells, given, matches)
    for place, cell in enumerate(given):
        if is_students(cell) and cell.cell_type == "code":
            _match_by_name(place, cell, cells, matches, names.get(grade_id(cell), grade_id(cell)))
    for place, cell in enumerate(given):
        if is_students(cell) and place not in matches:
            _match_by_place(place, cell, cells, matches)
    for place, cell in enumerate(given):
        if is_students(cell) and cell.cell_type == "markdown":
            _match_text_around(place, cells, matches)
    return matches


def grade_id(cell: NotebookNode) -> str:
    """Return a cell's grade id, or ""."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id") or "")


def is_students(given: NotebookNode) -> bool:
    """Tell whether what stands in a cell of the release is the student's to decide."""
    if not grade_id(given):
        return False
    return not is_locked(given) and not (is_grade(given) and not is_solution(given))


def binds(source: str, name: str) -> bool:
    """Tell whether code gives a name, at its top level."""
    parsed = statements(source)
    if parsed is None:
        return any(name in found.groups() for found in _BINDS.finditer(source))
    for statement in parsed:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name == name:
            return True
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(n, ast.Name) and n.id == name for t in targets for n in ast.walk(t)):
                return True
    return False


def _content(cell: NotebookNode) -> str:
    return f"{cell.cell_type}\n{cell.source.strip()}" if cell.source.strip() else ""


def _identifier(cell: NotebookNode) -> str:
    return str(cell.get("id", ""))


def _match_by(
    key: Callable[[NotebookNode], str],
    cells: Sequence[NotebookNode],
    given: Sequence[NotebookNode],
    matches: list[int | None],
) -> None:
    """Match what is left, where a key occurs once among the given cells."""
    known: dict[str, list[int]] = {}
    for place, cell in enumerate(given):
        known.setdefault(key(cell), []).append(place)
    for index, cell in enumerate(cells):
        candidates = known.get(key(cell), []) if matches[index] is None and key(cell) else []
        if len(candidates) == 1 and candidates[0] not in matches:
            matches[index] = candidates[0]


def _match_by_name(
    place: int,
    given: NotebookNode,
    cells: Sequence[NotebookNode],
    matches: list[int | None],
    name: str,
) -> None:
    """Match cells of the student's own that bind an exercise's name, where its own has no work."""
    mine = [index for index, matched in enumerate(matches) if matched == place]
    if any(cells[i].source.strip() not in ("", given.source.strip()) for i in mine):
        return
    for index, cell in enumerate(cells):
        if matches[index] is None and cell.cell_type == "code" and binds(cell.source, name):
            matches[index] = place


def _match_by_place(
    place: int, given: NotebookNode, cells: Sequence[NotebookNode], matches: list[int | None]
) -> None:
    """Match the one cell of the right type between the two given cells beside an exercise's."""
    if place - 1 not in matches or place + 1 not in matches:
        return
    low, high = matches.index(place - 1), matches.index(place + 1)
    between = [
        index
        for index in range(low + 1, high)
        if matches[index] is None and cells[index].cell_type == given.cell_type
    ]
    if len(between) == 1:
        matches[between[0]] = place


def _match_text_around(
    place: int, cells: Sequence[NotebookNode], matches: list[int | None]
) -> None:
    """Match text of the student's own between the question, its answer, and what comes next."""
    last: int | None = None
    for index, cell in enumerate(cells):
        if matches[index] is not None:
            last = matches[index]
        elif last in (place - 1, place) and cell.cell_type != "code" and cell.source.strip():
            matches[index] = place
