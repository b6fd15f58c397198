"""Gives scores and feedback pages to Canvas: `python -m grading canvas ASSIGNMENT`.

What Canvas has already is not sent again, so the command may be given again after a breakdown, or
when more has been graded. With `--dry-run` it reads from Canvas, and says what it would write.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import Any
from urllib.parse import urlsplit

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from requests import RequestException
from traitlets import Dict, Integer, Unicode
from traitlets.config import LoggingConfigurable

from grading.course.names import shown
from grading.course.settings import course_settings
from grading.errors import GradingError
from grading.reports.exporters import CanvasExporter

TOKEN = "CANVAS_TOKEN"
"""The environment variable that may hold the token."""


class NotUploaded(GradingError):
    """Nothing more was given to Canvas; the message says why and what to do."""


@dataclass(frozen=True)
class Change:
    """What Canvas does not have yet of a student's.

    Attributes:
        student: nbgrader's id.
        submission: Canvas's record of the student's submission.
        score: the points to enter; None where it has them.
        pages: feedback pages to attach, with the names that they get.
    """

    student: str
    submission: Any
    score: float | None
    pages: dict[str, Path]

    def __str__(self) -> str:
        score = [] if self.score is None else [f"score {self.score:.10g}"]
        before = self.submission.score
        if score and before is not None:
            score = [f"{score[0]} in place of {before:.10g}"]
        return f"{shown(self.student)}: {', '.join([*score, *map(shown, self.pages)])}"


class CanvasUpload(LoggingConfigurable):
    """The course in Canvas; students are those of CanvasExporter, by its student file too."""

    address = Unicode(help="Where Canvas is, such as https://canvas.example.edu").tag(config=True)
    course = Integer(0, help="The course's number in Canvas, from its address.").tag(config=True)
    assignments = Dict(help="From an assignment's name to its number in Canvas.").tag(config=True)
    token_file = Unicode(
        ".canvas_token",
        help=f"A file with an access token, of mode 600, where {TOKEN} does not hold one.",
    ).tag(config=True)

    def token(self) -> str:
        """Return the access token.

        Raises:
            NotUploaded: there is none, or others can read it.
        """
        if token := os.environ.get(TOKEN, "").strip():
            return token
        path = Path(self.token_file).absolute()
        try:
            entry = path.stat()
            if not S_ISREG(entry.st_mode) or entry.st_mode & 0o077:
                mode = f"{S_IMODE(entry.st_mode):o}"
                raise NotUploaded(
                    f"{path} has mode {mode}; others may not read it: chmod 600 {path}"
                )
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotUploaded(
                f"There is no access token: {TOKEN} is not set, and {path} cannot be read "
                f"({error}). Make one in Canvas (Account, Settings, New Access Token)."
            ) from None

    def of_canvas(self, assignment: str) -> tuple[Any, Any]:
        """Return Canvas's course and assignment.

        Raises:
            NotUploaded: settings are missing.
        """
        from canvasapi import Canvas

        parts = urlsplit(self.address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise NotUploaded(
                f"c.CanvasUpload.address is {self.address!r}; expected where Canvas is, beginning "
                "with https:// lest others read the token."
            )
        if not self.course or assignment not in self.assignments:
            raise NotUploaded(
                "Set c.CanvasUpload.course and c.CanvasUpload.assignments = "
                f"{{{assignment!r}: NUMBER}} in nbgrader_config.py; the numbers stand in Canvas's "
                "addresses, /courses/NUMBER/assignments/NUMBER."
            )
        with warnings.catch_warnings(action="ignore"):
            course = Canvas(self.address, self.token()).get_course(self.course)
        return course, course.get_assignment(self.assignments[assignment])

    def changes(self, coursedir: CourseDirectory, name: str) -> Iterator[Change]:
        """Yield what Canvas does not have yet; what is left out is logged.

        Raises:
            NotUploaded: Canvas counts other points, or is not set up.
        """
        course, of_canvas = self.of_canvas(name)
        users = list(course.get_users(enrollment_type=["student"]))
        given = of_canvas.get_submissions(include=["submission_comments"])
        submissions = {submission.user_id: submission for submission in given}
        exporter = CanvasExporter(parent=self)
        with Gradebook(coursedir.db_url) as gradebook:
            try:
                assignment = gradebook.find_assignment(name)
            except MissingEntry:
                raise NotUploaded(f"No assignment {name} has been graded here.") from None
            if of_canvas.points_possible != assignment.max_score:
                raise NotUploaded(
                    f"{name} has {assignment.max_score:.10g} points, and in Canvas "
                    f"{of_canvas.points_possible}. Give it the same number there."
                )
            for student, fields in exporter.students(gradebook):
                score = exporter.score(gradebook, assignment, student)
                if not score:
                    continue
                if gradebook.find_submission(name, student).needs_manual_grade:
                    self.log.error("Left out until a person has graded it: %s", shown(student))
                    continue
                submission = submissions.get(_user(users, fields))
                if submission is None:
                    self.log.error(
                        "Left out, because Canvas knows no student of this id: %s", shown(student)
                    )
                    continue
                folder = coursedir.format_path(coursedir.feedback_directory, student, name)
                pages = _pages(Path(folder), submission)
                wanted = None if submission.score == float(score) else float(score)
                if pages or wanted is not None:
                    yield Change(student, submission, wanted, pages)


def upload(change: Change) -> None:
    """Give a change to Canvas: the pages first, so that nobody has a score without the reasons."""
    with tempfile.TemporaryDirectory(prefix="canvas-") as folder:
        for name, page in change.pages.items():
            shutil.copy(page, Path(folder, name))
            done, said = change.submission.upload_comment(Path(folder, name))
            if not done:
                raise NotUploaded(f"Canvas did not take {name} of {shown(change.student)}: {said}")
    if change.score is not None:
        change.submission.edit(submission={"posted_grade": f"{change.score:.10g}"})


def _user(users: Sequence[Any], fields: dict[str, str]) -> int | None:
    """Return Canvas's number of a student, by the first of its columns that is filled in."""
    for column, attribute in (("ID", "id"), ("SIS User ID", "sis_user_id")):
        if fields[column]:
            return _only(users, attribute, fields[column])
    return _only(users, "login_id", fields["SIS Login ID"])


