"""Finds submissions' folders, and says which cannot be graded: one such ends nobody else's."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from grading.course.literal_root import glob_in_course


@dataclass(frozen=True)
class Found:
    """A submission's folder.

    Attributes:
        folder: its path.
        student: whose it is, as the folder is called.
        problem: why it cannot be graded, as a sentence; "" where it can.
    """

    folder: str
    student: str
    problem: str = ""


def find(coursedir: CourseDirectory) -> Iterator[Found]:
    """Yield what has been handed in for `coursedir`'s assignment by its students, in order."""
    step = coursedir.submitted_directory
    pattern = coursedir.format_path(step, coursedir.student_id, coursedir.assignment_id)
    parent = os.path.dirname(pattern)
    for folder in sorted(glob_in_course(parent)):
        if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
            yield Found(folder, os.path.basename(folder), _unreadable(Path(folder)))
    for folder in sorted(glob_in_course(pattern, include_hidden=True)):
        student = names(coursedir, folder)[1]
        yield Found(folder, student, _problem(Path(folder), student))


def names(coursedir: CourseDirectory, folder: str) -> tuple[str, str]:
    """Return the assignment and the student of a submission's folder.

    Raises:
        ValueError: it is not where submissions are.
    """
    fields = ("(?P<student>.*)", "(?P<assignment>.*)")
    pattern = coursedir.format_path(coursedir.submitted_directory, *fields, escape=True)
    match = re.fullmatch(pattern, folder, re.DOTALL)
    if match is None:
        raise ValueError(f"{folder!r} does not match {pattern}")
    return match["assignment"], match["student"]


def _problem(folder: Path, student: str) -> str:
    if student.startswith("."):
        return f"{folder} begins with a dot, and nbgrader passes it over. Rename it."
    if problem := _problem_of_name(student):
        return f"The name of the folder {problem}. Rename it, and grade again."
    own = [folder, folder.parent] if folder.parent.name == student else [folder]
    for path in own:
        if path.is_symlink():
            return f"{path} is a link, and none is followed. Put the files themselves there."
    if not folder.is_dir():
        return f"{folder} should be a folder with what was handed in, and is none."
    if not os.access(folder, os.R_OK | os.X_OK):
        return _unreadable(folder)
    return ""


def _unreadable(folder: Path) -> str:
    return f"{folder} may not be read by you; change its mode (chmod u+rwx) or ask its owner."


def _problem_of_name(name: str) -> str:
    """Say why no gradebook and no log can hold a name; "" where they can.

    A line break ends nbgrader's patterns and the log's lines; what is not UTF-8, which Python has
    as surrogates, goes into no database.
    """
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        return "is not UTF-8; the archive it came from was packed with another encoding"
    if any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in name):
        return "has a line break or another control character"
    return ""
