"""The verdict: what a criterion makes of an observation."""

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["correct", "incorrect", "not attempted"]


@dataclass(frozen=True)
class Verdict:
    """Whether a submission meets one criterion, and why.

    Attributes:
        criterion: the grade id of the hidden test.
        passed: whether it gets the points.
        score: fraction of the points, from 0 to 1.
        outcome: "correct", "incorrect", or "not attempted" where there is no work to judge.
        sentence: what a student reads.
        figures: the numbers behind it, by name.
    """

    criterion: str
    passed: bool
    score: float
    outcome: Outcome
    sentence: str
    figures: dict[str, float | str | list] = field(default_factory=dict)


Figures = dict[str, float | str | list]


def correct(criterion: str, sentence: str, figures: Figures | None = None) -> Verdict:
    """Return a verdict that gives full points."""
    return Verdict(criterion, True, 1.0, "correct", sentence, figures or {})


def incorrect(criterion: str, sentence: str, figures: Figures | None = None) -> Verdict:
    """Return a verdict on work that does not meet the criterion."""
    return Verdict(criterion, False, 0.0, "incorrect", sentence, figures or {})


def not_attempted(criterion: str, sentence: str, figures: Figures | None = None) -> Verdict:
    """Return a verdict on work that is not there."""
    return Verdict(criterion, False, 0.0, "not attempted", sentence, figures or {})
