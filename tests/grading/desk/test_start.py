"""Tests of the command as it is typed: the link it prints leads in, and Ctrl+C ends it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grading.desk.access import Access
from grading.desk.server import ADDRESS
from tests.desk_course import ASSIGNMENT, make_course, of_class
from tests.scratch_course import COURSE_ROOT
from tests.served_desk import Client

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with six graded submissions."""
    root = tmp_path_factory.mktemp("course")
    make_course(root, of_class(6))
    return root


@contextmanager
def typed(root: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    # As from a terminal: what runs in the background ignores Ctrl+C, and so does all it starts.
    heeding = ("/usr/bin/env", "--default-signal=INT")
    process = subprocess.Popen(
        [*heeding, sys.executable, "-m", "grading", "desk", *arguments],
        cwd=root,
        env={"PATH": "/usr/bin", "HOME": str(root), "PYTHONPATH": str(COURSE_ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_printed_link_leads_in_until_it_is_interrupted(root: Path) -> None:
    with typed(root, ASSIGNMENT) as process:
        assert process.stdout is not None
        link = re.search(rf"http://{ADDRESS}:(\d+)/#(\S+)", process.stdout.readline())
        assert link is not None
        client = Client(Access(int(link[1])))
        status, headers, body = client.ask("/api/enter", {"ticket": link[2]})
        assert status == 200
        client.headers = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
        overview = client.ask("/api/overview", **{"X-Desk-Key": body["key"]})[2]
        assert [len(question["answers"]) for question in overview["questions"]] == [6, 6]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["elsewhere"], "elsewhere"),
        ([ASSIGNMENT, "--share", "2"], "--share"),
        ([ASSIGNMENT, "--port", "TAKEN"], "free one"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(root: Path, arguments: list[str], said: str) -> None:
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with typed(root, *(port if each == "TAKEN" else each for each in arguments)) as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said in errors
    assert "Traceback" not in errors
