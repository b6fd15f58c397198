"""Tests that a batch which is stopped midway goes on: nothing graded twice, nothing lost."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(900)]

STUDENTS = [f"{place}-{name}" for place in range(5) for name in ("right", "blank")]
# Killed last: what the others leave behind would be laid to it.
HOW = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
_PATIENCE = 120


@pytest.fixture
def course(tmp_path: Path, any_data: str) -> ScratchCourse:
    """A course with right and blank submissions in turn."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path, any_data)
    course.build()
    course.submit_all({student: 20.0 * student.endswith("right") for student in STUDENTS})
    return course


def _start(course: ScratchCourse, temporary: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"]
    return subprocess.Popen(
        command,
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT), "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _logged(course: ScratchCourse) -> list[str]:
    """Return the students of the log's entries, in order; the chain of hashes is checked."""
    path = course.root / audit.FILE
    return [entry["student"] for entry in audit.read(path)] if path.is_file() else []


def _left_behind(course: ScratchCourse) -> list[str]:
    """Return the commands of processes that still work in the course."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(course.root):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            # It has ended, or is not ours to look at.
            continue
    return found


def _stop(course: ScratchCourse, how: signal.Signals, temporary: Path) -> None:
    """Begin a batch, and stop it as soon as one more is logged."""
    before = len(_logged(course))
    batch = _start(course, temporary)
    deadline = time.monotonic() + _PATIENCE
    while len(_logged(course)) == before and batch.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    batch.send_signal(how)
    batch.wait(_PATIENCE)
    assert len(_logged(course)) > before
    assert len(set(_logged(course))) < len(STUDENTS), "it should be stopped midway"
    deadline = time.monotonic() + _PATIENCE
    while _left_behind(course) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _left_behind(course) == []
    with sqlite3.connect(course.root / "gradebook.db") as gradebook:
        assert gradebook.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if how != signal.SIGKILL:
        assert batch.returncode == 130
        assert list(temporary.iterdir()) == []
        assert not list(course.root.glob(f"autograded/*/{ASSIGNMENT}/.being-graded"))


def test_goes_on_where_it_stopped(course: ScratchCourse, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for how in HOW:
        _stop(course, how, temporary)
    again = _start(course, temporary)
    assert again.wait(600) == 0
    # Whoever was being recorded when it stopped may stand in the log twice, nobody else.
    times = Counter(_logged(course))
    assert set(times) == set(STUDENTS)
    assert sum(times.values()) <= len(STUDENTS) + len(HOW)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}
    assert scores == {student: 20.0 * student.endswith("right") for student in STUDENTS}
    assert not list(course.root.glob(f"autograded/*/{ASSIGNMENT}/.being-graded"))
