"""Keeps verdicts in the graded notebook, where feedback pages and reports read them.

A verdict lies in the metadata of its criterion's cell. Nothing of a student's gets there: a
submission's cells have the release's metadata (`intake.restore`), a kernel writes outputs alone,
and the judge removes whatever lies there before it stores its own.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_locked

from grading.assignment import Outcome, Verdict

KEY = "verdict"
"""The name in a cell's metadata."""


@dataclass(frozen=True)
class StoredVerdict:
    """A verdict as the graded notebook keeps it.

    Attributes:
        criterion: the grade id of the hidden test.
        outcome: "correct", "incorrect" or "not attempted".
        passed: whether it gets the points; the gradebook holds what a person made of it.
        finding: what was found, in a sentence or more.
        mistake: the name of the most likely misconception, or "".
        explanation: the misconception in words, or "".
        hint: what to think about, or "".
    """

    criterion: str
    outcome: Outcome
    passed: bool
    finding: str
    mistake: str = ""
    explanation: str = ""
    hint: str = ""


def stored(verdict: Verdict) -> StoredVerdict:
    """Return what is kept of a verdict: its figures are left out, the picture is an output."""
    return StoredVerdict(
        **{kept.name: getattr(verdict, kept.name) for kept in fields(StoredVerdict)}
    )


def store(cell: NotebookNode, verdict: Verdict) -> None:
    """Keep a verdict in its criterion's cell."""
    cell.metadata[KEY] = NotebookNode(asdict(stored(verdict)))


def forget(nb: NotebookNode) -> None:
    """Remove every verdict from a notebook, whoever put it there."""
    for cell in nb.cells:
        cell.metadata.pop(KEY, None)


def of_cell(cell: NotebookNode) -> StoredVerdict | None:
    """Return the verdict in a criterion's cell; None in any other, and where there is none.

    One that another version of the course stored in another form counts as none.
    """
    entry: dict[str, Any] = cell.metadata.get(KEY, {})
    if not (entry and is_locked(cell) and is_grade(cell)):
        return None
    if set(entry) != {field.name for field in fields(StoredVerdict)}:
        return None
    return StoredVerdict(**entry)


def of_notebook(nb: NotebookNode) -> Iterator[StoredVerdict]:
    """Yield the verdicts of a graded notebook, in the order of its cells."""
    for cell in nb.cells:
        verdict = of_cell(cell)
        if verdict is not None:
            yield verdict
