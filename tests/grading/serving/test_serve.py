"""Tests a served course: from handing in to a page that can be fetched, whatever comes between."""

import contextlib
import json
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from grading.serving import only_one, status
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    cells_by_grade_id,
    read_notebook,
    solve,
)
from tests.served_course import COURSE, ServedCourse, points_on, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RIGHT, BLANK = "20 of 26 points", "0 of 26 points"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ServedCourse:
    skip_without_sandbox()
    course = ServedCourse(tmp_path_factory.mktemp("served"), any_data)
    course.shorten()
    course.release_it()
    shutil.copy(course.root / "gradebook.db", course.temporary.with_name("ungraded.db"))
    return course


@pytest.fixture
def fresh(course: ServedCourse) -> ServedCourse:
    """The course before anybody has handed in."""
    for name in ("submitted", "autograded", "feedback", ".serve_best"):
        shutil.rmtree(course.root / name, ignore_errors=True)
    for name in (audit.FILE, ".serve_journal.jsonl", status.FILE):
        (course.root / name).unlink(missing_ok=True)
    for folder in (course.inbound, course.exchange / COURSE / "feedback"):
        for path in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    course.set("")
    shutil.copy(course.temporary.with_name("ungraded.db"), course.root / "gradebook.db")
    return course


@pytest.fixture(scope="module")
def right(course: ServedCourse) -> Notebook:
    notebook = course.released()
    solve(notebook)
    return notebook


def variant(notebook: Notebook, text: str) -> Notebook:
    """Return a notebook that is handed in as other work."""
    changed: Notebook = {**notebook, "cells": [dict(cell) for cell in notebook["cells"]]}
    cells_by_grade_id(changed)["weights_init_normal"]["source"] += f"\n# {text}"
    return changed


