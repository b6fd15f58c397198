"""Reads when something was handed in: from timestamp.txt, which a student may have written."""

import codecs
import os
import re
import stat
from contextlib import suppress
from datetime import UTC, datetime
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
        time: datetime = _time(_decoded(content))
    except Exception:
        # dateutil raises whatever comes up: overflows, wrong types, missing attributes.
        raise UnreadableTimestamp("what it holds is no time") from None
    return time


def _decoded(content: bytes) -> str:
    """Return a text with or without a byte-order mark, which editors put before it."""
    has_mark = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if has_mark else "utf-8-sig").strip()


def _time(text: str) -> datetime:
    """Return the time that a text says; nbgrader writes a date, `date +%s` seconds since 1970."""
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC).replace(tzinfo=None)
    with suppress(ValueError):
        # nbgrader takes the offset +0100 for 100 seconds.
        time = datetime.fromisoformat(re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", text))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    other: datetime = parse_utc(text)
    return other


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def shown_time(time: datetime) -> str:
    """Return a time to the minute, with its zone; one that names none is in UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return f"{aware:%Y-%m-%d %H:%M %Z}"
