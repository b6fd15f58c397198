"""Gathers what an instructor wants to know of a class: scores, misconceptions, what needs a person.

Everything comes from what nbgrader keeps: the gradebook, the graded notebooks, and the audit log.
The same class gives the same report, to the letter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.utils import is_grade, is_solution

from grading.assignment import Assignment
from grading.errors import GradingError
from grading.feedback.parts import titles
from grading.judging import stored_verdicts
from grading.recording import audit
from grading.reports.misconceptions import Misconception, Participant, misconceptions
from grading.words import words


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
        missing: students without a submission, by id.
        misconceptions: the most frequent first.
        titles: what a person calls each of the cells.
        language: the one that the assignment is in.
    """

    assignment: str
    maximum: float
    cells: dict[str, float]
    participants: list[Participant]
    missing: list[str]
    misconceptions: list[Misconception]
    titles: dict[str, str]
    language: str

    @property
    def scores(self) -> list[float]:
        """The scores there are, in ascending order."""
        return sorted(p.score for p in self.participants if p.score is not None)

    def passed(self, criterion: str) -> tuple[int, int]:
        """Return how many got all points of a criterion, and how many were graded on it."""
        graded = [p.points.get(criterion) for p in self.participants]
        known = [points for points in graded if points is not None]
        return sum(points >= self.cells[criterion] for points in known), len(known)


def read_class(
    course: Path, address: str, assignment: str, module: Assignment | None, language: str
) -> ClassReport:
    """Read a class's results.

    Args:
        course: the course root.
        address: the gradebook's, as SQLAlchemy writes it.
        assignment: its name.
        module: what judges it, and knows what its parts are called; None where nbgrader does.
        language: the one that it is in.

    Raises:
        NothingToReport: there is no such assignment, or no submission.
        AuditLogBroken: a line of the log was changed.
    """
    logged = _logged(course / audit.FILE, assignment)
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
        participants = [_participant(course, item, logged, language) for item in submissions]
        present = {item.student for item in participants}
        names = {
            name
            for item in gradebook.students
            for name in (item.id, item.first_name, item.last_name, item.email)
            if name
        }
        cells, titled = _cells(course, submissions, module, language)
        return ClassReport(
            assignment,
            float(of_assignment.max_score),
            cells,
            participants,
            sorted(item.id for item in gradebook.students if item.id not in present),
            misconceptions(participants, names),
            {name: titled.get(name, name) for name in cells},
            language,
        )


def _logged(path: Path, assignment: str) -> dict[tuple[str, str], audit.Entry]:
    """Return the latest entry of each student's notebook."""
    if not path.is_file():
        return {}
    return {
        (entry["student"], entry["notebook"]): entry
        for entry in audit.read(path)
        if entry["assignment"] == assignment
    }


def _participant(
    course: Path,
    submission: SubmittedAssignment,
    logged: Mapping[tuple[str, str], audit.Entry],
    language: str,
) -> Participant:
    student = submission.student.id
    participant = Participant(
        student,
        None,
        float(submission.late_submission_penalty or 0),
        float(submission.total_seconds_late),
        (),
        (),
        {},
        {},
        {},
        0.0,
    )
    for notebook in sorted(submission.notebooks, key=lambda item: item.name):
        for grade in notebook.grades:
            known = grade.auto_score is not None or grade.manual_score is not None
            name = _key(submission, notebook.name, grade.name)
            participant.points[name] = float(grade.score) if known else None
            # A test's score waits where the submission is flagged.
            if grade.needs_manual_grade and (
                grade.auto_score is None or grade.cell.cell_type != "code"
            ):
                participant.waiting += (name,)
        entry = logged.get((student, notebook.name), {})
        if entry.get("flagged"):
            participant.flagged += tuple(entry["remarks"])
        participant.seconds += float(entry.get("seconds", 0))
        folder = course / "autograded" / student / submission.assignment.name
        path = folder / f"{notebook.name}.ipynb"
        executed = _graded_notebook(path)
        if executed is None:
            participant.flagged += (words(language)["report"]["unreadable"],)
            continue
        participant.verdicts |= {
            item.criterion: item for item in stored_verdicts.of_notebook(executed)
        }
        participant.solutions |= _solutions(executed)
    if any(points is not None for points in participant.points.values()):
        participant.score = float(submission.score)
    participant.waiting = tuple(sorted(participant.waiting))
    return participant


def _graded_notebook(path: Path) -> NotebookNode | None:
    """Return a graded notebook, an empty one where there is none, None for one that is broken."""
    try:
        return nbformat.read(path, as_version=4) if path.is_file() else new_notebook()
    # Whatever one student's notebook has come to, the report tells of the others.
    except Exception:
        return None


def _solutions(nb: NotebookNode) -> dict[str, str]:
    """Return the solution before each test, by the test's grade id."""
    solutions, solution = {}, ""
    for cell in nb.cells:
        if cell.cell_type == "code" and is_solution(cell) and not is_grade(cell):
            solution = cell.source
        elif is_grade(cell):
            solutions[cell.metadata.nbgrader.grade_id] = solution
    return solutions


def _key(submission: SubmittedAssignment, notebook: str, grade_id: str) -> str:
    """Return what a report calls a cell: notebooks of one assignment may share grade ids."""
    return grade_id if len(submission.notebooks) == 1 else f"{notebook}: {grade_id}"


def _cells(
    course: Path,
    submissions: Sequence[SubmittedAssignment],
    module: Assignment | None,
    language: str,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the maximum of each graded cell, in the notebooks' order, and what it is called."""
    maximum = {
        _key(submission, notebook.name, grade.name): float(grade.max_score)
        for submission in submissions
        for notebook in submission.notebooks
        for grade in notebook.grades
    }
    ordered: dict[str, float] = {}
    titled: dict[str, str] = {}
    for submission in submissions:
        folder = course / "autograded" / submission.student.id / submission.assignment.name
        for path in sorted(folder.glob("*.ipynb")):
            cells = (_graded_notebook(path) or new_notebook()).cells
            for grade_id, title in titles(cells, module, language).items():
                name = _key(submission, path.stem, grade_id)
                if name in maximum:
                    ordered[name] = maximum[name]
                    titled[name] = title if name == grade_id else f"{path.stem}: {title}"
        if len(ordered) == len(maximum):
            break
    rest = {name: maximum[name] for name in sorted(maximum) if name not in ordered}
    return ordered | rest, titled
