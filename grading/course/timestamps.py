"""Reads when something was handed in: from timestamp.txt, which a student may have written."""

import os
import stat
from datetime import datetime
from pathlib import Path

from nbgrader.utils import parse_utc

from grading.errors import GradingError

FILE = "timestamp.txt"
_LONGEST = 200  # bytes; nbgrader writes about 30


class UnreadableTimestamp(GradingError):
    """A timestamp.txt holds no time; the message says what it is instead."""


def read_timestamp(folder: Path) -> datetime | None:
    """Return the time in a submission's timestamp.txt, in UTC; None where there is no such file.

    Neither a link is followed nor a pipe waited for.

    Raises:
        UnreadableTimestamp: it is no ordinary file, or what it holds is no time.
    """
    path = folder / FILE
    try:
        kind = path.lstat().st_mode
        if not stat.S_ISREG(kind):
            raise UnreadableTimestamp("it is no ordinary file")
        # Between the two calls it may have become something else.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableTimestamp(f"it cannot be read: {error.strerror}") from None
    try:
        content = os.read(descriptor, _LONGEST + 1) if _is_regular(descriptor) else b""
    finally:
        os.close(descriptor)
    if not content.strip():
        raise UnreadableTimestamp("it is empty")
    if len(content) > _LONGEST:
        raise UnreadableTimestamp(f"it is longer than {_LONGEST} bytes")
    try:
        time: datetime = parse_utc(content.decode().strip())
    except Exception:
        # dateutil raises whatever comes up: overflows, wrong types, missing attributes.
        raise UnreadableTimestamp("what it holds is no time") from None
    return time


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
