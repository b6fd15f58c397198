"""How often, and how soon again, a student may be graded, and which attempt counts.

An attempt is what was graded for the first time: a regrade of the same work is none. The audit log
tells of each, whoever asked for the grading. `python -m grading serve` holds the limits; autograde,
by which a person asks, does not. With `counts = "best"` serve keeps the attempt whose tests gave
most; points that a person gives stand beside whichever counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from traitlets import Enum, Float, Integer
from traitlets.config import LoggingConfigurable

from grading.course.timestamps import shown_time
from grading.recording import audit


@dataclass(frozen=True)
class Made:
    """An attempt that was graded.

    Attributes:
        when: it was graded first, in UTC.
        submission: the SHA-256 of the notebook.
        score: what the tests gave when it was graded last.
    """

    when: datetime
    submission: str
    score: float


def attempt_in(entry: audit.Entry) -> tuple[str, str] | None:
    """Return what tells the attempt that an entry of the log is of; None where it was none.

    Two attempts with the same notebook differ where a file beside it does: by the grading's seed,
    which is of all that was handed in; an entry without one failed by the machine's fault.
    """
    return (entry["submission"], entry["seed"]) if entry.get("seed") else None


def attempts_of(log: Path, student: str, assignment: str) -> list[Made]:
    """Return a student's attempts in order; of several notebooks, the one with the most counts."""
    made: dict[str, dict[tuple[str, str], Made]] = {}
    for entry in audit.entries_of(log, student, assignment):
        if (key := attempt_in(entry)) is None:
            continue
        attempts = made.setdefault(entry["notebook"], {})
        when = attempts[key].when if key in attempts else datetime.fromisoformat(entry["when"])
        score = sum(score or 0.0 for score in entry["scores"].values())
        attempts[key] = Made(when, entry["submission"], score)
    return max((list(attempts.values()) for attempts in made.values()), key=len, default=[])


class Attempts(LoggingConfigurable):
    """The limits of a course; set them as `c.Attempts`."""

    most = Integer(
        None, allow_none=True, min=1, help="Attempts that a student has. Unset: any number."
    ).tag(config=True)
    minutes_apart = Float(
        0.0, min=0.0, help="Minutes from one attempt's grading to the next one's, at least."
    ).tag(config=True)
    counts = Enum(
        ("last", "best"),
        "last",
        help="Which attempt counts: the last, or the one whose tests gave most, the earlier of two "
        "that are alike.",
    ).tag(config=True)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything that a student should be told."""
        return bool(self.most or self.minutes_apart or self.counts == "best")

    def are_used_up(self, made: Sequence[Made]) -> bool:
        """Tell whether there is none left."""
        return self.most is not None and len(made) >= self.most

    def next_from(self, made: Sequence[Made]) -> datetime | None:
        """Return when the next may be graded; None where there is nothing to wait for."""
        if not made or not self.minutes_apart:
            return None
        return max(attempt.when for attempt in made) + timedelta(minutes=self.minutes_apart)

    def sentence(self, made: Sequence[Made], submission: str, words: Mapping[str, str]) -> str:
        """Return what a page says on the attempt that it is of, or "".

        Args:
            made: all attempts.
            submission: the notebook's SHA-256.
            words: the page's.
        """
        number = self.number(made, submission)
        if not number or (number == 1 and not self.is_limited):
            return ""
        told = [words["attempt_of" if self.most else "attempt"].format(number, self.most)]
        if self.are_used_up(made):
            told.append(words["attempt_last"])
        elif (start := self.next_from(made)) is not None:
            told.append(words["attempt_next"].format(shown_time(start)))
        best = self.best(made)
        if self.counts == "best" and best != number:
            told.append(words["attempt_best"].format(best, f"{made[best - 1].score:g}"))
        return words["between_sentences"].join(told)

    @staticmethod
    def number(made: Sequence[Made], submission: str) -> int:
        """Return which attempt a notebook was, counted from 1; 0 where it was none."""
        numbers = [n for n, attempt in enumerate(made, 1) if attempt.submission == submission]
        return numbers[-1] if numbers else 0

    @staticmethod
    def best(made: Sequence[Made]) -> int:
        """Return the number of the attempt whose tests gave most, counted from 1."""
        return 1 + max(range(len(made)), key=lambda place: (made[place].score, -place))
