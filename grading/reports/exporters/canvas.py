"""Exports grades as the CSV file that Canvas's gradebook imports.

Canvas finds a student by ID, SIS User ID or SIS Login ID. A blank score leaves the grade as it is.
"""

from collections.abc import Sequence

from nbgrader.api import Assignment, Student

from grading.reports.exporters.table import PlatformExporter, safe_text


class CanvasExporter(PlatformExporter):
    """`nbgrader export --exporter=grading.reports.exporters.CanvasExporter --to=canvas.csv`.

    Without a student file, nbgrader's id is taken for the SIS Login ID. `columns` names an
    assignment as Canvas does, with its number: `{"ps1": "Problem set 1 (1234)"}`;
    under another name Canvas offers to make a new assignment.
    """

    default_file = "canvas.csv"
    identifiers = ("ID", "SIS User ID", "SIS Login ID")

    def fields(self, student: Student) -> dict[str, str]:
        """Return Canvas's columns before the scores."""
        names = [student.last_name, student.first_name]
        return {
            "Student": ", ".join(name for name in names if name) or student.id,
            "ID": "",
            "SIS User ID": "",
            "SIS Login ID": student.id,
            "Section": "",
        }

    def header(self, assignments: Sequence[Assignment]) -> list[list[str]]:
        """Return the names of the columns, and Canvas's row of possible points."""
        before = list(self.fields(Student(id="")))
        names = [safe_text(self.columns.get(item.name, item.name)) for item in assignments]
        points = [f"{item.max_score:.10g}" for item in assignments]
        # Canvas writes this row's name with four blanks before it.
        return [before + names, ["    Points Possible", *[""] * (len(before) - 1), *points]]
