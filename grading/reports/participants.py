"""Reads what one student handed in as it stands: points, verdicts, attempts, what waits."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import SubmittedAssignment, SubmittedNotebook
from nbgrader.utils import is_grade, is_solution

from grading.judging import stored_verdicts
from grading.judging.stored_verdicts import StoredVerdict
from grading.recording import audit
from grading.recording.attempts import attempt_in
from grading.words import say


@dataclass
class Participant:
    """One student's submission as it stands.

    Attributes:
        student: the id.
        score: the points, without the late penalty; None where nothing was graded.
        penalty: points taken off for being late.
        seconds_late: after the deadline, extensions counted.
        flagged: why a person should look at it, in sentences.
        waiting: grade ids of answers that wait for a person.
        verdicts: the verdicts, by criterion.
        points: points given by criterion or answer; None where ungraded.
        solutions: the student's own cell that each criterion is about.
        errors: the type of error that this cell stopped with, where it did.
        seconds: how long the run took, if the log knows.
        attempts: how many different submissions were graded, if the log knows.
        submission: the submitted notebook, where there is one.
        feedback: the page that the student gets, where it was generated.
    """

    student: str
    score: float | None = None
    penalty: float = 0.0
    seconds_late: float = 0.0
    flagged: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    verdicts: dict[str, StoredVerdict] = field(default_factory=dict)
    points: dict[str, float | None] = field(default_factory=dict)
    solutions: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    attempts: int = 0
    submission: Path | None = None
    feedback: Path | None = None


@dataclass
class Logged:
    """What the log has on a student's notebook: its latest entry, and the attempts before it."""

    latest: audit.Entry = field(default_factory=dict)
    attempts: set[tuple[str, str]] = field(default_factory=set)


Log = Mapping[tuple[str, str], Logged]


def read_log(path: Path, assignment: str) -> Log:
    """Return what the log has on an assignment, by student and notebook; nothing without one.

    Raises:
        AuditLogBroken: a line of the log was changed.
    """
    log: dict[tuple[str, str], Logged] = defaultdict(Logged)
    if path.is_file():
        for entry in audit.read(path):
            if entry["assignment"] == assignment:
                of = log[entry["student"], entry["notebook"]]
                of.latest = entry
                if (attempt := attempt_in(entry)) is not None:
                    of.attempts.add(attempt)
    return log


def read_participant(
    course: Path, submission: SubmittedAssignment, log: Log, language: str
) -> Participant:
    """Read a student's submission from the gradebook, the log and the graded notebooks."""
    participant = Participant(
        submission.student.id,
        penalty=float(submission.late_submission_penalty or 0),
        seconds_late=float(submission.total_seconds_late),
    )
    for notebook in sorted(submission.notebooks, key=lambda item: item.name):
        _add_grades(participant, submission, notebook)
        logged = log.get((participant.student, notebook.name), Logged())
        if logged.latest.get("flagged"):
            participant.flagged += tuple(logged.latest["remarks"])
        participant.seconds += float(logged.latest.get("seconds", 0))
        participant.attempts = max(participant.attempts, len(logged.attempts))
        place = Path(participant.student) / submission.assignment.name / notebook.name
        handed_in = course / "submitted" / place.with_name(f"{place.name}.ipynb")
        participant.submission = handed_in if handed_in.is_file() else participant.submission
        page = course / "feedback" / place.with_name(f"{place.name}.html")
        participant.feedback = page if page.is_file() else participant.feedback
        executed = graded_notebook(course / "autograded" / place.with_name(f"{place.name}.ipynb"))
        if executed is None:
            participant.flagged += (say(language, "report.unreadable"),)
            continue
        participant.verdicts |= {
            item.criterion: item for item in stored_verdicts.of_notebook(executed)
        }
        _add_solutions(participant, executed)
    if any(points is not None for points in participant.points.values()):
        participant.score = float(submission.score)
    participant.waiting = tuple(sorted(participant.waiting))
    return participant


def _add_grades(
    participant: Participant, submission: SubmittedAssignment, notebook: SubmittedNotebook
) -> None:
    for grade in notebook.grades:
        known = grade.auto_score is not None or grade.manual_score is not None
        name = key(submission, notebook.name, grade.name)
        participant.points[name] = float(grade.score) if known else None
        # A test's score waits where the submission is flagged.
        if grade.needs_manual_grade and (
            grade.auto_score is None or grade.cell.cell_type != "code"
        ):
            participant.waiting += (name,)


def _add_solutions(participant: Participant, nb: NotebookNode) -> None:
    """Add the solution before each test, by the test's grade id, and the error it stopped with."""
    solution, error = "", ""
    for cell in nb.cells:
        if cell.cell_type == "code" and is_solution(cell) and not is_grade(cell):
            stopped = [output.ename for output in cell.outputs if output.output_type == "error"]
            solution, error = cell.source, stopped[0] if stopped else ""
        elif is_grade(cell):
            grade_id = cell.metadata.nbgrader.grade_id
            participant.solutions[grade_id] = solution
            if error:
                participant.errors[grade_id] = error


def graded_notebook(path: Path) -> NotebookNode | None:
    """Return a graded notebook, an empty one where there is none, None for one that is broken."""
    try:
        return nbformat.read(path, as_version=4) if path.is_file() else new_notebook()
    # Whatever one student's notebook has come to, the report tells of the others.
    except Exception:
        return None


def key(submission: SubmittedAssignment, notebook: str, grade_id: str) -> str:
    """Return what a report calls a cell: notebooks of one assignment may share grade ids."""
    return grade_id if len(submission.notebooks) == 1 else f"{notebook}: {grade_id}"
