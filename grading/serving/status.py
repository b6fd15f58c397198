"""What a serving grader tells of itself: the queue, the rate, the last failures.

It stands in a file in the course root, written anew whenever something changes, for the instructors
alone; `python -m grading serve --status` puts it into sentences.
"""

import json
import os
import statistics
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grading.course.names import shown
from grading.errors import GradingError

FILE = "serve_status.json"
"""Its name in the course root."""
_WINDOW = 600.0  # seconds over which the rate is taken
_LAST = 10  # failures that are told
_MOST = 1000  # waits of which the median is taken
_STALE = 60.0  # seconds after which a status is an old one


class NoStatus(GradingError):
    """No grader has served here."""


@dataclass(frozen=True)
class Failure:
    """A submission that was not graded.

    Attributes:
        when: in UTC.
        student: whose.
        assignment: its name.
        why: a sentence.
        again_in: seconds until it is tried again; None where it is not.
    """

    when: str
    student: str
    assignment: str
    why: str
    again_in: float | None


@dataclass
class Status:
    """What is told.

    Attributes:
        assignments: which are served.
        since: when serving began, in UTC.
        waiting: submissions that wait for their turn.
        under_way: those that are run.
        graded: how many since then.
        flagged: how many of these a person should look at.
        failures: the last ones.
    """

    assignments: list[str]
    since: str
    waiting: int = 0
    under_way: int = 0
    graded: int = 0
    flagged: int = 0
    failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=_LAST))
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST), repr=False)
    _waits: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST), repr=False)

    def end(self, waited: float, flagged: bool) -> None:
        """Take note of a submission whose page is out, so many seconds after it came."""
        self.graded += 1
        self.flagged += flagged
        self._ends.append(time.monotonic())
        self._waits.append(waited)

    def to_json(self) -> dict[str, Any]:
        """Return it as the file holds it."""
        now = time.monotonic()
        recent = [end for end in self._ends if now - end <= _WINDOW]
        own = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        return own | {
            "failures": [asdict(failure) for failure in self.failures],
            "process": os.getpid(),
            "at": utc_now(),
            "a_minute": round(60 * len(recent) / max(60.0, now - min(recent, default=now)), 1),
            "median_seconds": round(statistics.median(self._waits), 1) if self._waits else None,
        }

    def write(self, path: Path) -> None:
        """Write it as a whole; a disk that is full keeps the one from before."""
        half = path.with_name(f".{path.name}.new")
        with suppress(OSError):
            half.write_text(json.dumps(self.to_json(), indent=1), encoding="utf-8")
            half.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Return what a grader told last.

    Raises:
        NoStatus: there is nothing, or nothing that can be read.
    """
    try:
        status: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoStatus(
            f"{path} cannot be read ({error}): nobody has served this course yet. Call this in "
            "the course root, after python -m grading serve ASSIGNMENT."
        ) from None
    return status


def sentences(status: dict[str, Any]) -> str:
    """Return a status for a person to read."""
    age = (datetime.now(UTC) - datetime.fromisoformat(status["at"])).total_seconds()
    lines = []
    if age > _STALE:
        lines.append(f"This is {age / 60:.0f} min old: nobody serves the course now.")
    median = status["median_seconds"]
    lines.append(
        f"{', '.join(status['assignments'])}, served since {status['since']}: "
        f"{status['waiting']} waiting, {status['under_way']} under way; {status['graded']} graded, "
        f"{status['flagged']} of them for a person to look at; {status['a_minute']:g} a minute"
        + (f", a page {median:g} s after handing in (median)." if median is not None else ".")
    )
    for failure in status["failures"]:
        again = failure["again_in"]
        then = f"; tried again after {again:.0f} s" if again is not None else ""
        who = f"{failure['student']}, {failure['assignment']}"
        lines.append(f"  {failure['when']}  {shown(who)}: {shown(failure['why'])}{then}")
    return "\n".join(lines)


def utc_now() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
