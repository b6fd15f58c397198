"""What must hold before a class is graded: checked before any earlier grading is changed.

A fault that every submission would meet is then one sentence, and no grade is touched.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nbgrader.converters import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from grading.assignment import AssignmentNotFound, Assignments
from grading.course.modes import for_group_alone, open_to_all
from grading.errors import GradingError
from grading.intake.release import ReleaseMissing, language_of_kernel, read_release
from grading.recording import audit
from grading.recording.record import Record
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.seed import UnusableSecret, course_secret
from grading.sandbox import SandboxUnavailable, check_available


class Refused(GradingError, NbGraderException):
    """Nothing was graded, and nothing changed; the message says why and what to do."""


def check_machine(
    execute: SandboxedExecute, record: Record, database: str, shared: bool, assignment: str
) -> None:
    """Make sure that submissions can be graded here; the working directory is the course root.

    Args:
        execute: with the settings of the course.
        record: likewise.
        database: the gradebook's address.
        shared: whether the course is shared by a group.
        assignment: its name.

    Raises:
        Refused: they cannot.
    """
    if folders := open_to_all(sys.path):
        raise Refused(
            f"Everybody on this machine can write to {', '.join(folders)}, which Python imports "
            "from: their code would run with your rights. Take that from them (chmod o-w)."
        )
    if not execute.enabled:
        raise Refused(
            "This course grades what it has run itself. Run nbgrader autograde without "
            "--no-execute."
        )
    try:
        Assignments(parent=execute).of(assignment)
    except AssignmentNotFound as error:
        raise Refused(f"Nothing was graded: {error}") from None
    try:
        check_available()
    except SandboxUnavailable as error:
        if not execute.allow_unsandboxed:
            raise Refused(execute.how_to_allow(error)) from None
    _check_secret(Path(execute.secret_file), shared)
    _check_log(Path(record.log_file), shared)
    _check_gradebook(database, shared)


def check_release(coursedir: CourseDirectory, notebooks: Sequence[str]) -> None:
    """Make sure that an assignment's notebooks can be compared with the release, and run.

    Raises:
        Refused: one is not released, or not in Python.
    """
    for name in notebooks:
        try:
            release = read_release(coursedir, coursedir.assignment_id, name)
        except ReleaseMissing as error:
            raise Refused(str(error)) from None
        if (language := language_of_kernel(release)) not in ("python", "ipython"):
            raise Refused(
                f"{name}.ipynb is in {language}, and the sandbox runs Python alone. Grade this "
                "assignment in a course of plain nbgrader, or give it a Python kernel."
            )


def _check_secret(path: Path, shared: bool) -> None:
    try:
        course_secret(path, shared)
    except UnusableSecret as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(
            f"{path.resolve()}, the course's secret, can be neither read nor made: "
            f"{error.strerror}. Only who can read it grades; its owner lets a group do so by "
            "grading once with c.CourseDirectory.groupshared = True."
        ) from None


def _check_log(path: Path, shared: bool) -> None:
    try:
        audit.check(path)
    except audit.AuditLogBroken as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(
            f"{path.resolve()}, the audit log, cannot be written to: {error.strerror}. Every "
            "grading is logged there; ask its owner."
        ) from None
    for_group_alone(path, shared)


def _check_gradebook(database: str, shared: bool) -> None:
    url = make_url(database)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(url.database)
    if path.exists() and not os.access(path, os.W_OK):
        raise Refused(f"{path}, the gradebook, cannot be written to by you; ask its owner.")
    for_group_alone(path, shared)
