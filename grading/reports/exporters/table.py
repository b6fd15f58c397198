"""What the exporters for learning platforms share: scores, mapped students, safe CSV cells."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Unicode

from grading.errors import GradingError

STUDENT_ID = "student_id"
"""The column of a student file that holds nbgrader's id; the others are named as the platform's."""

# What makes a spreadsheet program read a cell as a formula; a cell begins wherever one of the signs
# stands that some program, in some country, parts cells by.
_FORMULA = re.compile(r"(^|[;,|]) ?(?=[=+\-@＝＋－＠])")


class StudentFileError(GradingError):
    """The file that maps students to the platform's cannot be used."""


class UnsafeIdentifier(GradingError):
    """An id that identifies a student to the platform would start a formula in a spreadsheet."""


class PlatformExporter(ExportPlugin):
    """What an export to a learning platform is made of; a platform adds its columns."""

    default_file = "grades.csv"
    identifiers: tuple[str, ...] = ()

    students_file = Unicode(
        "",
        help=(
            "CSV file with a column student_id and columns named as the platform's, which are "
            "taken over; students that are not in it are left out."
        ),
    ).tag(config=True)

    columns = Dict(
        help="From an assignment's name to its column in the platform, where that is another."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file named by `--to`.

        Raises:
            StudentFileError: the student file is missing or lacks columns.
            UnsafeIdentifier: an id would start a formula.
        """
        path = Path(self.to or self.default_file)
        assignments = [
            item for item in gradebook.assignments if not self.assignment or self._wanted(item)
        ]
        rows = []
        for student, fields in self.students(gradebook):
            for name in self.identifiers:
                if safe_text(fields[name]) != fields[name]:
                    raise UnsafeIdentifier(
                        f"{name} of student {student!r} is {fields[name]!r}, which a "
                        "spreadsheet reads as a formula. Map it to another in a student file "
                        f"(--{type(self).__name__}.students_file)."
                    )
            scores = [self.score(gradebook, item, student) for item in assignments]
            rows.append([*(safe_text(value) for value in fields.values()), *scores])
        write_rows(path, [*self.header(assignments), *rows])
        self.log.info("Exported %d students to %s", len(rows), path)

    def students(self, gradebook: Gradebook) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield who is asked for, by nbgrader's id, with the columns before the scores.

        Raises:
            StudentFileError: the student file is missing or lacks columns.
        """
        known = self._read_students()
        for student in gradebook.students:
            if self.student and student.id not in {str(name) for name in self.student}:
                continue
            if known is not None and student.id not in known:
                self.log.warning("%s is not in %s: left out", student.id, self.students_file)
                continue
            yield student.id, self.fields(student) | (known[student.id] if known else {})

    def fields(self, student: Student) -> dict[str, str]:
        """Return the columns before the scores, as far as the gradebook knows them."""
        raise NotImplementedError

    def header(self, assignments: Sequence[Assignment]) -> list[list[str]]:
        """Return the rows above the first student."""
        raise NotImplementedError

    def _wanted(self, assignment: Assignment) -> bool:
        return assignment.name in {str(name) for name in self.assignment}

    def _read_students(self) -> dict[str, dict[str, str]] | None:
        """Return what the student file says, by nbgrader's id; None without a file."""
        if not self.students_file:
            return None
        allowed = set(self.fields(Student(id="")))
        try:
            with Path(self.students_file).open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                found = set(reader.fieldnames or [])
                lines = list(reader)
        except (OSError, UnicodeDecodeError) as error:
            raise StudentFileError(f"{self.students_file} cannot be read: {error}") from error
        if STUDENT_ID not in found or not found & allowed:
            raise StudentFileError(
                f"{self.students_file} has the columns {sorted(found)}; needed are {STUDENT_ID} "
                f"and at least one of {sorted(allowed)}."
            )
        students = {}
        for line in lines:
            identifier = line[STUDENT_ID]
            if identifier in students:
                raise StudentFileError(f"{self.students_file} names {identifier!r} twice.")
            students[identifier] = {name: line[name] or "" for name in found & allowed}
        return students

    def score(self, gradebook: Gradebook, assignment: Assignment, student: str) -> str:
        """Return the score after the penalty; "" where there is nothing that was graded."""
        try:
            submission = gradebook.find_submission(assignment.name, student)
        except MissingEntry:
            return ""
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        if all(grade.auto_score is None and grade.manual_score is None for grade in grades):
            self.log.warning("%s of %s was not graded: left blank", assignment.name, student)
            return ""
        if submission.needs_manual_grade:
            self.log.warning("%s of %s waits for a person's grade", assignment.name, student)
        score = max(0.0, submission.score - (submission.late_submission_penalty or 0.0))
        return f"{score:.10g}"


def safe_text(text: str) -> str:
    """Return `text` as a cell that no spreadsheet program takes for a formula."""
    return _FORMULA.sub(r"\g<0>'", " ".join(text.split()))


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file as RFC 4180 describes it, in UTF-8."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)
