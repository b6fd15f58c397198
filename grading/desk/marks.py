"""Writes points and comments to the gradebook, where what was shown still stands in it.

The gradebook is the truth. Two people may grade at once, here or in formgrader, and a submission
may be graded anew meanwhile. So a mark names the state that its author saw, and is written only
over that: in one statement, which a database carries out whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, SolutionCell
from sqlalchemy import and_, select, update
from sqlalchemy.exc import OperationalError

from grading.errors import GradingError

_FEW = 100


class Stands(msgspec.Struct, frozen=True):
    """What the gradebook holds on an answer.

    Attributes:
        automatic: points without a person, for an empty answer.
        manual: points by a person, or None.
        comment: by a person, or None.
        waiting: whether a person has yet to look.
    """

    automatic: float | None
    manual: float | None
    comment: str | None
    waiting: bool


class OtherMark(GradingError):
    """Something else stands in the gradebook than what was shown."""

    def __init__(self, answers: Iterable[str]) -> None:
        self.answers = tuple(answers)
        super().__init__("The gradebook has changed since these answers were shown; look again.")


class GradebookBusy(GradingError):
    """The gradebook cannot be written now: somebody else writes, or the disk is full."""


@dataclass(frozen=True)
class Mark:
    """Points and a comment for one answer, over what stood there when it was given."""

    answer: str
    before: Stands
    after: Stands


def read_marks(address: str, answers: Iterable[str]) -> dict[str, Stands]:
    """Return what stands in the gradebook, by answer; one whose submission is gone has nothing.

    Args:
        address: the gradebook's, as SQLAlchemy writes it.
        answers: ids of grades.
    """
    wanted = set(answers)
    cell, solution = BaseCell.__table__.alias(), BaseCell.__table__.alias()
    statement = (
        select(
            Grade.id,
            Grade.auto_score,
            Grade.manual_score,
            Comment.manual_comment,
            Grade.needs_manual_grade,
        )
        .join(cell, cell.c.id == Grade.cell_id)
        .outerjoin(solution, _is_answer_to(cell, solution))
        .outerjoin(Comment, _is_on(solution))
    )
    # A class's marks at once take less time than a query for each.
    if len(wanted) <= _FEW:
        statement = statement.where(Grade.id.in_(wanted))
    with Gradebook(address) as gradebook:
        rows = gradebook.db.execute(statement).all()
    return {
        answer: Stands(automatic, manual, comment, bool(waiting))
        for answer, automatic, manual, comment, waiting in rows
        if answer in wanted
    }


def _is_answer_to(cell: Any, solution: Any) -> Any:
    """Match the gradebook's two entries of one cell: the one with points, the one with comments."""
    return and_(
        solution.c.name == cell.c.name,
        solution.c.notebook_id == cell.c.notebook_id,
        solution.c.type == SolutionCell.__name__,
    )


def _is_on(solution: Any) -> Any:
    return and_(Comment.cell_id == solution.c.id, Comment.notebook_id == Grade.notebook_id)


def write_marks(address: str, marks: Iterable[Mark]) -> None:
    """Write all marks, or none of them.

    Raises:
        OtherMark: for some answers something else stands there than what was shown.
        GradebookBusy: it could not be written.
    """
    with Gradebook(address) as gradebook:
        try:
            refused = [mark.answer for mark in marks if not _write(gradebook, mark)]
            if refused:
                gradebook.db.rollback()
                raise OtherMark(refused)
            gradebook.db.commit()
        except OperationalError as error:
            gradebook.db.rollback()
            raise GradebookBusy(
                f"The gradebook could not be written ({error.orig}). Nothing was recorded; "
                "look whether the disk is full or another program holds it, and try again."
            ) from error


def _write(gradebook: Gradebook, mark: Mark) -> bool:
    """Write a mark where what was shown still stands; tell whether it did."""
    before, after = mark.before, mark.after
    changed_grade = (
        update(Grade)
        .where(
            Grade.id == mark.answer,
            Grade.auto_score.is_not_distinct_from(before.automatic),
            Grade.manual_score.is_not_distinct_from(before.manual),
            Grade.needs_manual_grade == before.waiting,
        )
        .values(manual_score=after.manual, needs_manual_grade=after.waiting)
    )
    cell, solution = BaseCell.__table__.alias(), BaseCell.__table__.alias()
    comment = (
        select(Comment.id)
        .join(solution, Comment.cell_id == solution.c.id)
        .join(cell, _is_answer_to(cell, solution))
        .join(Grade, and_(Grade.cell_id == cell.c.id, Grade.notebook_id == Comment.notebook_id))
        .where(Grade.id == mark.answer)
        .scalar_subquery()
    )
    changed_comment = (
        update(Comment)
        .where(Comment.id == comment, Comment.manual_comment.is_not_distinct_from(before.comment))
        .values(manual_comment=after.comment)
    )
    return all(
        gradebook.db.execute(each.execution_options(synchronize_session=False)).rowcount == 1
        for each in (changed_grade, changed_comment)
    )


def recorded(before: Stands, points: float, comment: str) -> Stands:
    """Return what is to stand after a person has given points; "" is no comment."""
    return Stands(before.automatic, points, comment or None, False)


def undone(marks: Iterable[Mark]) -> list[Mark]:
    """Return the marks that take these back."""
    return [Mark(mark.answer, mark.after, mark.before) for mark in marks]
