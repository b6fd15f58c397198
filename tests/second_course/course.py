"""A course with a second assignment, dropout by hand, as an instructor adds it to this one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from grading.demo.students import Student, read_students, write_answers
from tests.scratch_course import ScratchCourse

ROOM = Path(__file__).parent
STUDENTS = {student.name: student for student in read_students(ROOM / "students.toml")}
EDITIONS = ("dropout", "dropout_zh")
NOTEBOOK = "dropout.ipynb"


def second_course(folder: Path) -> ScratchCourse:
    """Make a course whose settings name one more module."""
    course = ScratchCourse(folder, data="")
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for part in ("source", "dropout_tests"):
        shutil.copytree(ROOM / part, course.root / part, ignore=ignored, dirs_exist_ok=True)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        for edition in EDITIONS:
            file.write(f'\nc.Assignments.modules["{edition}"] = "dropout_tests.assignment"')
        file.write("\n")
    return course


def hand_in(course: ScratchCourse, edition: str, students: Iterable[Student]) -> None:
    """Release an edition, and put what students answer where `nbgrader collect` puts it."""
    course.nbgrader("generate_assignment", edition)
    for student in students:
        folder = course.root / "submitted" / student.name / edition
        shutil.copytree(course.root / "release" / edition, folder)
        write_answers(folder / NOTEBOOK, student)


def course_command(course: ScratchCourse, *arguments: str) -> str:
    """Run `python -m grading ...` in the course; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "grading", *arguments],
        cwd=course.root,
        env=os.environ | course.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
