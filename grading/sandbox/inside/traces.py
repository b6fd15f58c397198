"""Tells what code has left in a process besides memory of its own.

A forked process gets a copy of the memory, and nothing else: threads and timers it lacks, files in
folders of its own as well; open files and shared memory it has in common with every other one that
is forked from the same process, and those are strangers to each other.
"""

import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .namespaces import FOLDERS


class Unfit(Exception):
    """A process is not to be forked for submissions; the message says why."""


@dataclass(frozen=True)
class OpenFile:
    """A file that is open for reading, a font of matplotlib's for example.

    Attributes:
        number: its descriptor.
        path: where it lies.
        place: where in it is read next; processes that share a descriptor move it for each other.
    """

    number: int
    path: str
    place: int

    def open_again(self) -> None:
        """Give this process a descriptor of its own in the place of the one it shares."""
        own = os.open(self.path, os.O_RDONLY)
        os.lseek(own, self.place, os.SEEK_SET)
        os.dup2(own, self.number, inheritable=False)
        os.close(own)


@dataclass(frozen=True)
class Traces:
    """What there is at a moment.

    Attributes:
        folder: the working folder.
        descriptors: open files, by number.
        shared: ranges of memory that are shared and can be written to.
        files: in `FOLDERS`, with size, time of the last change, and mode.
    """

    folder: str
    descriptors: dict[int, str]
    shared: frozenset[str]
    files: dict[str, tuple[int, int, int]]

    @classmethod
    def now(cls) -> "Traces":
        """Return what there is at this moment."""
        return cls(os.getcwd(), _descriptors(), _shared(), dict(_files()))

    def compare(self) -> list[OpenFile]:
        """Make sure that nothing has been left since but open files that can be opened again.

        Returns:
            These files.

        Raises:
            Unfit: something else has.
        """
        if len(os.listdir("/proc/self/task")) > 1:
            raise Unfit("a thread runs")
        with suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            raise Unfit("there is a child process")
        if any(signal.getitimer(timer) != (0.0, 0.0) for timer in (0, 1, 2)):
            raise Unfit("a timer runs")
        now = Traces.now()
        opened = [
            OpenFile(number, path, os.lseek(number, 0, os.SEEK_CUR))
            for number, path in sorted(now.descriptors.items() - self.descriptors.items())
            if _can_be_opened_again(number, path)
        ]
        for file in opened:
            del now.descriptors[file.number]
        for name in ("folder", "descriptors", "shared", "files"):
            before, after = getattr(self, name), getattr(now, name)
            if before != after:
                raise Unfit(f"{name} changed: {_difference(before, after)}")
        return opened


def _can_be_opened_again(number: int, path: str) -> bool:
    """Tell whether a file is only read, and is the same for every submission."""
    if path.startswith(FOLDERS) or not stat.S_ISREG((status := os.fstat(number)).st_mode):
        return False
    try:
        is_same = os.path.samestat(status, os.stat(path))
    except OSError:
        return False
    return is_same and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def _difference(before: object, after: object) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        return str(sorted(set(before.items()) ^ set(after.items()))[:5])
    return f"{before} {after}"[:500]


def _descriptors() -> dict[int, str]:
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        # The one of the list itself is closed by now.
        with suppress(FileNotFoundError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found


def _shared() -> frozenset[str]:
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return frozenset(line for line in lines if line.split()[1][1::2] == "ws")


def _files() -> Iterator[tuple[str, tuple[int, int, int]]]:
    for root in FOLDERS:
        for folder, names, others in os.walk(root):
            for name in (*names, *others):
                status = os.lstat(path := os.path.join(folder, name))
                # A folder's time says no more than what is in it.
                changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
                size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
                yield path, (size, changed, status.st_mode)
