"""Reads the demonstration's results from the gradebook and sets them in a table."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook

from grading.demo.students import Student

_WIDTH = 100


@dataclass(frozen=True)
class Result:
    """What became of one student's submission.

    `scores` maps each criterion to the points given, or None where nothing was graded; `maximum`
    maps it to the points there are.
    """

    student: Student
    scores: dict[str, float | None]
    maximum: dict[str, float]
    verdict: str
    reason: str
    remarks: tuple[str, ...]


def read_results(course: Path, assignment: str, students: Sequence[Student]) -> list[Result]:
    """Return one result per student, in the given order, from `course`'s gradebook."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return [_read(gradebook, course, assignment, student) for student in students]


def _read(gradebook: Gradebook, course: Path, assignment: str, student: Student) -> Result:
    submission = gradebook.find_submission(assignment, student.name)
    (notebook,) = submission.notebooks
    automatic = [grade for grade in notebook.grades if grade.cell.cell_type == "code"]
    maximum = {grade.name: float(grade.max_score) for grade in automatic}
    remarks = []
    if submission.total_seconds_late > 0:
        remarks.append("late")
    graded = course / "autograded" / student.name / assignment / f"{assignment}.ipynb"
    if not graded.is_file():
        remarks.append("could not be graded")
        return Result(student, dict.fromkeys(maximum), maximum, "not graded", "", tuple(remarks))

    executed = nbformat.read(graded, as_version=4)
    scores = {grade.name: grade.auto_score for grade in automatic}
    failed = [name for name in maximum if (scores[name] or 0) < maximum[name]]
    errors = {name: _error(executed, name) for name in maximum}
    missing = [name for name in failed if _name(errors[name]) == "NotAttempted"]
    wrong = [name for name in failed if name not in missing]
    for cell in executed.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            error = _first_error(cell)
            if error is not None:
                remarks.append(f"failed to run: {error.ename}")
                break
    if missing and len(missing) < len(maximum):
        remarks.append("not attempted: " + ", ".join(_short(name) for name in missing))
    first = (wrong or missing or [None])[0]
    verdict = _verdict(len(maximum), len(wrong), len(missing))
    if any(grade.needs_manual_grade for grade in automatic):
        verdict = "flagged"
        remarks.append("a person should look at it")
    error = errors[first] if first is not None else None
    reason = f"{_short(first)}: {error.evalue}" if first is not None and error is not None else ""
    return Result(student, scores, maximum, verdict, reason, tuple(remarks))


def _verdict(criteria: int, wrong: int, missing: int) -> str:
    """Return one word for a whole submission, from how many criteria failed in which way."""
    if wrong:
        return "incorrect"
    if missing:
        return "not attempted" if missing == criteria else "incomplete"
    return "correct"


def render(results: Sequence[Result]) -> str:
    """Return the table: a line per student, and below it why points are missing."""
    criteria = list(results[0].maximum)
    head = ["student", *(_short(name) for name in criteria), "total", "verdict", "remarks"]
    full = sum(results[0].maximum.values())
    rows = [["", *(f"/{results[0].maximum[name]:g}" for name in criteria), f"/{full:g}", "", ""]]
    for result in results:
        scores = [result.scores[name] for name in criteria]
        graded = [score for score in scores if score is not None]
        rows.append(
            [
                result.student.name,
                *("-" if score is None else f"{score:g}" for score in scores),
                f"{sum(graded):g}" if graded else "-",
                result.verdict,
                "; ".join(result.remarks),
            ]
        )
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    numeric = range(1, len(criteria) + 2)

    def line(row: Sequence[str]) -> str:
        padded = [
            text.rjust(width) if i in numeric else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    indent = " " * (widths[0] + 2)
    lines = [line(head), line(rows[0]), "-" * _WIDTH]
    for result, row in zip(results, rows[1:], strict=True):
        lines.append(line(row))
        lines.append(f"{indent}{result.student.story}")
        if result.reason:
            lines += textwrap.wrap(
                result.reason, _WIDTH, initial_indent=indent, subsequent_indent=indent
            )
    lines.append("-" * _WIDTH)
    lines.append("The written answers are graded by a person and do not count here.")
    return "\n".join(lines)


def _short(criterion: str) -> str:
    return criterion.split("_", 2)[-1]


def _error(executed: NotebookNode, grade_id: str) -> NotebookNode | None:
    for cell in executed.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return _first_error(cell)
    return None


def _first_error(cell: NotebookNode) -> NotebookNode | None:
    for output in cell.outputs:
        if output.output_type == "error":
            return output
    return None


def _name(error: NotebookNode | None) -> str:
    return "" if error is None else error.ename
