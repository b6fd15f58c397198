"""What a page tells of the handing in: whose it is, when it came, and what can follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from grading.course.timestamps import shown_time
from grading.submission import Message

_DAMAGED = ("damaged", "empty_file", "other_json", "no_cells", "not_converted")
_TOO_LARGE = ("too_large", "too_many_cells")

Words = Mapping[str, str]


@dataclass(frozen=True)
class Lateness:
    """A submission after its deadline: by how much, and what it costs."""

    delay: timedelta
    deadline: datetime
    penalty: float


@dataclass(frozen=True)
class HandedIn:
    """What was handed in, as far as it is no matter of points.

    Attributes:
        student: whose it is.
        notebook: the name of the file that was asked for.
        page_made: when the page is made.
        time: when it was handed in; None where that is not known.
        deadline: the student's own; None where there is none.
        before: what the tests gave for what the student had handed in before, by grade id.
        unreadable: why nothing of it could be read, if so.
        attempt: a sentence on which attempt it is, or "".
        may_follow: whether another attempt is left.
        counts: which attempt counts, "last" or "best".
    """

    student: str
    notebook: str
    page_made: datetime
    time: datetime | None = None
    deadline: datetime | None = None
    before: Mapping[str, float] = field(default_factory=dict)
    unreadable: Message | None = None
    attempt: str = ""
    may_follow: bool = True
    counts: str = "last"

    def by_line(self, words: Words) -> str:
        """Return whose it is and when it came, in the page's words."""
        if self.time is None:
            return words["handed_in_by"].format(student=self.student)
        return words["handed_in"].format(student=self.student, time=shown_time(self.time))

    def again(self, words: Words) -> str:
        """Return whether something newer can still be handed in, and which would count."""
        if not self.may_follow:
            return words["again_used_up"]
        counts = words["counts_best" if self.counts == "best" else "counts_last"]
        if self.deadline is None:
            return words["again"].format(counts=counts)
        passed = self.deadline < self.page_made
        return words["again_late" if passed else "again_until"].format(
            deadline=shown_time(self.deadline), counts=counts
        )

    def what_to_do(self, words: Words) -> str:
        """Return how to hand in a file that can be read, where this one cannot."""
        reason = self.unreadable.key.partition(".")[2] if self.unreadable else ""
        kinds = {"mend_damaged": _DAMAGED, "mend_large": _TOO_LARGE}
        key = next((key for key, reasons in kinds.items() if reason in reasons), "mend_name")
        return words[key].format(name=f"{self.notebook}.ipynb")


def full_name(first: str | None, last: str | None, student: str) -> str:
    """Return a student's name as the gradebook has it, else the id.

    Names in Chinese characters have the family name first, and nothing between.
    """
    names = [name for name in (first, last) if name]
    if names and all(ord(sign) >= 0x2E80 for name in names for sign in name):
        return "".join(reversed(names))
    return " ".join(names) or student


def delay_in_words(delay: timedelta, words: Words) -> str:
    """Return a delay to the minute, its two largest units."""
    minutes = max(1, round(delay.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    units = [(days, words["day"]), (hours, words["hour"]), (left, words["minute"])]
    shown = [unit.format(count) for count, unit in units if count]
    return " ".join(shown[:2])
