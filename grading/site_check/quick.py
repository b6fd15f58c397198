"""The part of the check that every grading runs: a few dozen files are looked at, none is read."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default.exchange import Exchange
from sqlalchemy.engine import make_url
from traitlets.config import Configurable

from grading.course import exchange_folders
from grading.course.openings import Opening, change_mode, others_reach, writable_by_all
from grading.recording.record import Record
from grading.running.sandboxed_execute import SandboxedExecute
from grading.site_check import course_files, imported_folders


@dataclass(frozen=True)
class Site:
    """What settings say of the places that are looked at.

    Attributes:
        root: the course's folder.
        course_id: its name in the exchange.
        exchange: the exchange's root.
        shared: whether a group shares the course.
        secret: the course's secret.
        private: what students should not read, the secret included, there or not.
        runs: the folder of recorded training runs, there or not.
    """

    root: Path
    course_id: str
    exchange: Path
    shared: bool
    secret: Path
    private: tuple[Path, ...]
    runs: Path


def site_of(coursedir: CourseDirectory, parent: Configurable) -> Site:
    """Return the site of a course; `parent` has its settings."""
    root = Path(coursedir.root)
    execute, record = SandboxedExecute(parent=parent), Record(parent=parent)
    secret, log = root / execute.secret_file, root / record.log_file
    names = [
        coursedir.source_directory,
        coursedir.submitted_directory,
        coursedir.autograded_directory,
        coursedir.feedback_directory,
        coursedir.solution_directory,
        "reports",
        "grades.csv",
    ]
    places = [root / name for name in names]
    url = make_url(coursedir.db_url)
    if url.get_backend_name() == "sqlite" and url.database:
        places.append(root / url.database)
    # With a trailing journal or lock of each.
    files = [secret, log, *places[len(names) :]]
    beside = [each for file in files for each in sorted(file.parent.glob(f"{escape(file.name)}*"))]
    exchange = Exchange(coursedir=coursedir, parent=parent)
    return Site(
        root,
        coursedir.course_id,
        Path(exchange.root),
        coursedir.groupshared,
        secret,
        tuple(dict.fromkeys([*places, *files, *beside])),
        root / execute.recorded_runs,
    )


def quick_check(site: Site) -> Iterator[Opening]:
    """Yield what is open, as far as files tell that are quickly looked at.

    Of the course, only where the folders above it let others pass.
    """
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    yield from imported_folders.openings("imported", sys.path)
    yield from imported_folders.openings("on_path", path)
    if others_reach(site.root):
        yield from course_files.code(site.root)
        yield from course_files.private(site.root, site.private)
    yield from course_files.secret(site.secret, site.shared)
    for folder in writable_by_all(site.runs):
        change = "o-w" if folder == site.runs else "+t"
        yield Opening("runs_writable", change_mode(change, [folder]), {"path": folder})
    yield from exchange_folders.openings(site.exchange, site.course_id, site.root, site.shared)
