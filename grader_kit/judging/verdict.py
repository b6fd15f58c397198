"""The verdict: what a criterion makes of an observation, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["correct", "incorrect", "not attempted"]
Figures = dict[str, float | str | list]


@dataclass(frozen=True)
class Verdict:
    """Whether a submission meets one criterion, and why.

    Attributes:
        criterion: the grade id of the hidden test.
        passed: whether it gets the points.
        outcome: "correct", "incorrect", or "not attempted" where there is no work to judge.
        sentence: all that a student reads: what was found, the explanation and the hint.
        figures: the numbers behind it, by name.
        finding: what was found, without explanation and hint.
        mistake: the name of the most likely misconception of the words, or "".
        explanation: the misconception in words, or "".
        hint: what to think about, or "".
        foreign: whether the observation is not of this grading, which a person should look at.
    """

    criterion: str
    passed: bool
    outcome: Outcome
    sentence: str
    figures: Figures = field(default_factory=dict)
    finding: str = ""
    mistake: str = ""
    explanation: str = ""
    hint: str = ""
    foreign: bool = False


@dataclass(frozen=True)
class Message:
    """Something to say in any language: a key of the catalogues and the values it mentions."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A verdict before it is put into words."""

    outcome: Outcome
    messages: tuple[Message, ...]
    figures: Figures = field(default_factory=dict)


def message(key: str, /, **values: object) -> Message:
    """Return a message."""
    return Message(key, values)


def correct(*messages: Message, figures: Figures | None = None) -> Finding:
    """Return the finding that gives full points."""
    return Finding("correct", messages, figures or {})


def incorrect(*messages: Message, figures: Figures | None = None) -> Finding:
    """Return a finding on work that does not meet the criterion."""
    return Finding("incorrect", messages, figures or {})


def not_attempted(*messages: Message) -> Finding:
    """Return a finding on work that is not there."""
    return Finding("not attempted", messages)
