"""Collects submissions from the exchange, where students can put anything they like by hand.

A link there may lead to whatever the instructor can read. So files are opened as what they are, by
their folder's descriptor, and only what the submitting user owns is taken.
"""

import os
import pwd
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any

from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect

from grading.course import timestamps
from grading.course.exchange_folders import KeptExchange
from grading.course.names import shown
from grading.errors import GradingError
from grading.intake.submitted_files import fits

_MOST_ENTRIES = 10_000
_DEEPEST = 40  # each level of folders holds a descriptor open
_TIMESTAMP = Path(timestamps.FILE)
SECRET = "submission_secret.txt"
"""What `nbgrader submit` writes: by its hash a student's feedback is looked for."""
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(GradingError):
    """An entry of the exchange that is not taken, and why."""


class CourseCollect(KeptExchange, ExchangeCollect):
    """nbgrader's collect, except that one submission can neither bring another's files nor stop it.

    What is left out is logged, and stays in the exchange.
    """

    src_records: list[dict[str, Any]]

    def init_src(self) -> None:
        """Find the newest submission of each student, among those that are theirs."""
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"] is not None]

    def _path_to_record(self, path: str) -> dict[str, Any]:
        try:
            record: dict[str, Any] = super()._path_to_record(path)
            self._check(os.lstat(path), record["username"])
        except (Refused, ExchangeError, OSError, ValueError, OverflowError) as error:
            self.log.error("Not collected: %r (%s)", path, error)
            return {"username": None, "filename": "", "timestamp": datetime.min}
        return record

    def _check(self, entry: os.stat_result, student: str) -> None:
        """Raise Refused for a folder that the student whose name it bears has not made."""
        if student in ("", ".", "..") or not student.isprintable():
            raise Refused("it names no student")
        if not stat.S_ISDIR(entry.st_mode):
            raise Refused("it is no folder")
        try:
            account = pwd.getpwnam(student)
        except KeyError:
            return  # copy_files warns of it
        if self.check_owner and entry.st_uid != account.pw_uid:
            raise Refused(
                f"user {entry.st_uid} made it, not {student}; where students' names are not their "
                "accounts', set c.ExchangeCollect.check_owner = False"
            )

    def collect_one(self, inbound: Path, name: str) -> None:
        """Collect one submission, if it is newer than what was collected of this student.

        Args:
            inbound: the exchange's folder of submissions.
            name: of the submission's folder there.

        Raises:
            Refused: it is not taken, and never will be; the message says why.
            OSError: it could not be read, or the copy not be written.
            ExchangeError: likewise; the log says why.
        """
        path = inbound / name
        record = self._path_to_record(str(path))
        if record["username"] is None:
            raise Refused(f"{shown(str(path))} is not taken; the log says why.")
        self.inbound_path, self.src_records = str(inbound), [record]
        self.update = True
        self.copy_files()

    def copy_files(self) -> None:
        """Copy each submission on its own; one that fails is named in the end.

        Raises:
            ExchangeError: some could not be collected. All others are.
        """
        records, failed = self.src_records, []
        if not records:
            super().copy_files()
        for record in records:
            self.src_records = [record]
            try:
                super().copy_files()
            except Exception as error:
                self.log.error("Not collected: %r (%s)", record["filename"], error)
                failed.append(record["username"])
        self.src_records = records
        if failed:
            self.fail(f"Could not collect from {', '.join(failed)}; the reasons are shown above.")

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy a submission's folder; its timestamp is the one in its name.

        Raises:
            Refused: `src` is no folder, or not the student's.
            OSError: it cannot be read, or the copy cannot be written. Nothing is left of it.
        """
        student, _, timestamp, *_ = Path(src).name.rsplit("+", 3)
        with _opened(src, stat.S_ISDIR) as source:
            self._check(os.fstat(source), student)
            os.makedirs(dest)
            try:
                self._copy_taken(source, Path(dest))
                Path(dest, _TIMESTAMP).write_text(timestamp)
                self._ensure_secret(Path(dest, SECRET))
                self._set_modes(Path(dest))
            except BaseException:
                shutil.rmtree(dest)
                raise

    def _copy_taken(self, source: int, dest: Path) -> None:
        owner = os.fstat(source).st_uid
        for name, size in self._taken(source, owner):
            target = dest / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with _opened_below(source, name, owner) as file, target.open("xb") as copy:
                    # It may have grown since.
                    while size and (chunk := os.read(file, min(size, 2**20))):
                        copy.write(chunk)
                        size -= len(chunk)
            except Refused as error:
                self.log.error("Left out %r: %s", str(name), error)

    def _ensure_secret(self, path: Path) -> None:
        """Without what `nbgrader submit` writes there, nobody's feedback could be released."""
        if path.is_dir():
            shutil.rmtree(path)
        if not (path.is_file() and re.fullmatch(rb"[0-9a-f]{32,256}", path.read_bytes())):
            self.log.error("%r holds no secret; its feedback can be fetched by nobody", str(path))
            path.write_text(secrets.token_hex(64))

    def _set_modes(self, dest: Path) -> None:
        file_mode, folder_mode = (0o660, 0o2770) if self.coursedir.groupshared else (0o640, 0o750)
        if dest.parent.stat().st_uid == os.geteuid():
            dest.parent.chmod(folder_mode)
        for folder, _, names in os.walk(dest):
            os.chmod(folder, folder_mode)
            for name in names:
                os.chmod(os.path.join(folder, name), file_mode)

    def _taken(self, source: int, owner: int) -> Iterator[tuple[Path, int]]:
        """Yield the name and size of what is taken: the smallest, if all is too much."""
        found = list(islice(self._walk(source, Path(), owner), _MOST_ENTRIES + 1))
        if len(found) > _MOST_ENTRIES:
            self.log.error("Only the first %d entries are looked at", _MOST_ENTRIES)
        together = 0
        files = (file for file in found if file is not None)
        # The notebook is what counts.
        for name, size in sorted(files, key=lambda file: (file[0].suffix != ".ipynb", file[1])):
            together += size
            if together <= 1000 * self.coursedir.max_dir_size:
                yield name, size
            else:
                self.log.error("Left out %r: the submission is too large", str(name))

    def _walk(self, folder: int, place: Path, owner: int) -> Iterator[tuple[Path, int] | None]:
        """Yield the files below an open folder with their sizes, and None for every other entry."""
        for name in sorted(os.listdir(folder)):
            path = place / name
            if path == _TIMESTAMP or _matches(name, self.coursedir.ignore):
                yield None
                continue
            try:
                if not fits(path):
                    raise Refused("its path is too long")
                if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
                    yield None
                    if len(path.parts) == _DEEPEST:
                        raise Refused(f"folders are looked into {_DEEPEST} deep")
                    with _opened(name, stat.S_ISDIR, folder, owner) as inner:
                        yield from self._walk(inner, path, owner)
                    continue
                with _opened(name, stat.S_ISREG, folder, owner) as file:
                    size = os.fstat(file).st_size
                if self.coursedir.max_file_size and size > 1000 * self.coursedir.max_file_size:
                    raise Refused("it is too large")
                yield (path, size) if _matches(name, self.coursedir.include) else None
            except (Refused, OSError) as error:
                self.log.error("Left out %r: %s", str(path), error)
                yield None


