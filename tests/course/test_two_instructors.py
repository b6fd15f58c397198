"""Tests that an instructor of a shared course can do all that another one has begun.

Both are Unix users of their own, in one group; the course's folder is the group's.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.recording import audit
from tests.other_user import as_other_user, needs_root
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, solve

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(900), needs_root]

FIRST, SECOND, GROUP, STUDENT = 64_991, 64_992, 64_990, 64_993
"""User ids, and a group's, that nobody has."""


@dataclass
class Shared:
    """A course of a group; every command is run by one of its users, with the umask of most."""

    course: ScratchCourse
    folder: Path

    def run(self, user: int, *command: str, place: Path | None = None, fails: bool = False) -> str:
        home = self.folder / f"home{user}"
        environment = self.course.environment | {
            "PYTHONPATH": str(COURSE_ROOT),
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(self.folder / "jupyter"),
            "JUPYTER_DATA_DIR": str(home),
        }
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "XDG_CACHE_HOME"):
            environment.pop(name, None)
        groups = [] if user == STUDENT else [GROUP]
        done = subprocess.run(
            as_other_user(
                *("sh", "-c", 'umask 022; exec "$@"', "sh", sys.executable, "-m", *command),
                user=user,
                groups=groups,
            ),
            cwd=place or self.course.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, said
        assert "Traceback" not in said
        return said


@pytest.fixture(scope="module")
def shared(any_data: str) -> Iterator[Shared]:
    skip_without_sandbox()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        course = ScratchCourse(folder, any_data)
        course.shorten()
        with (folder / "jupyter" / "nbgrader_config.py").open("a") as file:
            file.write(
                f"c.Exchange.root = {str(course.exchange)!r}\n"
                "c.CourseDirectory.groupshared = True\n"
                "c.SandboxedExecute.recorded_runs = 'build/recorded_runs'\n"
            )
        for user in (FIRST, SECOND, STUDENT):
            home = folder / f"home{user}"
            home.mkdir(mode=0o700)
            os.chown(home, user, user)
        subprocess.run(["chown", "-R", str(FIRST), str(course.root)], check=True)
        page = (COURSE_ROOT / "docs" / "for_administrators.md").read_text(encoding="utf-8")
        (commands,) = re.findall(r"```bash\n(chgrp.*?)```", page, re.DOTALL)
        typed = commands.replace("instructors", str(GROUP))
        subprocess.run(["sh", "-e", "-c", typed], cwd=course.root, check=True)
        yield Shared(course, folder)


def _hand_in(shared: Shared) -> None:
    """Let the student fetch, solve and submit."""
    home = shared.folder / f"home{STUDENT}"
    shutil.rmtree(home / ASSIGNMENT, ignore_errors=True)
    options = ["--course=weight-initialization"]
    shared.run(STUDENT, "nbgrader", "fetch_assignment", ASSIGNMENT, *options, place=home)
    path = home / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    solve(notebook)
    path.write_text(json.dumps(notebook))
    shared.run(STUDENT, "nbgrader", "submit", ASSIGNMENT, *options, "--student=zoe", place=home)


COLLECT = ("nbgrader", "collect", ASSIGNMENT, "--update", "--ExchangeCollect.check_owner=False")


def test_each_does_what_the_other_has_begun(shared: Shared) -> None:
    course, folder = shared.course, shared.folder
    shared.run(FIRST, "nbgrader", "generate_assignment", ASSIGNMENT)
    shared.run(FIRST, "nbgrader", "release_assignment", ASSIGNMENT)
    _hand_in(shared)
    shared.run(FIRST, *COLLECT)
    shared.run(FIRST, "nbgrader", "autograde", ASSIGNMENT)
    for user in (SECOND, FIRST):
        shared.run(user, "nbgrader", "generate_assignment", ASSIGNMENT, "--force")
        shared.run(user, "nbgrader", "release_assignment", ASSIGNMENT, "--force")
        _hand_in(shared)
        assert "Updating submission" in shared.run(user, *COLLECT)
        said = shared.run(user, "grading", "autograde", ASSIGNMENT, "--force")
        assert "trains for itself" not in said
        shared.run(user, "nbgrader", "autograde", ASSIGNMENT, "--force")
        shared.run(user, "nbgrader", "generate_feedback", ASSIGNMENT, "--force")
        shared.run(user, "nbgrader", "release_feedback", ASSIGNMENT)
        shared.run(user, "nbgrader", "export")
        shared.run(user, "grading", "report", ASSIGNMENT)
        shared.run(user, "grading", "audit")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "zoe").score == 20
    assert {entry["who"] for entry in audit.read(course.root / audit.FILE)} == {
        f"uid {FIRST}",
        f"uid {SECOND}",
    }
    home = folder / f"home{STUDENT}"
    said = shared.run(
        *(STUDENT, "nbgrader", "fetch_feedback", ASSIGNMENT, "--course=weight-initialization"),
        "--student=zoe",
        place=home,
    )
    assert list((home / ASSIGNMENT / "feedback").glob("*/*.html")), said
    # Nothing is for anybody else: nbgrader's pages have mode 664, in folders closed to others.
    assert [
        path
        for path in course.root.rglob("*")
        if not path.is_relative_to(course.root / "release")
        and path.lstat().st_mode & 0o007
        and not path.is_symlink()
        and (path.is_dir() or path.parent.stat().st_mode & 0o001)
    ] == []
