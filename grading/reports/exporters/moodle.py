"""Exports grades as a CSV file for Moodle's grade import.

Moodle asks which column identifies a student (ID number or Email address, say) and which grade item
each score belongs to. A blank score is no grade. There is no column for feedback: Moodle's
documentation warns that importing one overwrites grades.
"""

from collections.abc import Sequence

from nbgrader.api import Assignment, Student

from grading.reports.exporters.table import PlatformExporter, safe_text


class MoodleExporter(PlatformExporter):
    """`nbgrader export --exporter=grading.reports.exporters.MoodleExporter --to=moodle.csv`.

    Without a student file, nbgrader's id is taken for the ID number. The columns are those of
    Moodle's own export; `columns` gives an assignment's name in Moodle.
    """

    default_file = "moodle.csv"
    identifiers = ("ID number", "Email address")

    def fields(self, student: Student) -> dict[str, str]:
        """Return Moodle's columns before the scores."""
        return {
            "First name": student.first_name or "",
            "Last name": student.last_name or "",
            "ID number": student.id,
            "Email address": student.email or "",
        }

    def header(self, assignments: Sequence[Assignment]) -> list[list[str]]:
        """Return the names of the columns."""
        names = [f"Assignment: {self.columns.get(item.name, item.name)}" for item in assignments]
        return [[*self.fields(Student(id="")), *(safe_text(f"{name} (Real)") for name in names)]]
