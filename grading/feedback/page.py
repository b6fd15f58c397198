"""What a feedback page tells: points part by part, what went well, and what to look at next.

Plain data made from a graded notebook and the gradebook's entries; `templates/course_feedback`
puts it on a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nbformat.notebooknode import NotebookNode

from grading.assignment import Assignment
from grading.course.timestamps import shown_time
from grading.feedback.handing_in import HandedIn, Lateness, delay_in_words
from grading.feedback.parts import Grade, Part, parts_of
from grading.feedback.sections import first_heading, is_own
from grading.intake.remarks import CELL_ID
from grading.recording.answers import is_unanswered, is_written_answer
from grading.words import words

PAGE = "feedback_page"
"""Where the preprocessor leaves the page for the template, in the resources."""


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
    handed_in: HandedIn | None = None

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
        """Return what explains a part without full points, and a hint."""
        words, verdict = self.words, part.verdict
        if verdict is not None and not verdict.passed:
            return verdict.explanation or verdict.finding, self.hint(part)
        if part.status == "empty":
            return words["no_answer"], words["hint_no_answer"]
        if part.by_person or part.grade.manual is not None:
            if self.comments.get(part.grade_id):
                return words["read_comment"], ""
            if part.rubric:
                return words["below_rubric"], ""
            return words["by_a_person"], words["hint_ask"]
        return words["test_failed"], words["hint_test_failed"]

    def hint(self, part: Part) -> str:
        """Return what to think about where a test has not been passed, or ""."""
        verdict = part.verdict
        if verdict is None or verdict.passed:
            return ""
        return verdict.hint or self.words["hint_no_result"]

    @property
    def attempt(self) -> str:
        """Which attempt it is, in a sentence, or ""."""
        return self.handed_in.attempt if self.handed_in else ""

    @property
    def unreadable(self) -> str:
        """Why nothing that was handed in could be read, or ""."""
        reason = self.handed_in.unreadable if self.handed_in else None
        return reason.said(self.language) if reason else ""

    @property
    def again(self) -> str:
        """Whether handing in again can help."""
        if self.handed_in is None:
            return ""
        if self.score >= self.points:
            return self.words["again_needless"]
        return self.handed_in.again(self.words)

    @property
    def compared(self) -> str:
        """What the tests gave before and now, or "" where nothing was handed in before."""
        if not self.handed_in or not self.handed_in.before:
            return ""
        before, now = (
            sum(self.handed_in.before.values()),
            sum(part.grade.automatic or 0.0 for part in self.parts if not part.by_person),
        )
        return self.words["compared"].format(before=number(before), now=number(now))

    def part(self, cell: NotebookNode) -> Part | None:
        """Return the part that a cell stands for, if it does."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        return next((part for part in self.parts if part.grade_id == grade_id), None)

    def comment(self, cell: NotebookNode) -> str:
        """Return a person's comment on a cell, or ""."""
        return self.comments.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), "")

    def before(self, part: Part) -> str:
        """Return the points of a part that a test gave before, or a dash."""
        scores = self.handed_in.before if self.handed_in else {}
        return number(scores[part.grade_id]) if part.grade_id in scores else "–"

    def has_own_cells(self, nb: NotebookNode) -> bool:
        """Tell whether a student wrote something into cells of their own, of whatever type."""
        own = [cell for cell in nb.cells if is_own(cell) and cell.get("id") != CELL_ID]
        return any(cell.source.strip() for cell in own)

    def is_unanswered(self, cell: NotebookNode) -> bool:
        """Tell whether nothing stands in the cell of an answer."""
        return is_written_answer(cell) and is_unanswered(cell)

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
            deadline=shown_time(late.deadline),
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
    handed_in: HandedIn | None = None,
) -> Page:
    """Return what a page tells.

    Args:
        nb: the graded notebook, mark schemes included.
        grades: the gradebook's entries by grade id.
        language: the page's.
        assignment: what judged it, and knows what its parts are called; None where nbgrader did.
        comments: what a person wrote, by the grade id of the cell.
        lateness: where the submission came after its deadline.
        handed_in: whose the submission is, and what is known of it besides.
    """
    parts = tuple(parts_of(nb, grades, language, assignment))
    if handed_in and handed_in.unreadable:
        # The cells are the release's, so what they lack says nothing of the student's work.
        parts = tuple(
            part if part.grade.score else replace(part, status="unread") for part in parts
        )
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
        handed_in=handed_in,
    )


def number(value: float) -> str:
    """Return points with at most two decimals."""
    return f"{round(value, 2):g}"
