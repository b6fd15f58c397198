"""Tests that right work gets its points however it arrives: a class of all, graded at once."""

import re
import subprocess
import sys

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from grading.words import words
from tests.arrivals import ARRIVALS, QUESTIONS, Arrival, submit
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course in which every arrival has been graded."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("arrivals"), any_data)
    course.build()
    for arrival in ARRIVALS:
        submit(course, arrival)
    done = subprocess.run(
        [sys.executable, "-m", "grading", "autograde", ASSIGNMENT],
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return course


@pytest.mark.parametrize("arrival", ARRIVALS, ids=[arrival.name for arrival in ARRIVALS])
def test_arrival(course: ScratchCourse, arrival: Arrival) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, arrival.name).notebooks
        scores = {grade.name: grade.auto_score or 0 for grade in notebook.grades}
        waiting = {grade.name for grade in notebook.grades if grade.needs_manual_grade}
    (entry,) = [e for e in audit.read(course.root / audit.FILE) if e["student"] == arrival.name]
    function = sum(score for name, score in scores.items() if name.startswith("test_normal"))
    second = sum(score for name, score in scores.items() if name.startswith("test_default"))
    assert (function, second) == arrival.points, entry["remarks"]
    assert tuple("person" if name in waiting else 0 for name in QUESTIONS) == arrival.answers
    assert entry["flagged"] == arrival.flagged, entry["remarks"]
    for key in arrival.remarks:
        pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(words("en")["remarks"][key].strip()))
        assert any(re.fullmatch(pattern, said) for said in entry["remarks"]), entry["remarks"]
