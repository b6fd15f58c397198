"""Tests of grading on a cluster whose workers die, share no folder with us, or are killed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading import audit, sandbox
from grading.sandbox import SandboxUnavailable
from tests.deadly_jobs import WORD
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, cells_by_grade_id, solve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

POINTS = {"ada": 20.0, "bob": 0.0, "cyn": 20.0, "dan": 0.0, "eve": 20.0, "fay": 0.0}
_PATIENCE = 120


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with three right and three blank submissions."""
    try:
        sandbox.check_available()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    course = ScratchCourse(tmp_path_factory.mktemp("cluster"), any_data)
    course.shorten()
    course.nbgrader("generate_assignment", ASSIGNMENT)
    for student, points in POINTS.items():
        notebook = course.released()
        if points:
            solve(notebook)
        course.submit(student, notebook)
    return course


def _environment(course: ScratchCourse) -> dict[str, str]:
    return course.environment | {"PYTHONPATH": str(COURSE_ROOT)}


def _forget(course: ScratchCourse) -> None:
    """Let nobody be graded yet."""
    shutil.rmtree(course.root / "autograded", ignore_errors=True)
    for name in (audit.FILE, "gradebook.db"):
        (course.root / name).unlink(missing_ok=True)
    course.nbgrader("generate_assignment", ASSIGNMENT, "--force")


def _logged(course: ScratchCourse) -> list[str]:
    path = course.root / audit.FILE
    return [entry["student"] for entry in audit.read(path)] if path.is_file() else []


def _scores(course: ScratchCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


@contextlib.contextmanager
def _running(
    *command: str, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside, and end it and all that it started."""
    process = subprocess.Popen(
        [*command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_killed_worker_costs_nobody_a_grade(course: ScratchCourse, tmp_path: Path) -> None:
    _forget(course)
    environment = _environment(course)
    address = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    worker = [*dask, "worker", "--scheduler-file", str(address), "--nworkers", "1"]
    worker += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
    worker += ["--local-directory", str(tmp_path)]
    # A worker sees neither the course nor the recorded runs, as on a machine of its own.
    hidden = [str(course.root), str(COURSE_ROOT / "build")]
    elsewhere = ["bwrap", "--dev-bind", "/", "/", "--die-with-parent", "--cap-add", "ALL"]
    elsewhere += [word for folder in hidden for word in ("--tmpfs", folder)]
    with contextlib.ExitStack() as running:

        def start(*command: str) -> subprocess.Popen[bytes]:
            return running.enter_context(
                _running(*command, folder=tmp_path, environment=environment)
            )

        start(*dask, "scheduler", "--scheduler-file", str(address), "--port", "0", "--no-dashboard")
        deadline = time.monotonic() + _PATIENCE
        while not address.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = [start(*elsewhere, "--", *worker) for _ in range(2)]
        scheduler = json.loads(address.read_text())["address"]
        grading = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT]
        batch = running.enter_context(
            _running(
                *grading, "--scheduler", scheduler, folder=course.root, environment=environment
            )
        )
        deadline = time.monotonic() + _PATIENCE
        while not _logged(course) and batch.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 1 <= len(_logged(course)) < len(POINTS), "a worker should be killed midway"
        os.killpg(workers[0].pid, signal.SIGKILL)
        assert batch.wait(600) == 0
        assert workers[1].poll() is None
    assert Counter(_logged(course)) == dict.fromkeys(POINTS, 1)
    assert _scores(course) == POINTS


def test_a_submission_that_kills_workers_is_flagged(course: ScratchCourse) -> None:
    _forget(course)
    notebook = course.released()
    solve(notebook)
    cells_by_grade_id(notebook)["weights_init_normal"]["source"] += f"\n{WORD}"
    course.submit("mal", notebook)
    environment = _environment(course) | {
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.deadly_jobs",
        # Dask's own 3 would be right as well, and take longer.
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"],
            cwd=course.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(course.root / "submitted" / "mal")
    assert done.returncode == 0, done.stderr
    assert "flagged: mal" in done.stdout
    assert "1 flagged, 0 failed" in done.stdout
    assert Counter(_logged(course)) == dict.fromkeys([*POINTS, "mal"], 1)
    assert _scores(course) == POINTS | {"mal": 0.0}
