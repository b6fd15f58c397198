"""Tests that a batch which is stopped midway goes on: nothing graded twice, nothing lost."""

import os
import shutil
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

STUDENTS = ("ada", "bob", "cyn", "dan")
_PATIENCE = 120


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with two right and two blank submissions."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("interrupted"), any_data)
    course.shorten()
    course.nbgrader("generate_assignment", ASSIGNMENT)
    for place, student in enumerate(STUDENTS):
        kind = ("source", "release")[place % 2]
        folder = course.root / "submitted" / student / ASSIGNMENT
        shutil.copytree(course.root / kind / ASSIGNMENT, folder)
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


@pytest.mark.parametrize(
    "how",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL],
    ids=["interrupted", "terminated", "hung up", "killed"],
)
def test_goes_on_where_it_stopped(
    released: ScratchCourse, how: signal.Signals, tmp_path: Path
) -> None:
    course = released
    for name in ("autograded", audit.FILE, "gradebook.db"):
        path = course.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    course.nbgrader("generate_assignment", ASSIGNMENT, "--force")

    batch = _start(course, tmp_path)
    deadline = time.monotonic() + _PATIENCE
    while not _logged(course) and batch.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    batch.send_signal(how)
    batch.wait(_PATIENCE)
    before = _logged(course)
    assert 1 <= len(before) < len(STUDENTS), "it should be stopped midway"
    deadline = time.monotonic() + _PATIENCE
    while _left_behind(course) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _left_behind(course) == []

    with sqlite3.connect(course.root / "gradebook.db") as gradebook:
        assert gradebook.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if how != signal.SIGKILL:
        assert batch.returncode == 130
        assert list(tmp_path.iterdir()) == []
        assert not list(course.root.glob(f"autograded/*/{ASSIGNMENT}/.being-graded"))
    again = _start(course, tmp_path)
    assert again.wait(600) == 0
    # Whoever was being recorded when it stopped may stand in the log twice, nobody else.
    times = Counter(_logged(course))
    assert set(times) == set(STUDENTS)
    assert sum(times.values()) <= len(STUDENTS) + 1
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}
    assert scores == {"ada": 20.0, "bob": 0.0, "cyn": 20.0, "dan": 0.0}
    assert not list(course.root.glob(f"autograded/*/{ASSIGNMENT}/.being-graded"))
