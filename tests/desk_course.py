"""A small course with graded notebooks, for tests of the desk: answers, tables, a rubric."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from grading.desk.answers import AnswerFolder

ASSIGNMENT = "ps1"
RUBRIC = """\
Hand it in.
### BEGIN MARK SCHEME

*Question 1, 3 points*

- 1 point: you name the row with the lowest training loss, with its figure.
- 1 point: you name the row with the highest accuracy, with its figure.
- 1 point: you say how far ahead they are.

*Question 2, 2 points*

- 2 points: you give a reason.
### END MARK SCHEME"""
TABLE = """\
After 2 epochs:
row                    accuracy  training loss
Zeros                    9.98 %          2.303
Uniform rule, run 2     {uniform} %          0.406
Normal rule N(0, 1/n)   {normal} %          0.411
"""
RIGHT = "The uniform rule had the lowest loss, 0.406, and the normal rule was best, {normal} %."
INVENTED = "The normal rule won everything with 99.99 %, a loss of 0.001."


@dataclass(frozen=True)
class Written:
    """What one student wrote, and what their own run printed."""

    results: str
    choice: str = "I would take the uniform rule, since the signal keeps its size."
    normal: float = 85.85

    @property
    def table(self) -> str:
        """What the student's own run printed."""
        return TABLE.format(uniform=f"{self.normal - 0.46:.2f}", normal=f"{self.normal:.2f}")


def of_class(number: int) -> dict[str, Written]:
    """Return a class: right answers, invented figures, no idea; each with an own table."""
    written = {}
    for place in range(number):
        normal = 85.11 + place / 100
        kinds = (RIGHT.format(normal=f"{normal:.2f}"), INVENTED, "I do not know what to say here.")
        written[f"student{place:03}"] = Written(kinds[place % 3], normal=normal)
    return written


@cache
def _empty_gradebook() -> Path:
    """Return a database with nbgrader's tables, made once: that takes a program of its own."""
    folder = Path(tempfile.mkdtemp(prefix="gradebook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Gradebook(f"sqlite:///{folder}/gradebook.db").close()
    return folder / "gradebook.db"


def make_course(root: Path, written: Mapping[str, Written], address: str = "") -> AnswerFolder:
    """Write a course as it is after grading; return where its answers lie."""
    coursedir = CourseDirectory()
    coursedir.root, coursedir.assignment_id = str(root), ASSIGNMENT
    coursedir.db_url = address or f"sqlite:///{root}/gradebook.db"
    _write(root / "source" / ASSIGNMENT, _notebook(None))
    if not address:
        shutil.copy(_empty_gradebook(), root / "gradebook.db")
    with Gradebook(coursedir.db_url) as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
        gradebook.add_notebook(ASSIGNMENT, ASSIGNMENT)
        for name, points in (("results", 3), ("choice", 2)):
            gradebook.add_grade_cell(
                name, ASSIGNMENT, ASSIGNMENT, max_score=points, cell_type="markdown"
            )
            gradebook.add_solution_cell(name, ASSIGNMENT, ASSIGNMENT)
        for student, work in written.items():
            gradebook.add_student(student, first_name=student.title())
            gradebook.add_submission(ASSIGNMENT, student)
            hand_in(root, student, work)
    return AnswerFolder(coursedir, ASSIGNMENT, None, "en")


def hand_in(root: Path, student: str, work: Written) -> None:
    """Write what a student handed in, and the graded notebook, whose table is the grader's."""
    _write(root / "submitted" / student / ASSIGNMENT, _notebook(work, work.table))
    graded = _notebook(work, TABLE.format(uniform="84.00", normal="84.50"))
    _write(root / "autograded" / student / ASSIGNMENT, graded)


def _write(folder: Path, nb: NotebookNode) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, folder / f"{ASSIGNMENT}.ipynb")


def _notebook(work: Written | None, table: str = "") -> NotebookNode:
    outputs = [new_output("stream", name="stdout", text=table)] if table else []
    return new_notebook(
        cells=[
            new_code_cell("show_results()", outputs=outputs),
            new_markdown_cell("### Question 1\n\nWhich row is best?"),
            _answer("results", 3, work.results if work else "The model answer."),
            new_markdown_cell("### Question 2\n\nWhich one would you use?"),
            _answer("choice", 2, work.choice if work else "The model answer."),
            new_markdown_cell(RUBRIC, metadata=_marks("end", locked=True)),
        ]
    )


def _answer(name: str, points: int, text: str) -> NotebookNode:
    return new_markdown_cell(text, metadata=_marks(name, grade=True, solution=True, points=points))


def _marks(name: str, **marks: object) -> dict[str, object]:
    given = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**given, "grade_id": name, **marks}}
