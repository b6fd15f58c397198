"""Tests, through nbgrader and the sandbox, that one student's notebook keeps nobody from anything.

A folder of a student's own in the course's package gives no points; what is printed or handed in
beyond measure costs its author a part of the page at most.
"""

import json
import sqlite3

import pytest

from grading.words import say
from tests.sandboxes import has_sandbox
from tests.scratch_course import ASSIGNMENT, ScratchCourse, cells_by_grade_id, solve

pytestmark = [pytest.mark.slow]

FORGED = """
import sys
from types import ModuleType

def __getattr__(name):
    return lambda *arguments, **options: True
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course in which ada forged a package, bob printed his weights, and cyn did her work."""
    course = ScratchCourse(tmp_path_factory.mktemp("others"), any_data)
    course.build()
    folder = course.submit("ada", course.released())
    for name in ("self_check", "training", "comparison"):
        (folder / "helpers" / name).mkdir()
        (folder / "helpers" / name / "__init__.py").write_text(FORGED)
    solved = course.released()
    solve(solved)
    course.submit("cyn", solved)
    exercise = cells_by_grade_id(solved)["default_model"]
    exercise["source"] += "\nprint([[0.0123456789] * 784] * 512)"
    folder = course.submit("bob", solved)
    (folder / "mine.py").write_text("x = 1")
    for number in range(3000):
        (folder / f"{number}.csv").touch()
    course.nbgrader("autograde", ASSIGNMENT)
    course.nbgrader("generate_feedback", ASSIGNMENT)
    return course


def points(course: ScratchCourse) -> dict[str, float]:
    with sqlite3.connect(course.root / "gradebook.db") as database:
        rows = database.execute(
            "select student.id, sum(coalesce(grade.auto_score, 0)) from grade "
            "join submitted_notebook on grade.notebook_id = submitted_notebook.id "
            "join submitted_assignment on submitted_notebook.assignment_id = "
            "submitted_assignment.id join student on submitted_assignment.student_id = student.id "
            "group by student.id"
        ).fetchall()
    return dict(rows)


def page(course: ScratchCourse, student: str) -> str:
    folder = course.root / "feedback" / student / ASSIGNMENT
    return (folder / f"{ASSIGNMENT}.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not has_sandbox(), reason="needs bubblewrap")
def test_a_package_in_the_place_of_a_module_has_no_points(course: ScratchCourse) -> None:
    assert points(course) == {"ada": 0, "bob": 20, "cyn": 20}
    assert not (course.root / "autograded/ada" / ASSIGNMENT / "helpers/self_check").exists()
    assert "helpers/self_check/__init__.py" in page(course, "ada")


def test_everybody_has_a_page(course: ScratchCourse) -> None:
    assert "20 of 26 points" in page(course, "cyn")
    assert say("en", "feedback.cut_off") not in page(course, "cyn")
    assert "20 of 26 points" in page(course, "bob")
    assert say("en", "feedback.cut_off") in page(course, "bob")


def test_of_thousands_of_files_some_are_copied_and_it_is_said(course: ScratchCourse) -> None:
    copied = list((course.root / "autograded/bob" / ASSIGNMENT).glob("*"))
    assert 900 < len(copied) < 1100
    graded = json.dumps(course.graded("bob"))
    assert "the first 1,000 were taken" in graded
