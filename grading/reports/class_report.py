"""Gathers what an instructor wants to know of a class: scores, misconceptions, what needs a person.

Everything comes from what nbgrader keeps: the gradebook, the graded notebooks, and the audit log.
The same class gives the same report, to the letter.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.utils import is_grade, is_solution

from grader_tests.observation import FUNCTION_CRITERIA
from grading.judging import stored_verdicts
from grading.judging.stored_verdicts import StoredVerdict
from grading.recording import audit
from grading.reports.alike import AlikeGroup, alike, marks
from grading.reports.student_code import first_function


class NothingToReport(Exception):
    """The gradebook does not know the assignment, or nobody has handed it in."""


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
        solutions: the student's own cells.
        seconds: how long the run took, if the log knows.
    """

    student: str
    score: float | None
    penalty: float
    seconds_late: float
    flagged: tuple[str, ...]
    waiting: tuple[str, ...]
    verdicts: dict[str, StoredVerdict]
    points: dict[str, float | None]
    solutions: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Misconception:
    """A mistake, who makes it, and an example without a name.

    Attributes:
        mistake: its name.
        students: how many made it.
        criteria: the criteria that it failed, with the number of students each.
        explanation: in words, from the example.
        finding: what was found there.
        example: the example's code without comments, or "" where it is no Python.
    """

    mistake: str
    students: int
    criteria: dict[str, int]
    explanation: str
    finding: str
    example: str


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
        alike: groups of solutions that share rare marks.
    """

    assignment: str
    maximum: float
    cells: dict[str, float]
    participants: list[Participant]
    missing: list[str]
    misconceptions: list[Misconception] = field(default_factory=list)
    alike: list[AlikeGroup] = field(default_factory=list)

    @property
    def scores(self) -> list[float]:
        """The scores there are, in ascending order."""
        return sorted(p.score for p in self.participants if p.score is not None)

    def passed(self, criterion: str) -> tuple[int, int]:
        """Return how many got all points of a criterion, and how many were graded on it."""
        graded = [p.points.get(criterion) for p in self.participants]
        known = [points for points in graded if points is not None]
        return sum(points >= self.cells[criterion] for points in known), len(known)


def read_class(course: Path, address: str, assignment: str) -> ClassReport:
    """Read a class's results.

    Args:
        course: the course root.
        address: the gradebook's, as SQLAlchemy writes it.
        assignment: its name.

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
        participants = [_participant(course, item, logged) for item in submissions]
        present = {item.student for item in participants}
        names = {
            name
            for item in gradebook.students
            for name in (item.id, item.first_name, item.last_name, item.email)
            if name
        }
        report = ClassReport(
            assignment,
            float(of_assignment.max_score),
            _cells(course, submissions),
            participants,
            sorted(item.id for item in gradebook.students if item.id not in present),
        )
    report.misconceptions.extend(_misconceptions(participants, names))
    given = _given(course, assignment)
    report.alike.extend(
        alike({p.student: marks(p.solutions, given) for p in participants if p.solutions})
    )
    return report


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
    course: Path, submission: SubmittedAssignment, logged: Mapping[tuple[str, str], audit.Entry]
) -> Participant:
    student = submission.student.id
    found = Participant(
        student,
        None,
        float(submission.late_submission_penalty or 0),
        float(submission.total_seconds_late),
        (),
        (),
        {},
        {},
        (),
        0.0,
    )
    for notebook in sorted(submission.notebooks, key=lambda item: item.name):
        for grade in notebook.grades:
            known = grade.auto_score is not None or grade.manual_score is not None
            found.points[grade.name] = float(grade.score) if known else None
            if grade.needs_manual_grade and grade.cell.cell_type != "code":
                found.waiting += (grade.name,)
        entry = logged.get((student, notebook.name), {})
        if entry.get("flagged"):
            found.flagged += tuple(entry["remarks"])
        found.seconds += float(entry.get("seconds", 0))
        folder = course / "autograded" / student / submission.assignment.name
        path = folder / f"{notebook.name}.ipynb"
        executed = _graded_notebook(path)
        if executed is None:
            found.flagged += ("The graded notebook cannot be read.",)
            continue
        found.verdicts |= {item.criterion: item for item in stored_verdicts.of_notebook(executed)}
        found.solutions += tuple(_solutions(executed))
    if any(points is not None for points in found.points.values()):
        found.score = float(submission.score)
    found.waiting = tuple(sorted(found.waiting))
    return found


