"""Tests what files are made with in a course that is shared by a group, and in one that is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scratch_course import COURSE_ROOT, ScratchCourse

# What an nbgrader command does first, whatever it is.
_COMMAND = """
import os, sys
from nbgrader.apps import NbGrader
app = NbGrader()
app.log_level = 40
app.initialize(sys.argv[1:])
print(f"{os.umask(0):03o}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(("place", "made"), [("course", "007"), ("site", "007"), ("", "027")])
def test_umask_of_a_command(tmp_path: Path, place: str, made: str, elsewhere: bool) -> None:
    course = ScratchCourse(tmp_path, "")
    settings = {
        "course": course.root / "nbgrader_config.py",
        "site": tmp_path / "jupyter" / "nbgrader_config.py",
    }
    if place:
        with settings[place].open("a") as file:
            file.write("\nc.CourseDirectory.groupshared = True\n")
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, f"--course-dir={course.root}"],
        cwd=tmp_path if elsewhere else course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == made
