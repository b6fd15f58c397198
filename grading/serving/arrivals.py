"""Sees submissions arrive: in the exchange, and in the course's own folder, where zips are put.

Folders are looked into again and again, because nothing tells of a file that another machine has
written on a shared disk. `nbgrader submit` copies a student's files one by one to where they are
looked for. It writes the secret when all are there, then lets others read them, and last of all
opens the folder to everybody; by these it is known that a submission is whole. What was put there
in another way is taken once nothing about it has changed for a while.
"""

import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

from grading.course.timestamps import FILE as TIMESTAMP
from grading.intake import submitted_folders
from grading.intake.collect import SECRET

SETTLED = 3.0  # seconds without a change
LONGEST = 60.0  # seconds until what changes without an end is taken as it is
_LEAST_SECRET = 32  # bytes; nbgrader writes 128
_LOOKED_AT = 1000  # entries of a submission
_READABLE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_OPEN = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO

_Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Arrival:
    """A submission that is there as a whole.

    Attributes:
        name: of its folder in the exchange; "" for one that lies in the course's folder already.
        student: whose it says it is.
        assignment: likewise.
        handed_in: when, in UTC, as it says; None where it does not.
        arrived: when it came, in seconds since 1970, by the file system's clock.
    """

    name: str
    student: str
    assignment: str
    handed_in: datetime | None
    arrived: float


@dataclass
class _Changing:
    since: float
    first: float
    signature: _Signature


class Settling:
    """Tells which folders have stopped changing."""

    def __init__(self, settled: float = SETTLED, longest: float = LONGEST) -> None:
        self._settled = settled
        self._longest = longest
        self._changing: dict[str, _Changing] = {}

    def has_settled(self, folder: Path) -> bool:
        """Say whether a folder has been as it is for a while, or has changed for too long."""
        now, signature = time.monotonic(), _signature(folder)
        before = self._changing.get(str(folder))
        if before is None:
            self._changing[str(folder)] = _Changing(now, now, signature)
            return False
        if before.signature != signature:
            before.signature, before.since = signature, now
        if now - before.since < self._settled and now - before.first < self._longest:
            return False
        self.forget(folder)
        return True

    def forget(self, folder: Path) -> None:
        """Forget about a folder."""
        self._changing.pop(str(folder), None)

    def keep_only(self, folders: Iterable[str]) -> None:
        """Forget about all folders but these."""
        if self._changing:
            for gone in self._changing.keys() - set(folders):
                del self._changing[gone]


class Inbound:
    """The exchange's folder of submissions.

    Args:
        folder: its path.
        assignments: which are looked for.
        done: the names of submissions that need nothing any more.
        settling: for what is not known to be whole.
    """

    def __init__(
        self,
        folder: Path,
        assignments: Collection[str],
        done: Collection[str],
        settling: Settling | None = None,
    ) -> None:
        self._folder = folder
        self._assignments = assignments
        self._known = set(done)
        self._settling = settling or Settling()

    def arrivals(self) -> Iterator[Arrival]:
        """Yield what is whole now and was not before.

        Raises:
            OSError: the folder cannot be read.
        """
        with os.scandir(self._folder) as entries:
            names = {entry.name for entry in entries}
        self._known &= names
        for name in names - self._known:
            arrival = self._arrival(name)
            if arrival is None:
                self._known.add(name)
                continue
            path = self._folder / name
            try:
                whole = _is_whole(path) or self._settling.has_settled(path)
                arrived = os.lstat(path).st_ctime
            except OSError:
                # Gone again, or not to be read: collecting says so.
                whole, arrived = True, time.time()
            if whole:
                self._known.add(name)
                self._settling.forget(path)
                yield Arrival(name, arrival.student, arrival.assignment, arrival.handed_in, arrived)
        self._settling.keep_only(str(self._folder / name) for name in names)

    def _arrival(self, name: str) -> Arrival | None:
        """Return what a name tells; None where it is not of one of the assignments."""
        student, *more = name.rsplit("+", 3)
        if len(more) < 2 or more[0] not in self._assignments:
            return None
        try:
            return Arrival(name, student, more[0], parse_utc(more[1]), 0.0)
        # dateutil raises whatever comes up.
        except Exception:
            return None


class Submitted:
    """The course's folder of submissions: what was put there by `zip_collect` or by hand.

    Args:
        coursedir: of the course; its assignment is the one that is looked for.
        settling: for what has just changed.
    """

    def __init__(self, coursedir: CourseDirectory, settling: Settling | None = None) -> None:
        self._coursedir = coursedir
        self._settling = settling or Settling()

    @property
    def assignment(self) -> str:
        """The assignment that is looked for."""
        return str(self._coursedir.assignment_id)

    def arrivals(self, busy: Collection[str]) -> Iterator[Arrival]:
        """Yield what is newer than its feedback page.

        Args:
            busy: students whose submissions are on their way already.
        """
        for found in submitted_folders.find(self._coursedir):
            if found.problem or found.student in busy:
                continue
            with suppress(OSError):
                folder = Path(found.folder)
                if (changed := self._changed(folder)) <= self._page_of(found.student):
                    continue
                if self._settling.has_settled(folder):
                    handed_in = self._coursedir.get_existing_timestamp(found.folder)
                    yield Arrival("", found.student, self.assignment, handed_in, changed)

    @staticmethod
    def _changed(folder: Path) -> float:
        """Return when something in a folder was changed last."""
        with os.scandir(folder) as entries:
            files = (entry.stat(follow_symlinks=False).st_ctime for entry in entries)
            return max((folder.stat().st_mtime, *islice(files, _LOOKED_AT)))

    def _page_of(self, student: str) -> float:
        """Return when the first of a student's pages was made; 0 where there is none."""
        step, assignment = self._coursedir.feedback_directory, self._coursedir.assignment_id
        folder = Path(self._coursedir.format_path(step, student, assignment))
        pages = [page.stat().st_mtime for page in folder.glob("*.html")]
        return min(pages, default=0.0)


def _is_whole(folder: Path) -> bool:
    """Say whether `nbgrader submit` has come to its end with a folder.

    Raises:
        FileNotFoundError: the folder is not there.
    """
    mode = os.lstat(folder).st_mode
    if not stat.S_ISDIR(mode):
        return True  # which is not collected, and why is said there
    if mode & _OPEN != _OPEN:
        return False
    try:
        if os.lstat(folder / SECRET).st_size < _LEAST_SECRET or not os.lstat(folder / TIMESTAMP):
            return False
    except OSError:
        return False
    # A folder that was open before it was copied is open before its files are.
    modes = (status.st_mode for _, status in islice(_entries(folder), _LOOKED_AT))
    return all(mode & _READABLE == _READABLE for mode in modes if not stat.S_ISLNK(mode))


def _signature(folder: Path) -> _Signature:
    entries = islice(_entries(folder), _LOOKED_AT)
    return tuple((p, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for p, s in entries)


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what a folder holds, however deep, and follow no link."""
    for place, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = os.path.join(place, name)
            with suppress(OSError):
                yield path, os.lstat(path)