def _graded_notebook(path: Path) -> NotebookNode | None:
    """Return a graded notebook, an empty one where there is none, None for one that is broken."""
    try:
        return nbformat.read(path, as_version=4) if path.is_file() else new_notebook()
    # Whatever one student's notebook has come to, the report tells of the others.
    except Exception:
        return None


def _solutions(nb: NotebookNode) -> Iterator[str]:
    for cell in nb.cells:
        if cell.cell_type == "code" and is_solution(cell) and not is_grade(cell):
            yield cell.source


def _cells(course: Path, submissions: Sequence[SubmittedAssignment]) -> dict[str, float]:
    """Return the maximum of each graded cell, in the order of the graded notebook's cells."""
    maximum = {
        grade.name: float(grade.max_score)
        for submission in submissions
        for notebook in submission.notebooks
        for grade in notebook.grades
    }
    ordered: dict[str, float] = {}
    for submission in submissions:
        folder = course / "autograded" / submission.student.id / submission.assignment.name
        for path in sorted(folder.glob("*.ipynb")):
            for cell in (_graded_notebook(path) or new_notebook()).cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name in maximum:
                    ordered[name] = maximum[name]
        if len(ordered) == len(maximum):
            break
    return ordered | {name: maximum[name] for name in sorted(maximum) if name not in ordered}


def _misconceptions(
    participants: Sequence[Participant], names: Collection[str]
) -> list[Misconception]:
    made: dict[str, list[tuple[Participant, StoredVerdict]]] = defaultdict(list)
    for participant in participants:
        for verdict in participant.verdicts.values():
            if not verdict.passed and (verdict.mistake or verdict.outcome == "not attempted"):
                made[verdict.mistake or "not attempted"].append((participant, verdict))
    found = []
    for mistake, cases in made.items():
        criteria: dict[str, int] = defaultdict(int)
        for _, verdict in cases:
            criteria[verdict.criterion] += 1
        # The shortest code shows it best; equally short ones go by their text, not by who wrote it.
        codes = sorted(
            (len(code), code, verdict.finding, verdict.explanation)
            for participant, verdict in cases
            for code in [_function(participant, verdict)]
        )
        nameless = [code for code in codes if not _mentions(" ".join(code[1:]), names)]
        _, example, finding, explanation = nameless[0] if nameless else (0, "", "", "")
        students = len({participant.student for participant, _ in cases})
        ordered = dict(sorted(criteria.items()))
        found.append(Misconception(mistake, students, ordered, explanation, finding, example))
    return sorted(found, key=lambda item: (-item.students, item.mistake))


def _mentions(text: str, names: Collection[str]) -> bool:
    """Tell whether somebody of the class is named, as in a variable or a text of the example."""
    return any(
        re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE)
        for name in names
        if len(name) > 1
    )


def _function(participant: Participant, verdict: StoredVerdict) -> str:
    """Return the function that a verdict is about, if it is about a function that is there."""
    if verdict.criterion not in FUNCTION_CRITERIA or not verdict.mistake:
        return ""
    return first_function(participant.solutions)


def _given(course: Path, assignment: str) -> list[str]:
    """Return the code cells of the released notebooks."""
    code = []
    for path in sorted((course / "release" / assignment).glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code += [cell.source for cell in cells if cell.cell_type == "code"]
    return code