def _only(users: Sequence[Any], attribute: str, value: str) -> int | None:
    matching = [user.id for user in users if str(getattr(user, attribute, "")) == value]
    return matching[0] if len(matching) == 1 else None


def _pages(folder: Path, submission: Any) -> dict[str, Path]:
    """Return the feedback pages that no comment has, by names that say which content they have."""
    comments = getattr(submission, "submission_comments", [])
    attached = {file["filename"] for each in comments for file in each.get("attachments", [])}
    pages = {}
    for page in sorted(folder.glob("*.html")):
        digest = hashlib.sha256(page.read_bytes()).hexdigest()[:12]
        pages[f"{page.stem}-{digest}.html"] = page
    return {name: page for name, page in pages.items() if name not in attached}


def main(arguments: Sequence[str]) -> int:
    """Upload what Canvas lacks, or say what that is; return the exit code.

    Raises:
        NotUploaded: settings or the token are missing, or Canvas refused.
    """
    parser = argparse.ArgumentParser(prog="python -m grading canvas", description=__doc__)
    parser.add_argument("assignment")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done, and do nothing"
    )
    options = parser.parse_args(arguments)
    try:
        from canvasapi.exceptions import CanvasException
    except ImportError:
        raise NotUploaded("Install what speaks with Canvas: pip install canvasapi") from None
    app = course_settings()
    os.chdir(app.coursedir.root)
    count = 0
    try:
        # All is read before anything is written.
        for change in list(CanvasUpload(parent=app).changes(app.coursedir, options.assignment)):
            if not options.dry_run:
                upload(change)
            print(change)
            count += 1
    except (RequestException, ValueError) as error:
        raise NotUploaded(f"Canvas cannot be reached: {error}. {_again(count)}") from None
    except CanvasException as error:
        told = f"{type(error).__name__}: {error}"
        raise NotUploaded(f"Canvas refused: {told}. {_again(count)}") from None
    print(f"{count} would be changed; nothing was." if options.dry_run else f"{count} changed.")
    return 0


def _again(count: int) -> str:
    return f"Changed: {count}. Given again, the command goes on with the rest."
