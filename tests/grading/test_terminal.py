"""Tests that no sign of a student's steers the terminal that an instructor reads in."""

import contextlib
import io
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from grading.course import terminal
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, cells_by_grade_id, solve

HOSTILE = {
    "clear_screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;pwned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "c1": "\x9b2J\x85",
    "bidi": "\u202egnp.exe\u2066",
    "overwritten": "failed\rgraded",
    "backspace": "bad\b\b\bgood",
    "delete": "\x7f",
    "no_width": "a\u200bb\ufeff",
    "half": "\ud800",
    "separators": "a\u2028b\u2029",
}
_STEERING = set("".join(HOSTILE.values())) - set(map(chr, range(32, 127)))


@pytest.mark.parametrize("name", HOSTILE)
def test_what_steers_is_shown(name: str) -> None:
    shown = terminal.harmless(f"before {HOSTILE[name]} after\n\tand on\n")
    assert not _STEERING & set(shown)
    assert shown.startswith("before ")
    assert shown.endswith(" after\n\tand on\n")
    shown.encode("utf-8")


@pytest.mark.parametrize("text", ["Zoë, 张伟，O’Neil – 5 µm", "全角\u3000空格", "🙂", "a\n\tb", ""])
def test_what_is_read_stays(text: str) -> None:
    assert terminal.harmless(text) == text


def test_stream_escapes_and_passes_on_the_rest() -> None:
    below = io.StringIO()
    stream = terminal.HarmlessStream(below)
    print("a\x1b[2J", file=stream, flush=True)
    stream.writelines(["b\x9b", "c"])
    assert below.getvalue() == "a\\x1b[2J\nb\\x9bc"
    assert not stream.isatty()


def test_records_escape_message_values_and_traceback() -> None:
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        record = terminal.HarmlessRecord(
            "log", logging.ERROR, "f", 1, "%s said \x9b", ("\x1b]0;x\x07",), sys.exc_info()
        )
    said = logging.Formatter().format(record)
    assert not _STEERING & set(said)
    assert "\\x1b]0;x\\x07 said \\x9b" in said
    assert "ValueError: \\x1b[2J" in said


def _in_terminal(course: ScratchCourse, *arguments: str) -> str:
    """Run a module in a pseudo-terminal of its own; return all that it wrote there."""
    master, slave = pty.openpty()
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT), "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=course.root,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    ):
        os.close(slave)
        written = b""
        # Linux says by an error that nobody has the other end open any more.
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                written += chunk
    os.close(master)
    return written.decode("utf-8")


@pytest.fixture(scope="module")
def hostile_course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course in which names of folders, of files, errors and outputs all steer a terminal."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("hostile"), any_data)
    course.build()
    sign = "".join(text for name, text in HOSTILE.items() if name not in ("half", "link"))
    notebook = course.released()
    solve(notebook)
    cells_by_grade_id(notebook)["weights_init_normal"]["source"] = (
        f"def weights_init_normal(m):\n    '{sign.replace(chr(13), '').replace(chr(0x85), '')}'\n"
        f"    print({sign!r})\n    raise ValueError({sign!r})"
    )
    notebook["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": f"1 / 0\nraise ValueError({sign!r})"}
    )
    folder = course.submit(f"m{sign}", notebook)
    (folder / f"helpers{sign}.py").write_text("x = 1")
    (folder / f"torch{sign}").mkdir()
    (course.submit("zed", notebook) / f"{ASSIGNMENT}.ipynb").rename(
        course.root / "submitted" / "zed" / ASSIGNMENT / f"{sign}.ipynb"
    )
    course.submit("damaged", sign)
    inbound = course.exchange / "weight-initialization" / "inbound"
    inbound.mkdir(parents=True)
    handed_in = inbound / f"eve{sign}+{ASSIGNMENT}+2026-01-01 00:00:00 UTC+{sign}"
    handed_in.mkdir()
    (handed_in / "timestamp.txt").write_text(f"2026{sign}")
    return course


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_command_passes_them_on(hostile_course: ScratchCourse) -> None:
    exchange = f"--Exchange.root={hostile_course.exchange}"
    told = ""
    for command in (
        ("grading", "autograde", ASSIGNMENT),
        ("nbgrader", "autograde", ASSIGNMENT, "--force", "--student=zed"),
        ("grading", "report", ASSIGNMENT),
        ("grading", "audit"),
        ("nbgrader", "export"),
        ("nbgrader", "list", "--inbound", exchange),
        ("nbgrader", "collect", ASSIGNMENT, exchange),
        ("nbgrader", "db", "student", "list"),
    ):
        written = _in_terminal(hostile_course, *command).replace("\r\n", "\n")
        if "autograde" in command and "grading" in command:
            # The bar, which no student names, returns to the beginning of its line.
            written = "\n".join(line.split("\r")[-1] for line in written.split("\n"))
            written = written.replace("\x1b[A", "")
        assert not _STEERING & set(written), (command, written)
        assert "Traceback" not in written, written
        told += written
    assert told.count("\\x1b[2J") > 5, told
    assert Path(hostile_course.root / "gradebook.db").exists()