def read_owned(folder: Path, name: str, most: int) -> bytes | None:
    """Return the beginning of a file in a submission; None where it is none of its owner's.

    Args:
        folder: the submission's.
        name: of the file in it.
        most: bytes that are read.
    """
    try:
        with (
            _opened(str(folder), stat.S_ISDIR) as source,
            _opened(name, stat.S_ISREG, source, os.fstat(source).st_uid) as file,
        ):
            return os.read(file, most)
    except (Refused, OSError):
        return None


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@contextmanager
def _opened_below(folder: int, name: Path, owner: int) -> Iterator[int]:
    """Open a file by its path in an open folder, each step of it without following a link."""
    if len(name.parts) == 1:
        with _opened(name.name, stat.S_ISREG, folder, owner) as file:
            yield file
        return
    with (
        _opened(name.parts[0], stat.S_ISDIR, folder, owner) as inner,
        _opened_below(inner, name.relative_to(name.parts[0]), owner) as file,
    ):
        yield file


@contextmanager
def _opened(
    name: str, kind: Any, folder: int | None = None, owner: int | None = None
) -> Iterator[int]:
    """Open a file or folder for reading, if it is one, itself, and the owner's alone.

    Raises:
        Refused: it is of another kind, somebody else's, or has other names elsewhere.
        OSError: it cannot be read.
    """
    kinds = {stat.S_ISDIR: "folder", stat.S_ISREG: "file"}
    # Looked at first: to open a device can do something.
    if not kind(os.lstat(name, dir_fd=folder).st_mode):
        raise Refused(f"it is no ordinary {kinds[kind]} but a link, a pipe or the like")
    # Without waiting for whoever may write into a pipe that has just come into its place.
    descriptor = os.open(name, _OPEN | os.O_NONBLOCK, dir_fd=folder)
    try:
        entry = os.fstat(descriptor)
        if not kind(entry.st_mode):
            raise Refused(f"it is no ordinary {kinds[kind]}")
        if owner is not None and entry.st_uid != owner:
            raise Refused(f"it belongs to user {entry.st_uid}, and the submission to {owner}")
        if stat.S_ISREG(entry.st_mode) and entry.st_nlink > 1:
            raise Refused("it stands elsewhere too, under another name")
        yield descriptor
    finally:
        os.close(descriptor)
