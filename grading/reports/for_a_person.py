"""What of a class needs a person, the same reason once with everybody whom it concerns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from grading.reports.participants import Participant
from grading.words import say


@dataclass(frozen=True)
class Concern:
    """A reason to look at submissions, in words, and whose they are, each with a detail or ""."""

    reason: str
    whom: tuple[tuple[Participant, str], ...]


def concerns(
    participants: Sequence[Participant], titles: dict[str, str], language: str
) -> list[Concern]:
    """Return the reasons, what holds up a grade first.

    Args:
        participants: the class.
        titles: what a person calls each part, in the notebook's order.
        language: of what is said.
    """
    by_reason: dict[tuple[int, str], list[tuple[Participant, str]]] = defaultdict(list)
    for item in participants:
        if item.score is None:
            by_reason[0, say(language, "report.not_graded")].append((item, ""))
        for reason in dict.fromkeys(item.flagged):
            by_reason[1, say(language, "report.flagged", reason=reason)].append((item, ""))
        for name in titles:
            if name in item.waiting and item.score is not None:
                told = say(language, "report.waiting", title=titles[name])
                by_reason[2, told].append((item, ""))
        if item.seconds_late > 0:
            by_reason[3, say(language, "report.late")].append((item, _lateness(item, language)))
    ordered = sorted(by_reason.items(), key=lambda entry: entry[0][0])
    return [Concern(reason, tuple(whom)) for (_, reason), whom in ordered]


def reasons_of(participant: Participant, titles: dict[str, str], language: str) -> list[str]:
    """Return all reasons to look at one submission."""
    return [
        " ".join(filter(None, (concern.reason, detail)))
        for concern in concerns([participant], titles, language)
        for _, detail in concern.whom
    ]


def _lateness(item: Participant, language: str) -> str:
    late = _duration(item.seconds_late, language)
    if not item.penalty:
        return late
    return say(language, "report.with_penalty", late=late, penalty=item.penalty)


def _duration(seconds: float, language: str) -> str:
    for key, length in (("days", 86400), ("hours", 3600)):
        if seconds >= length:
            return say(language, f"report.{key}", count=seconds / length)
    return say(language, "report.minutes", count=max(1, round(seconds / 60)))
