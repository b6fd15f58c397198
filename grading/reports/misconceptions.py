"""Who of a class makes which mistake, with an example that names nobody."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from grading.judging.stored_verdicts import StoredVerdict
from grading.reports.participants import Participant
from grading.reports.student_code import first_function

Kind = Literal["mistake", "error", "not attempted", "no result"]
Teaching = Callable[[str], tuple[str, str]]
"""From a mistake to what a teacher calls it and a sentence to say in class; "" for neither."""


@dataclass(frozen=True)
class Misconception:
    """A cause of lost points, who has it, and an example without a name.

    Attributes:
        mistake: its name, or the type of the error that the exercise's cell stopped with.
        kind: what sort of cause it is.
        students: who has it, by id.
        criteria: the criteria that it failed, with the number of students each.
        explanation: in words, from the example.
        finding: what was found there.
        example: the example's code without comments, or "" where it is no Python.
        title: what a teacher calls it.
        in_class: one sentence to say in class, or "".
    """

    mistake: str
    kind: Kind
    students: tuple[str, ...]
    criteria: dict[str, int]
    explanation: str = ""
    finding: str = ""
    example: str = ""
    title: str = ""
    in_class: str = ""


def misconceptions(
    participants: Sequence[Participant], names: Collection[str], teaching: Teaching
) -> list[Misconception]:
    """Return what costs a class points, the most frequent first.

    Args:
        participants: the class.
        names: what names somebody of it, and must not stand in an example.
        teaching: what the assignment knows of its mistakes.
    """
    made: dict[tuple[Kind, str], list[tuple[Participant, StoredVerdict]]] = defaultdict(list)
    for participant in participants:
        for verdict in participant.verdicts.values():
            if not verdict.passed:
                made[_cause(participant, verdict)].append((participant, verdict))
    causes = [_misconception(*cause, cases, names, teaching) for cause, cases in made.items()]
    return sorted(causes, key=lambda item: (-len(item.students), item.mistake))


def _cause(participant: Participant, verdict: StoredVerdict) -> tuple[Kind, str]:
    # Who has not begun has shown no misconception, whatever name it goes by.
    if verdict.outcome == "not attempted":
        return "not attempted", ""
    if verdict.mistake:
        return "mistake", verdict.mistake
    # A cell that stopped leaves its tests nothing to observe.
    error = participant.errors.get(verdict.criterion, "")
    return ("error", error) if error else ("no result", "")


def _misconception(
    kind: Kind,
    mistake: str,
    cases: Sequence[tuple[Participant, StoredVerdict]],
    names: Collection[str],
    teaching: Teaching,
) -> Misconception:
    criteria: dict[str, int] = defaultdict(int)
    for _, verdict in cases:
        criteria[verdict.criterion] += 1
    students = tuple(sorted({participant.student for participant, _ in cases}))
    ordered = dict(sorted(criteria.items()))
    if kind != "mistake":
        return Misconception(mistake, kind, students, ordered)
    # The shortest code shows it best; equally short ones go by their text, not by who wrote it.
    codes = sorted(
        (len(code), code, verdict.finding, verdict.explanation, verdict.hint)
        for participant, verdict in cases
        for code in [first_function(participant.solutions.get(verdict.criterion, ""))]
    )
    nameless = [code for code in codes if not _mentions(" ".join(code[1:]), names)]
    _, example, finding, explanation, hint = nameless[0] if nameless else (0, "", "", "", "")
    title, in_class = teaching(mistake)
    return Misconception(
        mistake,
        kind,
        students,
        ordered,
        explanation,
        finding,
        example,
        title or mistake.replace("_", " "),
        # What leads one student on may be asked of all.
        in_class or hint,
    )


def _mentions(text: str, names: Collection[str]) -> bool:
    """Tell whether somebody of the class is named, as in a variable or a text of the example."""
    return any(
        re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE)
        for name in names
        if len(name) > 1
    )
