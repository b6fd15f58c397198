"""Puts a submission back into the form of the release: given cells, order and metadata.

`matching` says which of a student's cells is which. What a student answered stays as it is, and so
do cells of their own; given cells become the release's, and what was added to one stays beside
it. Whatever else could steer the run or the grading is left behind.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from grading.intake.matching import grade_id, is_students, match
from grading.intake.python_code import statements
from grading.intake.unread_work import has_unread_code, has_unread_text
from grading.submission import Message, remark

_MOST_NAMED = 3  # missing cells; of more it is told how many


def restore(
    cells: Sequence[NotebookNode], release: NotebookNode, names: Mapping[str, str] | None = None
) -> tuple[NotebookNode, list[Message]]:
    """Return a notebook of the release's form with a student's work in it, and remarks.

    Args:
        cells: the submission's, as `submitted_notebook.read_notebook` returns them.
        release: the notebook that the student got. It is not changed.
        names: what exercises bind, by grade id, where that is not the grade id itself.
    """
    given = release.cells
    matches = match(cells, given, names or {})
    restored, remarks = deepcopy(release), _remarks(cells, given, matches)
    own = _Own(given)
    restored.cells = [own.take(cell) for cell in cells[: _first(matches)]]
    before_answer: list[str] = []
    for place, cell in enumerate(given):
        mine = [index for index, matched in enumerate(matches) if matched == place]
        result, before, after = deepcopy(cell), [], []
        if is_students(cell):
            _answer(result, cells, mine, before_answer)
            before = _other_code(cell, cells, mine, result)
            before_answer = []
        else:
            added = [text for i in mine if (text := _added(cells[i].source, cell.source))]
            is_question = place + 1 < len(given) and _is_written(given[place + 1])
            if cell.cell_type == "code":
                before = [_kept(text) for text in added]
            elif is_question:
                before_answer = added
            else:
                after = [new_markdown_cell(text) for text in added]
        restored.cells += [own.take(each) for each in before]
        restored.cells.append(result)
        restored.cells += [own.take(each) for each in after]
        for index in mine:
            restored.cells += [own.take(each) for each in _following(cells, matches, index)]
    if has_unread_text(restored, given):
        remarks.append(remark("text_elsewhere"))
    if has_unread_code(restored, given, names or {}):
        remarks.append(remark("code_elsewhere"))
    return restored, remarks


def is_untouched(restored: NotebookNode, release: NotebookNode) -> bool:
    """Tell whether a restored notebook holds nothing that a student has done."""
    sources = [cell.source.strip() for cell in restored.cells if cell.source.strip()]
    return sources == [cell.source.strip() for cell in release.cells if cell.source.strip()]


class _Own:
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


def _first(matches: Sequence[int | None]) -> int:
    return next((i for i, matched in enumerate(matches) if matched is not None), len(matches))


def _following(
    cells: Sequence[NotebookNode], matches: Sequence[int | None], index: int
) -> list[NotebookNode]:
    """Return a student's own cells after cell `index`, up to the next that is a given one."""
    own = []
    for cell, matched in zip(cells[index + 1 :], matches[index + 1 :], strict=True):
        if matched is not None:
            break
        own.append(cell)
    return own


def _is_written(given: NotebookNode) -> bool:
    return is_students(given) and given.cell_type == "markdown"


def _work(given: NotebookNode, cells: Sequence[NotebookNode], mine: Sequence[int]) -> list[int]:
    """Return which of a student's cells for an exercise hold more than its stub."""
    return [i for i in mine if cells[i].source.strip() not in ("", given.source.strip())]


def _answer(
    result: NotebookNode, cells: Sequence[NotebookNode], mine: Sequence[int], asked: Sequence[str]
) -> None:
    """Put a student's work into an exercise's cell; `asked` is what stood in its question's."""
    work = _work(result, cells, mine)
    if result.cell_type == "code":
        chosen = (work or mine)[-1:]
        result.source = str(cells[chosen[0]].source) if chosen else result.source
        return
    texts = list(dict.fromkeys([*asked, *(cells[i].source for i in work)]))
    if texts:
        result.source = "\n\n".join(texts)
    elif mine:
        result.source = str(cells[mine[-1]].source)
    images: dict[str, object] = {}
    for index in mine:
        images |= cells[index].get("attachments", {})
    if images:
        result["attachments"] = deepcopy(images)


def _other_code(
    given: NotebookNode, cells: Sequence[NotebookNode], mine: Sequence[int], result: NotebookNode
) -> list[NotebookNode]:
    """Return a student's further cells for an exercise, which run before the one that counts."""
    if given.cell_type != "code":
        return []
    return [cells[i] for i in _work(given, cells, mine)[:-1] if cells[i].source != result.source]


def _added(source: str, given: str) -> str:
    """Return the lines that a student put into a given cell, or ""."""
    left = Counter(given.splitlines())
    added = []
    for line in source.splitlines():
        if left[line]:
            left[line] -= 1
        else:
            added.append(line)
    return "\n".join(added).strip("\n") if any(line.strip() for line in added) else ""


def _kept(code: str) -> NotebookNode:
    """Return code that was added to a given cell as a cell, which runs if it can stand alone."""
    return new_raw_cell(code) if statements(code) is None else new_code_cell(code)


def _remarks(
    cells: Sequence[NotebookNode], given: Sequence[NotebookNode], matches: Sequence[int | None]
) -> list[Message]:
    """Say what was not as it should be with cells that count."""
    remarks: list[Message] = []
    order = [place for place in matches if place is not None and grade_id(given[place])]
    if order != sorted(order):
        remarks.append(remark("order"))
    missing: list[Message] = []
    for place, cell in enumerate(given):
        mine = [index for index, matched in enumerate(matches) if matched == place]
        title = remark("cell", name=grade_id(cell)) if grade_id(cell) else remark("given_cell")
        if not mine and grade_id(cell):
            missing.append(remark("missing", cell=title))
        elif is_students(cell):
            if len(_work(cell, cells, mine)) > 1 or (len(mine) > 1 and cell.cell_type == "code"):
                remarks.append(remark("all_count", cell=title, count=len(mine)))
        elif mine:
            if len(mine) > 1:
                remarks.append(remark("repeated", cell=title, count=len(mine)))
            if any(cells[i].source.strip() != cell.source.strip() for i in mine):
                remarks.append(remark("changed", cell=title))
    if len(missing) > _MOST_NAMED:
        missing = [remark("many_missing", count=len(missing))]
    return remarks + missing
