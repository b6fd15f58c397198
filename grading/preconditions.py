"""What must hold before a class is graded: checked before any earlier grading is changed.

A fault that every submission would meet is then one sentence, and no grade is touched.
"""

import os
from collections.abc import Sequence
from logging import Logger
from pathlib import Path

from nbgrader.converters import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from grading.assignment import AssignmentNotFound, Assignments
from grading.course.modes import for_group_alone
from grading.errors import GradingError
from grading.intake.release import ReleaseMissing, language_of_kernel, read_release
from grading.recording import audit
from grading.recording.record import Record
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.seed import UnusableSecret, course_secret
from grading.sandbox import SandboxUnavailable, check_available
from grading.site_check import Site, quick_check, site_of


class Refused(GradingError, NbGraderException):
    """Nothing was graded, and nothing changed; the message says why and what to do."""


def check_machine(
    execute: SandboxedExecute, record: Record, coursedir: CourseDirectory, log: Logger
) -> None:
    """Make sure that submissions can be graded here; the working directory is the course root.

    Args:
        execute: with the settings of the course.
        record: likewise.
        coursedir: the course, of which one assignment is graded.
        log: is told what is open to other users of the machine, and what closes it.

    Raises:
        Refused: they cannot.
    """
    _check_site(site_of(coursedir, execute), log)
    if not execute.enabled:
        raise Refused(
            "This course grades what it has run itself. Run nbgrader autograde without "
            "--no-execute."
        )
    try:
        assignment = Assignments(parent=execute).of(coursedir.assignment_id)
    except AssignmentNotFound as error:
        raise Refused(f"Nothing was graded: {error}") from None
    try:
        check_available(assignment.IMPORTS if assignment else ())
    except SandboxUnavailable as error:
        if not execute.allow_unsandboxed:
            raise Refused(execute.how_to_allow(error)) from None
    shared = coursedir.groupshared
    _check_secret(Path(execute.secret_file), shared)
    _check_log(Path(record.log_file), shared)
    _check_gradebook(coursedir.db_url, shared)


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


def _check_site(site: Site, log: Logger) -> None:
    openings = list(quick_check(site))
    if code := [opening for opening in openings if opening.runs_code]:
        told = [f"{opening.sentence()} Take that from them: {opening.command}" for opening in code]
        raise Refused(" ".join(told))
    for opening in openings:
        # A batch shows errors alone, and this is one of the site's.
        log.error("%s Close it: %s", opening.sentence(), opening.command)


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
