"""Tests what files are made with in a course that is shared by a group, and in one that is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse

# What a command of the course's does first, and one of nbgrader's, which is within another.
_COMMAND = """
import os, sys
from nbgrader.apps import NbGrader, NbGraderApp
app = NbGrader() if sys.argv[1].startswith("-") else NbGraderApp()
app.log_level = 40
app.initialize(sys.argv[1:])
print(f"{os.umask(0):03o}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("within", [False, True], ids=["own", "nbgrader"])
@pytest.mark.parametrize(("place", "made"), [("course", "007"), ("site", "007"), ("", "027")])
def test_umask_of_a_command(tmp_path: Path, place: str, made: str, within: bool) -> None:
    course = ScratchCourse(tmp_path, "")
    settings = {
        "course": course.root / "nbgrader_config.py",
        "site": tmp_path / "jupyter" / "nbgrader_config.py",
    }
    if place:
        with settings[place].open("a") as file:
            file.write("\nc.CourseDirectory.groupshared = True\n")
    subcommand = ["autograde", ASSIGNMENT] if within else []
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *subcommand, f"--course-dir={course.root}"],
        # One of them is typed elsewhere.
        cwd=course.root if within else tmp_path,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == made
