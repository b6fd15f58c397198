"""Puts a submission back into the form of the release: given cells, order and metadata.

A student's cells are recognized by their grade id, then by their cell id, their content and their
place. What a student answered stays as it is, and so do cells of their own; given cells become the
release's, and whatever else could steer the run or the grading is left behind.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from grading.submission import Message, remark


def restore(
    cells: Sequence[NotebookNode], release: NotebookNode
) -> tuple[NotebookNode, list[Message]]:
    """Return a notebook of the release's form with a student's work in it, and remarks.

    Args:
        cells: the submission's, as `submitted_notebook.read_notebook` returns them.
        release: the notebook that the student got. It is not changed.
    """
    matches = _match(cells, release.cells)
    remarks: list[Message] = []
    restored = deepcopy(release)
    restored.cells = []
    extra = _Extra(release.cells)
    for cell in _before_first(cells, matches):
        restored.cells.append(extra.take(cell))
    order = [match for match in matches if match is not None and _matters(release.cells[match])]
    if order != sorted(order):
        remarks.append(remark("order"))
    for place, given in enumerate(release.cells):
        mine = [index for index, match in enumerate(matches) if match == place]
        chosen, others = _choose(given, mine, cells, remarks)
        result = deepcopy(given)
        if chosen is not None and _is_students(given):
            result.source = _answer(given, chosen, mine, cells)
            if "attachments" in cells[chosen]:
                result["attachments"] = deepcopy(cells[chosen].attachments)
        elif not mine and _matters(given):
            remarks.append(remark("missing", cell=_title(given)))
        restored.cells += [extra.take(cells[index]) for index in others if index < (chosen or 0)]
        restored.cells.append(result)
        restored.cells += [extra.take(cells[index]) for index in others if index >= (chosen or 0)]
        for index in mine:
            restored.cells += [extra.take(cell) for cell in _following(cells, matches, index)]
    return restored, remarks


class _Extra:
    """Makes plain cells out of a student's own, with identifiers that occur nowhere else."""

    def __init__(self, given: Iterable[NotebookNode]) -> None:
        self._taken = {cell.get("id") for cell in given}
        self._count = 0

    def take(self, cell: NotebookNode) -> NotebookNode:
        plain = deepcopy(cell)
        plain.metadata = NotebookNode()
        self._count += 1
        while (identifier := f"own-{self._count}") in self._taken:
            self._count += 1
        plain["id"] = identifier
        return plain


def _match(cells: Sequence[NotebookNode], given: Sequence[NotebookNode]) -> list[int | None]:
    """Return for each of a student's cells which of the given ones it is, if any."""
    places = {cell.metadata.nbgrader.grade_id: i for i, cell in enumerate(given) if _matters(cell)}
    matches: list[int | None] = [
        places.get(cell.metadata.get("nbgrader", {}).get("grade_id")) for cell in cells
    ]

    def match_by(key: str) -> None:
        """Match what is left, where a key occurs once among the given cells."""
        found: dict[str, list[int]] = {}
        for place, cell in enumerate(given):
            found.setdefault(_key(cell, key), []).append(place)
        for index, cell in enumerate(cells):
            if matches[index] is None and _key(cell, key):
                candidates = found.get(_key(cell, key), [])
                if len(candidates) == 1 and candidates[0] not in matches:
                    matches[index] = candidates[0]

    match_by("source")
    match_by("id")
    # What is left of the given cells that matter: the one cell of its type at its place.
    for place, cell in enumerate(given):
        if place in matches or not _matters(cell):
            continue
        low = max((i for i, m in enumerate(matches) if m is not None and m < place), default=-1)
        high = min(
            (i for i, m in enumerate(matches) if m is not None and m > place and i > low),
            default=len(cells),
        )
        between = [
            i
            for i in range(low + 1, high)
            if matches[i] is None and cells[i].cell_type == cell.cell_type
        ]
        named = [i for i in between if _defines(cells[i], cell)] or between
        if named and (len(named) == 1 or cell.cell_type == "code"):
            matches[named[-1]] = place
    return matches


def _key(cell: NotebookNode, key: str) -> str:
    if key == "id":
        return str(cell.get("id", ""))
    return f"{cell.cell_type}\n{cell.source.strip()}" if cell.source.strip() else ""


def _defines(cell: NotebookNode, given: NotebookNode) -> bool:
    """Tell whether a cell binds the name that the exercise has."""
    name = given.metadata.nbgrader.grade_id
    return any(
        line.startswith((f"def {name}(", f"class {name}", f"{name} =", f"{name}:"))
        for line in cell.source.splitlines()
    )


def _matters(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade_id"))


def _is_students(given: NotebookNode) -> bool:
    """Tell whether what stands in a cell is the student's to decide."""
    return not is_locked(given) and not (is_grade(given) and not is_solution(given))


def _choose(
    given: NotebookNode, mine: list[int], cells: Sequence[NotebookNode], remarks: list[Message]
) -> tuple[int | None, list[int]]:
    """Return which of a student's cells stands for a given one, and which go beside it."""
    if not mine:
        return None, []
    if not _is_students(given):
        if len(mine) > 1:
            remarks.append(remark("repeated", cell=_title(given), count=len(mine)))
        if any(cells[i].source.strip() != given.source.strip() for i in mine):
            remarks.append(remark("changed", cell=_title(given)))
        return mine[0], []
    answers = [i for i in mine if cells[i].source.strip() not in ("", given.source.strip())]
    chosen = (answers or mine)[-1]
    if len(mine) > 1:
        remarks.append(remark("all_count", cell=_title(given), count=len(mine)))
    # A second stub would undo the answer.
    others = [] if given.cell_type == "markdown" else [i for i in answers if i != chosen]
    return chosen, others


def _answer(
    given: NotebookNode, chosen: int, mine: list[int], cells: Sequence[NotebookNode]
) -> str:
    if given.cell_type != "markdown":
        return str(cells[chosen].source)
    texts = [cells[i].source for i in mine if cells[i].source.strip() != given.source.strip()]
    return "\n\n".join(dict.fromkeys(texts)) if texts else str(given.source)


def _before_first(
    cells: Sequence[NotebookNode], matches: Sequence[int | None]
) -> list[NotebookNode]:
    first = next((i for i, match in enumerate(matches) if match is not None), len(cells))
    return list(cells[:first])


def _following(
    cells: Sequence[NotebookNode], matches: Sequence[int | None], index: int
) -> list[NotebookNode]:
    """Return a student's own cells after cell `index`, up to the next that is a given one."""
    own = []
    for cell, match in zip(cells[index + 1 :], matches[index + 1 :], strict=True):
        if match is not None:
            break
        own.append(cell)
    return own


def _title(cell: NotebookNode) -> Message:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    return remark("cell", name=grade_id) if grade_id else remark("given_cell")
