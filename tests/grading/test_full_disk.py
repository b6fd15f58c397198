"""Tests that a batch which fills the disk costs nobody a grade, and goes on when there is room."""

import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(600)]

POINTS = {"ada": 20.0, "bob": 0.0, "cyn": 20.0, "dan": 20.0, "eve": 20.0}
# Room for one or two graded notebooks of about 0.5 MB with their files, not for five.
ROOM = 1_300_000


@pytest.fixture
def course(tmp_path: Path, any_data: str) -> ScratchCourse:
    """A course with four right and a blank submission."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path, any_data)
    course.build()
    course.submit_all(POINTS)
    return course


def _on_a_small_disk(course: ScratchCourse, disk: Path, *commands: str) -> None:
    """Run commands in a copy of the course on a disk of 32 MiB, which is gone afterwards."""
    disk.mkdir()
    script = [f"cp -a {shlex.quote(str(course.root))}/. .", *commands]
    outside = ["--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    small = ["--size", str(32 * 2**20), "--tmpfs", str(disk), "--chdir", str(disk)]
    subprocess.run(
        ["bwrap", *outside, *small, "bash", "-e", "-c", "\n".join(script)],
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        check=True,
    )


def _students(log: Path) -> Counter[str]:
    """Count the log's entries by student; the chain of hashes is checked."""
    return Counter(entry["student"] for entry in audit.read(log))


def _scores(gradebook: Path) -> dict[str, float]:
    with sqlite3.connect(gradebook) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Gradebook(f"sqlite:///{gradebook}") as opened:
        return {s.student.id: s.score for s in opened.assignment_submissions(ASSIGNMENT)}


def test_a_full_disk(course: ScratchCourse, tmp_path: Path) -> None:
    grade = f"{shlex.quote(sys.executable)} -m grading autograde {ASSIGNMENT} --workers 1"
    full, after = tmp_path / "full folder", tmp_path / "after it"
    quoted_full, quoted_after = shlex.quote(str(full)), shlex.quote(str(after))
    _on_a_small_disk(
        course,
        tmp_path / "small disk",
        f"mkdir {quoted_full} {quoted_after}",
        f'head -c $(($(df --output=avail -B1 . | tail -1) - {ROOM})) /dev/zero > "filler"',
        f"{{ {grade} && echo 0 || echo $?; }} > {quoted_full}/said 2> {quoted_full}/errors",
        f"cp -a gradebook.db {audit.FILE} autograded {quoted_full}",
        "rm filler",
        f"{grade} > {quoted_after}/said",
        f"cp -a gradebook.db {audit.FILE} autograded {quoted_after}",
    )
    said = (full / "said").read_text()
    assert said.endswith("1\n"), said
    failed = {line.split(":")[1].strip() for line in said.splitlines() if "failed: " in line}
    graded = {path.name for path in (full / "autograded").iterdir() if any(path.iterdir())}
    assert failed, said
    assert graded, said
    assert failed | graded == set(POINTS)
    assert not failed & graded
    scores = _scores(full / "gradebook.db")
    assert all(scores[student] == POINTS[student] for student in graded)
    logged = _students(full / audit.FILE)
    assert graded <= set(logged)

    assert "0 failed" in (after / "said").read_text()
    assert _scores(after / "gradebook.db") == POINTS
    times = _students(after / audit.FILE)
    assert set(times) == set(POINTS)
    # Graded twice is only who could not be kept the first time.
    assert {student for student, number in times.items() if number > 1} <= failed
    assert not list(after.glob("autograded/*/*/.being-graded"))
