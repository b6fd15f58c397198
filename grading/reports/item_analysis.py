"""Item analysis by classical test theory: how hard a part is, and whom it tells apart."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from grading.reports.participants import Participant

_FEWEST = 3
"""A correlation of two pairs is always 1 or -1."""


@dataclass(frozen=True)
class Item:
    """What a class's points say of one part.

    Attributes:
        full: how many have all its points.
        graded: how many were graded on it.
        difficulty: the mean share of its points, from 0 (nobody has any) to 1 (everybody has all);
            None where nobody was graded.
        discrimination: the correlation of its points with those of all other parts together, the
            corrected item-total correlation; None where either is the same for everybody.
    """

    full: int
    graded: int
    difficulty: float | None
    discrimination: float | None


def analyse(participants: Sequence[Participant], name: str, maximum: float) -> Item:
    """Return the analysis of the part `name`, which has `maximum` points."""
    graded = [
        (points, sum(other or 0.0 for part, other in item.points.items() if part != name))
        for item in participants
        if (points := item.points.get(name)) is not None
    ]
    own = [points for points, _ in graded]
    difficulty = fmean(own) / maximum if own and maximum else None
    discrimination = None
    if len(graded) >= _FEWEST:
        with suppress(StatisticsError):
            discrimination = correlation(own, [rest for _, rest in graded])
    return Item(sum(points >= maximum for points in own), len(own), difficulty, discrimination)
