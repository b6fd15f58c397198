"""Tells what code has left in a process besides memory of its own.

A forked process gets a copy of the memory, and nothing else: threads and timers it lacks, files in
folders of its own as well; open files and shared memory it has in common with every other one that
is forked from the same process, and those are strangers to each other.
"""

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

    def compare(self) -> None:
        """Make sure that nothing has been left since.

        Raises:
            Unfit: something has.
        """
        if len(os.listdir("/proc/self/task")) > 1:
            raise Unfit("a thread runs")
        with suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            raise Unfit("there is a child process")
        if any(signal.getitimer(timer) != (0.0, 0.0) for timer in (0, 1, 2)):
            raise Unfit("a timer runs")
        now = Traces.now()
        for name in ("folder", "descriptors", "shared", "files"):
            before, after = getattr(self, name), getattr(now, name)
            if before != after:
                raise Unfit(f"{name} changed: {_difference(before, after)}")


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
