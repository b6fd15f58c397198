"""Tests of the gradebook on PostgreSQL, against a server of its own that is stopped after."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.other_user import let_through
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(900)]


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs; Debian keeps it off the path."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name)
    )
    return installed[-1] if installed else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with an empty database, as SQLAlchemy writes it."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt install postgresql")
    folder = tmp_path_factory.mktemp("postgresql")
    user = None
    if os.geteuid() == 0:
        # The server refuses to run as root. The folders above belong to root alone.
        user = pwd.getpwnam("nobody").pw_name
        let_through(folder)
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            user=user,
            cwd=folder,
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "instructor", "-A", "trust", "--no-sync", "-E", "UTF8")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
    try:
        yield f"postgresql+psycopg://instructor@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "fast", "stop")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str, server: str) -> ScratchCourse:
    """A course with a right and a blank submission, and its gradebook on the server."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("class"), any_data)
    course.shorten()
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write(f"\nc.CourseDirectory.db_url = {server!r}\n")
    course.nbgrader("generate_assignment", ASSIGNMENT)
    for student, kind in (("ada", "source"), ("bob", "release")):
        folder = course.root / "submitted" / student / ASSIGNMENT
        shutil.copytree(course.root / kind / ASSIGNMENT, folder)
    return course


def _scores(address: str) -> dict[str, float]:
    with Gradebook(address) as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}


def test_a_class(course: ScratchCourse, server: str) -> None:
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"]
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    done = subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _scores(server) == {"ada": 20.0, "bob": 0.0}
    assert not list(course.root.glob("*.db")), "the gradebook should not lie in a file"

    # nbgrader's own commands: a regrade by one process, feedback, the exported table.
    course.nbgrader("autograde", ASSIGNMENT, "--force")
    assert _scores(server) == {"ada": 20.0, "bob": 0.0}
    course.nbgrader("generate_feedback", ASSIGNMENT)
    pages = sorted(path.parent.parent.name for path in course.root.glob("feedback/*/*/*.html"))
    assert pages == ["ada", "bob"]
    course.nbgrader("export", "--to", "grades.csv")
    rows = (course.root / "grades.csv").read_text().splitlines()
    assert len(rows) == 3
