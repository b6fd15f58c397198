"""The parts of an assignment that have points: what each is called, and how it stands."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from grading.assignment import Assignment
from grading.feedback.rubrics import rubrics
from grading.feedback.sections import headings, is_own
from grading.judging import stored_verdicts
from grading.judging.stored_verdicts import StoredVerdict
from grading.recording.answers import is_unanswered, is_written_answer


@dataclass(frozen=True)
class Grade:
    """What the gradebook holds on one part.

    Attributes:
        score: the points, as they count.
        points: the most there are.
        waiting: whether a person has yet to look.
        automatic: what the tests gave, or None.
        manual: what a person gave, or None.
    """

    score: float
    points: float
    waiting: bool = False
    automatic: float | None = None
    manual: float | None = None


@dataclass(frozen=True)
class Part:
    """One row of the table of points, and the card beside its cell.

    Attributes:
        status: "full", "some", "none", "waiting", "empty", "not_attempted" or "unread"; names a
            text of the page's words.
        same_as: an earlier part that failed for the same reason, or None.
        picture: a PNG in base64 with its caption, or None.
        rubric: how a person graded the answer, or "" before that.
        written: whether it is an answer in words.
        by_person: whether a person grades it, and no test.
    """

    grade_id: str
    title: str
    grade: Grade
    status: str
    written: bool
    by_person: bool
    verdict: StoredVerdict | None = None
    same_as: "Part | None" = None
    picture: tuple[str, str] | None = None
    rubric: str = ""


def parts_of(
    nb: NotebookNode,
    grades: Mapping[str, Grade],
    language: str,
    assignment: Assignment | None,
) -> Iterator[Part]:
    """Yield the parts that have points, in the notebook's order.

    Args:
        nb: the graded notebook, mark schemes included.
        grades: the gradebook's entries by grade id.
        language: the page's.
        assignment: what judged it; None where nbgrader did.
    """
    rubric_of = rubrics(nb)
    titled = titles(nb.cells, assignment, language)
    said: dict[tuple[str, str], Part] = {}
    for cell in nb.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id not in grades or not (is_grade(cell) or is_task(cell)):
            continue
        grade, verdict = grades[grade_id], stored_verdicts.of_cell(cell)
        part = Part(
            grade_id=grade_id,
            title=titled[grade_id],
            grade=grade,
            status=_status(cell, grade, verdict),
            written=is_written_answer(cell),
            by_person=is_solution(cell) or is_task(cell),
            verdict=verdict,
            picture=_picture(cell),
            rubric=rubric_of.get(grade_id, "") if grade.manual is not None else "",
        )
        if verdict is not None and not verdict.passed:
            cause = (verdict.mistake, verdict.hint or verdict.finding)
            part = replace(part, same_as=said.get(cause))
            said.setdefault(cause, part)
        yield part


def _status(cell: NotebookNode, grade: Grade, verdict: StoredVerdict | None) -> str:
    empty = is_written_answer(cell) and is_unanswered(cell) and not grade.score
    if empty and grade.automatic is not None:
        return "empty"
    if grade.waiting and (is_written_answer(cell) or grade.automatic is None):
        return "waiting"
    if grade.score >= grade.points:
        return "full"
    if grade.score > 0:
        return "some"
    if verdict is not None and verdict.outcome == "not attempted":
        return "not_attempted"
    return "none"


def _picture(cell: NotebookNode) -> tuple[str, str] | None:
    """Return the picture that the judge put beside its verdict."""
    if stored_verdicts.of_cell(cell) is None:
        return None
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            return data["image/png"], data.get("text/plain", "")
    return None


def titles(
    cells: Sequence[NotebookNode], assignment: Assignment | None, language: str
) -> dict[str, str]:
    """Return the title of each part of a graded notebook, by grade id, no two of them alike.

    It is the assignment's own; for a part that it does not know, the heading above, with a number
    where several parts stand below one; without any heading the grade id.
    """
    heading = ""
    result, below = {}, {}
    for cell in cells:
        if cell.cell_type == "markdown" and not (is_own(cell) or is_solution(cell)):
            heading = next(reversed(headings(cell.source)), heading)
        if not (is_grade(cell) or is_task(cell)):
            continue
        grade_id = cell.metadata.nbgrader["grade_id"]
        own = assignment.title(grade_id, language) if assignment else grade_id
        result[grade_id] = own
        if own == grade_id:
            below[grade_id] = re.sub(r"[*`]", "", heading) or grade_id
    shared = {title for title, count in Counter(below.values()).items() if count > 1}
    numbers: Counter[str] = Counter()
    for grade_id, title in below.items():
        numbers[title] += 1
        result[grade_id] = f"{title} · {numbers[title]}" if title in shared else title
    return result
