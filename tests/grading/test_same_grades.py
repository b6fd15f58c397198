"""Tests that grades and feedback do not depend on how many are graded at once, or how fast."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, cells_by_grade_id, solve

pytestmark = [pytest.mark.slow, pytest.mark.site, pytest.mark.timeout(900)]

Graded = tuple[dict[str, dict[str, Any]], dict[str, bytes], dict[str, list[Any]]]

# Name of a circumstance: workers for each core, busy processes for each core, recorded runs used,
# and who is graded: training is what takes long, so the last one takes as little as will do.
CIRCUMSTANCES = {
    "two workers for each core, as many others busy": (2, 1, True, "*"),
    "every run trained for real": (1, 0, False, "right"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course, the whole lesson, with a right, a wrong and a blank submission."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("same"), any_data)
    course.nbgrader("generate_assignment", ASSIGNMENT)
    for student in ("right", "wrong", "blank"):
        notebook = course.released()
        if student != "blank":
            solve(notebook)
        if student == "wrong":
            cell = cells_by_grade_id(notebook)["weights_init_normal"]
            assert "np.sqrt(n)" in cell["source"]
            cell["source"] = cell["source"].replace("np.sqrt(n)", "n")
        course.submit(student, notebook)
    shutil.copy(course.root / "gradebook.db", course.root / "ungraded.db")
    return course


@pytest.fixture(scope="module")
def alone(course: ScratchCourse) -> Graded:
    """What one worker gives."""
    return _graded(course)


@contextlib.contextmanager
def _busy(processes: int) -> Iterator[None]:
    command = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def _graded(
    course: ScratchCourse, workers: int = 1, busy: int = 0, reuse: bool = True, student: str = "*"
) -> Graded:
    """Grade a class; return the scores, the feedback pages and the outputs of all cells."""
    for name in ("autograded", "feedback"):
        shutil.rmtree(course.root / name, ignore_errors=True)
    (course.root / audit.FILE).unlink(missing_ok=True)
    shutil.copy(course.root / "ungraded.db", course.root / "gradebook.db")
    config = course.root / "nbgrader_config.py"
    settings = config.read_text()
    config.write_text(f"{settings}\nc.SandboxedExecute.reuse_training = {reuse}\n")
    autograde = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT]
    try:
        with _busy(busy * (os.cpu_count() or 1)):
            subprocess.run(
                [*autograde, "--workers", str(workers), "--student", student],
                cwd=course.root,
                env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
                capture_output=True,
                check=True,
            )
    finally:
        config.write_text(settings)
    course.nbgrader("generate_feedback", ASSIGNMENT)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        scores = {
            s.student.id: {
                grade.name: (grade.auto_score, grade.needs_manual_grade)
                for notebook in s.notebooks
                for grade in notebook.grades
            }
            for s in gradebook.assignment_submissions(ASSIGNMENT)
        }
    pages = {
        path.parts[-3]: path.read_bytes()
        for path in sorted(course.root.glob(f"feedback/*/{ASSIGNMENT}/*.html"))
    }
    outputs = {
        student: [c.get("outputs") for c in course.graded(student)["cells"]] for student in scores
    }
    return scores, pages, outputs


def test_the_class_is_what_it_should_be(alone: Graded) -> None:
    scores, pages, _ = alone
    points = {
        student: sum(score or 0 for score, _ in of.values()) for student, of in scores.items()
    }
    assert points["right"] == 20
    assert 8 <= points["wrong"] < 20
    assert points["blank"] == 0
    assert set(pages) == set(scores)
    assert all(b"<img" in page for page in pages.values())


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
def test_the_same_grades(course: ScratchCourse, alone: Graded, circumstance: str) -> None:
    per_core, busy, reuse, student = CIRCUMSTANCES[circumstance]
    found = _graded(course, per_core * (os.cpu_count() or 1), busy, reuse, student)
    students = {"right", "wrong", "blank"} if student == "*" else {student}
    for place in range(len(found)):
        assert set(found[place]) == students
        for name in sorted(students):
            assert found[place][name] == alone[place][name]
