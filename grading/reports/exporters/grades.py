"""The table that `nbgrader export` writes by itself, with cells that no spreadsheet program runs.

nbgrader's own plugin writes names and ids as they are: a folder in `submitted` that is called
`=HYPERLINK(...)` then becomes a link in whatever opens the table, and a comma ends a cell.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin

from grading.reports.exporters.table import safe_text

_COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


class GradesExporter(ExportPlugin):
    """nbgrader's columns, rows and values; what would start a formula has an apostrophe first."""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file named by `--to`, else grades.csv."""
        path = Path(self.to or "grades.csv")
        self.log.info("Exporting grades to %s", path)
        with path.open("w", encoding="utf-8", newline="") as file:
            # As nbgrader ends lines.
            table = csv.writer(file, lineterminator="\n")
            table.writerow(_COLUMNS)
            table.writerows(self._rows(gradebook))

    def _rows(self, gradebook: Gradebook) -> Iterator[list[str]]:
        assignments = {str(name) for name in self.assignment}
        students = {str(name) for name in self.student}
        for assignment in gradebook.assignments:
            if assignments and assignment.name not in assignments:
                continue
            for student in gradebook.students:
                if not students or student.id in students:
                    yield _row(gradebook, assignment, student)


def _row(gradebook: Gradebook, assignment: Assignment, student: Student) -> list[str]:
    timestamp, raw, penalty = None, 0.0, 0.0
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        pass
    else:
        timestamp, raw = submission.timestamp, submission.score
        penalty = submission.late_submission_penalty
    names = (student.id, student.last_name, student.first_name, student.email)
    return [
        safe_text(assignment.name),
        *("" if time is None else str(time) for time in (assignment.duedate, timestamp)),
        *(safe_text(name or "") for name in names),
        *map(str, (raw, penalty, max(0.0, raw - penalty), assignment.max_score)),
    ]