@contextlib.contextmanager
def serving(course: ServedCourse, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """Serve while the block runs; end it with SIGTERM, on which it leaves with exit code 0."""
    process = course.serve(*more)
    try:
        yield process
        process.terminate()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
    finally:
        process.kill()
        process.communicate()


def scores(course: ServedCourse) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


def logged(course: ServedCourse) -> Counter[str]:
    """Count the log's entries by student; the chain of hashes is checked."""
    path = course.root / audit.FILE
    return Counter(entry["student"] for entry in audit.read(path)) if path.is_file() else Counter()


def test_from_submit_to_fetch_feedback(
    fresh: ServedCourse, right: Notebook, tmp_path: Path
) -> None:
    with serving(fresh, "--settled", "1"):
        half = fresh.entry("bob")
        shutil.copytree(fresh.release, half)
        notebook = half / f"{ASSIGNMENT}.ipynb"
        notebook.write_text(notebook.read_text()[:5000])

        fresh.nbgrader("fetch_assignment", ASSIGNMENT, f"--course={COURSE}", folder=tmp_path)
        mine = tmp_path / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        own = read_notebook(mine)
        solve(own)
        mine.write_text(json.dumps(own))
        fresh.nbgrader("submit", ASSIGNMENT, f"--course={COURSE}", folder=tmp_path)
        submitted = next(path for path in fresh.inbound.iterdir() if path != half)
        student = submitted.name.split("+")[0]
        wait_for(lambda: (fresh.root / only_one.FILE).is_file())
        second = fresh.serve()
        said, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert said.startswith("This course is served already, by process ")
        wait_for(fresh.page(submitted).is_file)
        fresh.nbgrader("fetch_feedback", ASSIGNMENT, f"--course={COURSE}", folder=tmp_path)
        (page,) = tmp_path.glob(f"{ASSIGNMENT}/feedback/*/{ASSIGNMENT}.html")
        assert points_on(page) == RIGHT

        # It was half written, rested, and was taken; the rest comes with the next submission.
        wait_for(lambda: "bob" in logged(fresh))
        whole = fresh.hand_in("bob", right)
        wait_for(fresh.page(whole).is_file)
        assert points_on(fresh.page(whole)) == RIGHT
        zipped = fresh.submit("cyn", right)
        assert zipped.is_dir()
        wait_for(lambda: "cyn" in logged(fresh))
    assert scores(fresh) == {student: 20.0, "bob": 20.0, "cyn": 20.0}
    assert logged(fresh) == {student: 1, "bob": 2, "cyn": 1}
    assert list(fresh.temporary.iterdir()) == []


def _stop(course: ServedCourse, how: signal.Signals) -> None:
    """Serve until two more are graded, then stop it."""
    enough = len(logged(course)) + 2
    process = course.serve()
    wait_for(lambda: len(logged(course)) >= enough or process.poll() is not None, 300)
    process.send_signal(how)
    process.communicate(timeout=120)
    assert len(logged(course)) >= enough
    if how == signal.SIGTERM:
        assert process.returncode == 0
        assert not list(course.root.glob(f"autograded/*/{ASSIGNMENT}/.being-graded"))
    with sqlite3.connect(course.root / "gradebook.db") as gradebook:
        assert gradebook.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.site
def test_stopped_midway_it_goes_on(fresh: ServedCourse, right: Notebook) -> None:
    students = [f"student{number}" for number in range(10)]
    earlier = datetime.now(UTC) - timedelta(minutes=1)
    superseded = fresh.hand_in(students[0], fresh.released(), earlier)
    entries = {student: fresh.hand_in(student, right) for student in students}
    for how in (signal.SIGTERM, signal.SIGKILL):
        _stop(fresh, how)
        assert len(logged(fresh)) < len(students), "it should be stopped midway"
    with serving(fresh):
        wait_for(lambda: all(fresh.page(entry).is_file() for entry in entries.values()), 300)
        wait_for(lambda: not fresh.status()["under_way"])
        time.sleep(2)
    assert scores(fresh) == dict.fromkeys(students, 20.0)
    times = logged(fresh)
    # Whoever was being recorded when it was killed may stand in the log twice, nobody else.
    assert sum(times.values()) <= len(students) + 1, times
    assert not fresh.page(superseded).exists()
    assert all(points_on(fresh.page(entry)) == RIGHT for entry in entries.values())


@pytest.mark.site
def test_attempts_that_count_best(fresh: ServedCourse, right: Notebook) -> None:
    fresh.set("c.Attempts.most = 3\nc.Attempts.counts = 'best'\n")
    blank = fresh.released()
    with serving(fresh):
        pages = []
        for notebook in (blank, right, variant(blank, "third"), variant(right, "fourth")):
            pages.append(fresh.page(fresh.hand_in("ada", notebook)))
            wait_for(pages[-1].is_file)
            # Until the best one is back in its place.
            wait_for(lambda: not fresh.status()["under_way"] and not fresh.status()["waiting"])
            time.sleep(1.5)
        told = [page.read_text() for page in pages]
        assert "This is attempt 1 of 3." in told[0]
        assert "This is attempt 2 of 3." in told[1]
        assert points_on(pages[2]) == BLANK
        assert "This is attempt 3 of 3. It was the last one." in told[2]
        assert "The tests gave more for attempt 2: 20 points. That one counts." in told[2]
        assert "No attempt is left" in told[3]
        assert points_on(pages[3]) == ""
    assert scores(fresh) == {"ada": 20.0}
    assert logged(fresh) == {"ada": 3}
    graded = cells_by_grade_id(fresh.graded("ada"))["weights_init_normal"]["source"]
    assert graded == cells_by_grade_id(right)["weights_init_normal"]["source"]
    assert not list((fresh.root / ".serve_best").rglob("*.json"))


@pytest.mark.site
def test_attempts_have_to_wait(fresh: ServedCourse, right: Notebook) -> None:
    fresh.set("c.Attempts.minutes_apart = 0.5\n")
    with serving(fresh):
        first = fresh.page(fresh.hand_in("ada", fresh.released()))
        wait_for(first.is_file)
        page = fresh.page(fresh.hand_in("ada", right))
        wait_for(page.is_file)
        assert "Not graded yet" in page.read_text()
        assert logged(fresh) == {"ada": 1}
        wait_for(lambda: points_on(page) == RIGHT)
    times = [datetime.fromisoformat(entry["when"]) for entry in audit.read(fresh.root / audit.FILE)]
    assert times[1] - times[0] >= timedelta(seconds=29)


@pytest.mark.site
def test_a_gradebook_in_use_is_waited_for(fresh: ServedCourse, right: Notebook) -> None:
    with serving(fresh):
        wait_for((fresh.root / status.FILE).is_file)
        with sqlite3.connect(fresh.root / "gradebook.db", isolation_level=None) as gradebook:
            gradebook.execute("BEGIN EXCLUSIVE")
            page = fresh.page(fresh.hand_in("ada", right))
            # Longer than SQLite waits by itself.
            wait_for(lambda: fresh.status()["failures"])
            gradebook.execute("COMMIT")
        wait_for(page.is_file)
        assert points_on(page) == RIGHT
        assert "locked" in fresh.status()["failures"][0]["why"]
    assert scores(fresh) == {"ada": 20.0}


@pytest.mark.site
def test_a_full_disk_is_waited_for(fresh: ServedCourse, right: Notebook, tmp_path: Path) -> None:
    entry = fresh.hand_in("ada", right)
    page = fresh.page(entry)
    aside, log, disk = fresh.exchange / entry.name, tmp_path / "log", tmp_path / "small disk"
    entry.rename(aside)
    disk.mkdir()
    quoted = {name: shlex.quote(str(path)) for name, path in locals().items()}
    script = f"""
        cp -a {shlex.quote(str(fresh.root))}/. .
        {shlex.quote(sys.executable)} -m grading serve {ASSIGNMENT} --workers 1 \
            > {quoted["log"]} 2>&1 &
        until grep -q Serving {quoted["log"]}; do sleep 0.2; done
        head -c $(($(df --output=avail -B1 . | tail -1) - 60000)) /dev/zero > filler
        mv {quoted["aside"]} {quoted["entry"]}
        until grep -q "was not graded" {quoted["log"]}; do sleep 0.2; done
        rm filler
        until test -f {quoted["page"]}; do sleep 0.2; done
        kill -TERM %1
        wait %1
    """
    outside = ["--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    small = ["--size", str(32 * 2**20), "--tmpfs", str(disk), "--chdir", str(disk)]
    subprocess.run(
        ["bwrap", *outside, *small, "bash", "-e", "-m", "-c", script],
        env=fresh.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        timeout=300,
        check=True,
    )
    assert "No space left" in log.read_text()
    assert points_on(page) == RIGHT
