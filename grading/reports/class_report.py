"""Gathers what an instructor wants to know of a class: scores, misconceptions, what needs a person.

Everything comes from what nbgrader keeps: the gradebook, the graded notebooks, and the audit log.
The same class gives the same report, to the letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment

from grading.assignment import Assignment
from grading.errors import GradingError
from grading.feedback.parts import titles
from grading.recording import audit
from grading.reports.item_analysis import Item, analyse
from grading.reports.misconceptions import Misconception, misconceptions
from grading.reports.participants import (
    Participant,
    graded_notebook,
    key,
    read_log,
    read_participant,
)


class NothingToReport(GradingError):
    """The gradebook does not know the assignment, or nobody has handed it in."""


@dataclass(frozen=True)
class ClassReport:
    """A class on one assignment.

    Attributes:
        assignment: its name.
        maximum: the points there are.
        cells: the maximum of each criterion and answer, in the notebook's order.
        participants: who handed in, by id.
        missing: students without a submission, of another edition either, by id.
        misconceptions: the most frequent first.
        titles: what a person calls each of the cells.
        language: the one that the assignment is in.
        elsewhere: students who handed in another edition instead, by its name.
    """

    assignment: str
    maximum: float
    cells: dict[str, float]
    participants: list[Participant]
    missing: list[str]
    misconceptions: list[Misconception]
    titles: dict[str, str]
    language: str
    elsewhere: dict[str, list[str]]

    @property
    def scores(self) -> list[float]:
        """The scores there are, in ascending order."""
        return sorted(p.score for p in self.participants if p.score is not None)

    def item(self, criterion: str) -> Item:
        """Return what the class's points say of a criterion or answer."""
        return analyse(self.participants, criterion, self.cells[criterion])


def read_class(
    course: Path,
    address: str,
    assignment: str,
    module: Assignment | None,
    language: str,
    editions: Sequence[str] = (),
) -> ClassReport:
    """Read a class's results.

    Args:
        course: the course root.
        address: the gradebook's, as SQLAlchemy writes it.
        assignment: its name.
        module: what judges it, and knows what its parts are called; None where nbgrader does.
        language: the one that it is in.
        editions: other assignments, of which a student hands in one or this.

    Raises:
        NothingToReport: there is no such assignment, or no submission.
        AuditLogBroken: a line of the log was changed.
    """
    log = read_log(course / audit.FILE, assignment)
    with Gradebook(address) as gradebook:
        try:
            of_assignment = gradebook.find_assignment(assignment)
        except MissingEntry:
            known = ", ".join(sorted(item.name for item in gradebook.assignments)) or "none"
            raise NothingToReport(
                f"The gradebook has no assignment {assignment!r}; it has: {known}."
            ) from None
        submissions = sorted(
            gradebook.assignment_submissions(assignment), key=lambda item: item.student.id
        )
        if not submissions:
            raise NothingToReport(
                f"Nobody's {assignment} was graded; run nbgrader autograde first."
            )
        participants = [read_participant(course, item, log, language) for item in submissions]
        present = {item.student for item in participants}
        elsewhere = _elsewhere(gradebook, editions, present)
        cells, titled = _cells(course, submissions, module, language)
        handed_in = present.union(*elsewhere.values())
        return ClassReport(
            assignment,
            float(of_assignment.max_score),
            cells,
            participants,
            sorted(item.id for item in gradebook.students if item.id not in handed_in),
            misconceptions(
                participants,
                _names(gradebook),
                lambda mistake: module.teaching(mistake, language) if module else ("", ""),
            ),
            {name: titled.get(name, name) for name in cells},
            language,
            elsewhere,
        )


def _elsewhere(
    gradebook: Gradebook, editions: Sequence[str], present: set[str]
) -> dict[str, list[str]]:
    """Return by edition who handed in that and not this one."""
    there = sorted({item.name for item in gradebook.assignments} & {*editions})
    students = {
        edition: {item.student.id for item in gradebook.assignment_submissions(edition)} - present
        for edition in there
    }
    return {edition: sorted(those) for edition, those in students.items() if those}


def _names(gradebook: Gradebook) -> set[str]:
    """Return what names somebody of the class."""
    return {
        name
        for item in gradebook.students
        for name in (item.id, item.first_name, item.last_name, item.email)
        if name
    }


def _cells(
    course: Path,
    submissions: Sequence[SubmittedAssignment],
    module: Assignment | None,
    language: str,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the maximum of each graded cell, in the notebooks' order, and what it is called."""
    maximum = {
        key(submission, notebook.name, grade.name): float(grade.max_score)
        for submission in submissions
        for notebook in submission.notebooks
        for grade in notebook.grades
    }
    ordered: dict[str, float] = {}
    titled: dict[str, str] = {}
    for submission in submissions:
        folder = course / "autograded" / submission.student.id / submission.assignment.name
        for path in sorted(folder.glob("*.ipynb")):
            cells = (graded_notebook(path) or new_notebook()).cells
            for grade_id, title in titles(cells, module, language).items():
                name = key(submission, path.stem, grade_id)
                if name in maximum:
                    ordered[name] = maximum[name]
                    titled[name] = title if name == grade_id else f"{path.stem}: {title}"
        if len(ordered) == len(maximum):
            break
    rest = {name: maximum[name] for name in sorted(maximum) if name not in ordered}
    return ordered | rest, titled
