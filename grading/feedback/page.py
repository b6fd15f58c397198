"""What a feedback page tells: points part by part, what went well, and what to look at next.

Plain data made from a graded notebook and the gradebook's entries; `templates/course_feedback`
puts it on a page.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from grading.assignment import Assignment
from grading.feedback.rubrics import rubrics
from grading.feedback.sections import first_heading, is_own
from grading.feedback.titles import titles
from grading.judging import stored_verdicts
from grading.judging.stored_verdicts import StoredVerdict
from grading.recording.answers import is_unanswered, is_written_answer
from grading.words import words

PAGE = "feedback_page"
"""Where the preprocessor leaves the page for the template, in the resources."""


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
class Lateness:
    """A submission after its deadline: by how much, and what it costs."""

    delay: timedelta
    deadline: datetime
    penalty: float


@dataclass(frozen=True)
class Part:
    """One row of the table of points, and the card beside its cell.

    Attributes:
        status: "full", "some", "none", "waiting", "empty" or "not_attempted"; names a text of
            the page's words.
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


@dataclass(frozen=True)
class Advice:
    """What to look at next: one cause, and the parts that it costs points in."""

    parts: tuple[Part, ...]
    explanation: str
    hint: str


@dataclass(frozen=True)
class Page:
    """All that a page tells."""

    language: str
    heading: str
    parts: tuple[Part, ...]
    score: float
    points: float
    lateness: Lateness | None
    comments: Mapping[str, str]
    note: str
    attempt: str = ""

    @property
    def words(self) -> dict[str, str]:
        """What a page says in its language."""
        return words(self.language)["feedback"]

    @property
    def open_points(self) -> float:
        """Points of written answers that nobody has read yet."""
        return sum(part.grade.points for part in self.parts if part.status == "waiting")

    @property
    def flagged(self) -> bool:
        """Whether a person is to look at what the tests gave."""
        return any(part.grade.waiting and not part.by_person for part in self.parts)

    @property
    def went_well(self) -> list[Part]:
        """The parts with full points."""
        return [part for part in self.parts if part.status == "full"]

    @property
    def look_next(self) -> list[Advice]:
        """Causes in the order of the notebook, each once."""
        causes: dict[tuple[str, str], list[Part]] = {}
        for part in self.parts:
            if part.status not in ("full", "waiting"):
                first = part.same_as or part
                causes.setdefault(self._advice(first), []).append(part)
        return [Advice(tuple(parts), *advice) for advice, parts in causes.items()]

    def _advice(self, part: Part) -> tuple[str, str]:
        """Return what explains a part, and a hint."""
        if part.verdict is not None:
            return part.verdict.explanation or part.verdict.finding, part.verdict.hint
        if part.status == "empty":
            return self.words["no_answer"], ""
        if self.comments.get(part.grade_id):
            return self.words["read_comment"], ""
        return (self.words["below_rubric"] if part.rubric else ""), ""

    def part(self, cell: NotebookNode) -> Part | None:
        """Return the part that a cell stands for, if it does."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        return next((part for part in self.parts if part.grade_id == grade_id), None)

    def comment(self, cell: NotebookNode) -> str:
        """Return a person's comment on a cell, or ""."""
        return self.comments.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), "")

    def is_own(self, cell: NotebookNode) -> bool:
        """Tell whether a student added the cell, or something was remarked in it."""
        return is_own(cell)

    @property
    def late_sentence(self) -> str:
        """What being late meant."""
        if self.lateness is None:
            return ""
        late = self.lateness
        text = self.words["late" if late.penalty else "late_free"]
        return text.format(
            delay=delay_in_words(late.delay, self.words),
            deadline=f"{late.deadline:%Y-%m-%d %H:%M}",
            penalty=number(late.penalty),
            before=number(self.score + late.penalty),
        )


def build_page(
    nb: NotebookNode,
    grades: Mapping[str, Grade],
    language: str,
    assignment: Assignment | None,
    comments: Mapping[str, str] | None = None,
    lateness: Lateness | None = None,
    attempt: str = "",
) -> Page:
    """Return what a page tells.

    Args:
        nb: the graded notebook, mark schemes included.
        grades: the gradebook's entries by grade id.
        language: the page's.
        assignment: what judged it, and knows what its parts are called; None where nbgrader did.
        comments: what a person wrote, by the grade id of the cell.
        lateness: where the submission came after its deadline.
        attempt: a sentence on which attempt it is, or "".
    """
    parts = tuple(_parts(nb, grades, language, assignment))
    penalty = lateness.penalty if lateness else 0.0
    failed = [part.verdict for part in parts if part.status != "full" and part.verdict is not None]
    sentences = [verdict.finding + verdict.explanation for verdict in failed]
    return Page(
        language=language,
        heading=first_heading(nb.cells) or words(language)["feedback"]["feedback_on"],
        parts=parts,
        score=sum(grade.score for grade in grades.values()) - penalty,
        points=sum(grade.points for grade in grades.values()),
        lateness=lateness,
        comments=comments or {},
        note=assignment.note(sentences, language) if assignment else "",
        attempt=attempt,
    )


def _parts(
    nb: NotebookNode,
    grades: Mapping[str, Grade],
    language: str,
    assignment: Assignment | None,
) -> Iterator[Part]:
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


def number(value: float) -> str:
    """Return points with at most two decimals."""
    return f"{round(value, 2):g}"


def delay_in_words(delay: timedelta, words: Mapping[str, str]) -> str:
    """Return a delay to the minute, its two largest units."""
    minutes = max(1, round(delay.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    units = [(days, words["day"]), (hours, words["hour"]), (left, words["minute"])]
    shown = [unit.format(count) for count, unit in units if count]
    return " ".join(shown[:2])
