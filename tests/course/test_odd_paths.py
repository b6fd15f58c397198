"""Tests a course whose path has signs that stand for others where files are looked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.other_assignments import course_without_lesson
from tests.other_assignments import checked, notebook, scores, solution
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.site, pytest.mark.slow]
SOURCE = notebook([solution("double", "two = 2"), checked("is_two", "assert two == 2", 3)])


def grading(course: ScratchCourse, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "grading", *arguments],
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_every_command_works_where_the_path_is_a_pattern(tmp_path: Path) -> None:
    skip_without_sandbox()
    course = course_without_lesson(tmp_path / "Deep Learning [2026] *", "")
    # Beside it, as sites have it: only the course's own path is an instructor's choice.
    course.exchange = tmp_path / "exchange"
    course.exchange.mkdir()
    course.exchange.chmod(0o1777)
    source = course.root / "source" / "ps1"
    source.mkdir(parents=True)
    (source / "double.ipynb").write_text(json.dumps(SOURCE))
    (source / "left.pyc").touch()

    course.nbgrader("generate_assignment", "ps1")
    course.nbgrader("release_assignment", "ps1")
    released = course.exchange / "weight-initialization" / "outbound" / "ps1"
    assert [path.name for path in released.iterdir()] == ["double.ipynb"]
    for student, code in {"ada": "two = 2", "bob": "two = 3"}.items():
        work = json.loads((released / "double.ipynb").read_text())
        work["cells"][0]["source"] = code
        folder = course.root / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / "double.ipynb").write_text(json.dumps(work))
        (folder / "submission_secret.txt").write_text(f"secret of {student}")

    expected = {"ada": {"double is_two": 3.0}, "bob": {"double is_two": 0.0}}
    course.nbgrader("autograde", "ps1")
    assert scores(course, "ps1") == expected
    assert "2 graded" in grading(course, "autograde", "ps1", "--force")
    assert scores(course, "ps1") == expected
    course.nbgrader("generate_feedback", "ps1")
    course.nbgrader("release_feedback", "ps1")
    assert len(list(course.exchange.glob("*/feedback/*.html"))) == 2
    assert "2 submissions" in grading(course, "report", "ps1")
    assert "[2026] *" in grading(course, "check")
