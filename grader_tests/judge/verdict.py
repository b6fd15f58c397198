"""The verdict, the same for every assignment, and how a criterion's judge makes one."""

from grader_kit.judging.verdict import (
    Figures,
    Finding,
    Message,
    Outcome,
    Verdict,
    correct,
    incorrect,
    message,
    not_attempted,
)

__all__ = [
    "Figures",
    "Finding",
    "Message",
    "Outcome",
    "Verdict",
    "correct",
    "incorrect",
    "message",
    "not_attempted",
]
