"""Tests of grading a class at once: everybody once, and on from where it was interrupted."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.ordinary_course import POINTS, RIGHT, OrdinaryCourse
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with a right, a blank and a damaged submission."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("class"), any_data)
    course.build()
    for student, kind in (("ada", "source"), ("bob", "release"), ("eve", "release")):
        shutil.copytree(course.root / kind / ASSIGNMENT, _submission(course, student))
    (_submission(course, "eve") / f"{ASSIGNMENT}.ipynb").write_text('{"cells": [')
    return course


def _submission(course: ScratchCourse, student: str) -> Path:
    return course.root / "submitted" / student / ASSIGNMENT


def _grade(course: ScratchCourse, *options: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed at the end."""
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, *options]
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    done = subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def _scores(course: ScratchCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


def test_a_class(course: ScratchCourse) -> None:
    code, said = _grade(course, "--workers", "2")
    assert code == 0, said
    assert said.startswith("3 graded in ")
    assert "1 flagged, 0 failed, 0 graded before" in said
    assert "flagged: eve" in said
    scores = _scores(course)
    assert scores == {"ada": 20.0, "bob": 0.0, "eve": 0.0}

    # One was being graded when the machine went down: it alone is graded again.
    graded = course.root / "autograded" / "ada" / ASSIGNMENT
    (graded / ".being-graded").touch()
    (graded / f"{ASSIGNMENT}.ipynb").write_text("half")
    code, said = _grade(course, "--workers", "1")
    assert (code, said[:9]) == (0, "1 graded ")
    assert "2 graded before" in said
    assert not (graded / ".being-graded").exists()
    assert _scores(course) == scores

    # By one process, the same scores.
    course.nbgrader("autograde", ASSIGNMENT, "--force")
    assert _scores(course) == scores


def test_other_work_at_no_later_time(tmp_path: Path) -> None:
    skip_without_sandbox()
    course = OrdinaryCourse(tmp_path)
    blank, right = map(json.dumps, (course.released(), course.answered(RIGHT)))
    folder = course.submit("bob", blank)
    path = folder / f"{ASSIGNMENT}.ipynb"
    course.nbgrader("autograde", ASSIGNMENT)

    def changed(command: str) -> bool:
        if command == "batch":
            return "1 graded in " in _grade(course, "--student", "bob")[1]
        said = course.nbgrader("autograde", ASSIGNMENT, "--student=bob")
        return "bob has handed in other work at no later time" in said

    timestamp = folder / "timestamp.txt"
    timestamp.write_text("2026-11-20 10:00:00 UTC")
    path.write_text(right)
    assert changed("batch")
    assert _scores(course)["bob"] == POINTS
    assert not changed("batch")
    # It is older now, and then it has no time at all.
    timestamp.write_text("2026-11-19 10:00:00 UTC")
    path.write_text(blank)
    assert changed("nbgrader")
    assert _scores(course)["bob"] == 0.0
    assert not changed("nbgrader")
    timestamp.unlink()
    assert not changed("batch")

    # A copy beside the untouched notebook is work as well, and so is a file.
    copy = folder / f"{ASSIGNMENT}-Copy1.ipynb"
    copy.write_text(right)
    assert changed("batch")
    assert _scores(course)["bob"] == POINTS
    copy.unlink()
    (folder / "notes.txt").write_text("n")
    assert changed("nbgrader")
    assert _scores(course)["bob"] == 0.0
