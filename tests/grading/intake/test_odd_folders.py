"""Tests that a folder or file of any kind in `submitted` ends nobody else's grading, nor hangs."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, solve

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(600)]

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
DAMAGED = '{"cells": ['  # is graded without a run
GBK = os.fsdecode("李雷".encode("gbk"))

# Named in the summary, as they are shown there.
UNGRADABLE = {
    GBK: r"\udcc0\udcee\udcc0\udcd7",
    "two\nlines": r"two\nlines",
    "tab\there": r"tab\there",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b31m": r"\x9b31m",
    "a-file": "a-file",
    "a-link": "a-link",
    "behind-a-link": "behind-a-link",
}
GRADED = ["-rf", "[a-z]*", "{student}", "Ada Lovelace", "x" * 200, "李雷", "é‍'\"; DROP TABLE--"]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(path.parent)  # an address may have 107 bytes
        try:
            bound.bind(path.name)
        finally:
            os.chdir(COURSE_ROOT)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**34)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "endless": _endless,
    "device": lambda path: os.mknod(path, 0o020666, os.makedev(1, 5)),
    "folder": Path.mkdir,
    "large": _large,
    "dangling": lambda path: path.symlink_to("nowhere"),
}
TIMES: dict[str, bytes] = {
    "empty": b"",
    "words": b"last Tuesday",
    "bytes": b"\xff\xfe\x00",
    "overflow": b"9999-12-31 23:59:59 +99999999999",
    "digits": b"9" * 150,
    "zone": b"2026-01-01 10:00:00 ../../../etc/passwd",
}


@pytest.fixture
def course(tmp_path: Path, any_data: str) -> ScratchCourse:
    """A course with a right submission and many odd ones."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path / "a new course", any_data)
    course.build()
    right = course.released()
    solve(right)
    course.submit("ada", right)
    for name in (*UNGRADABLE, *GRADED):
        course.submit(name, DAMAGED)
    submitted = course.root / "submitted"
    shutil.rmtree(submitted / "a-file" / ASSIGNMENT)
    (submitted / "a-file" / ASSIGNMENT).write_text("not a folder")
    shutil.move(submitted / "a-link" / ASSIGNMENT, course.root / "elsewhere")
    (submitted / "a-link" / ASSIGNMENT).symlink_to(course.root / "elsewhere")
    shutil.move(submitted / "behind-a-link", course.root / "elsewhere-too")
    (submitted / "behind-a-link").symlink_to(course.root / "elsewhere-too")
    (submitted / "stray-file").write_text("")
    for kind, make in ODD.items():
        make(course.submit(f"timestamp-{kind}", DAMAGED) / "timestamp.txt")
        folder = course.submit(f"notebook-{kind}", DAMAGED)
        (folder / NOTEBOOK).unlink()
        make(folder / NOTEBOOK)
    for kind, content in TIMES.items():
        (course.submit(f"time-{kind}", DAMAGED) / "timestamp.txt").write_bytes(content)
    # From a system with another encoding: a file beside a right notebook, and the notebook itself.
    shutil.copytree(submitted / "ada" / ASSIGNMENT, submitted / "gbk-file" / ASSIGNMENT)
    (submitted / "gbk-file" / ASSIGNMENT / f"{GBK}.csv").write_text("1")
    shutil.copytree(submitted / "ada" / ASSIGNMENT, submitted / "gbk-notebook" / ASSIGNMENT)
    folder = submitted / "gbk-notebook" / ASSIGNMENT
    (folder / NOTEBOOK).rename(folder / f"{GBK}.ipynb")
    return course


def _check(course: ScratchCourse) -> None:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}
    odd = [f"{what}-{kind}" for what in ("timestamp", "notebook") for kind in ODD]
    odd += [f"time-{kind}" for kind in TIMES]
    right = dict.fromkeys(["ada", "gbk-file", "gbk-notebook"], 20.0)
    assert scores == right | dict.fromkeys([*GRADED, *odd], 0.0)
    entries = {entry["student"]: entry for entry in audit.read(course.root / audit.FILE)}
    assert set(entries) == set(scores)
    for kind in (*ODD, *TIMES):
        student = f"timestamp-{kind}" if kind in ODD else f"time-{kind}"
        if kind not in ("dangling", "zone"):
            assert any("timestamp.txt" in said for said in entries[student]["remarks"]), student
    for path in (course.root / "autograded").rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file()
        assert path.stat().st_size < 2**24


def test_a_class(course: ScratchCourse) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"],
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    said = done.stdout.decode()
    failed = {
        line.removeprefix("  failed: ").split(":")[0]
        for line in said.splitlines()[1:]
        if line.startswith("  failed: ")
    }
    assert failed == {name.split(":")[0] for name in UNGRADABLE.values()}
    for output in (said, done.stderr.decode()):
        assert "\x1b]" not in output
        assert "\x9b" not in output
    _check(course)


def test_the_ordinary_command(course: ScratchCourse) -> None:
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT],
        cwd=course.root,
        env=environment,
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    for name in UNGRADABLE.values():
        assert f"{name} was not graded: ".encode() in done.stderr
    _check(course)
