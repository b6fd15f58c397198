"""Who of a class makes which mistake, with an example that names nobody."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grading.judging.stored_verdicts import StoredVerdict
from grading.reports.student_code import first_function


@dataclass
class Participant:
    """One student's submission as it stands.

    Attributes:
        student: the id.
        score: the points, without the late penalty; None where nothing was graded.
        penalty: points taken off for being late.
        seconds_late: after the deadline, extensions counted.
        flagged: why a person should look at it, in sentences.
        waiting: grade ids of answers that wait for a person.
        verdicts: the verdicts, by criterion.
        points: points given by criterion or answer; None where ungraded.
        solutions: the student's own cell that each criterion is about.
        seconds: how long the run took, if the log knows.
    """

    student: str
    score: float | None
    penalty: float
    seconds_late: float
    flagged: tuple[str, ...]
    waiting: tuple[str, ...]
    verdicts: dict[str, StoredVerdict]
    points: dict[str, float | None]
    solutions: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class Misconception:
    """A mistake, who makes it, and an example without a name.

    Attributes:
        mistake: its name.
        students: how many made it.
        criteria: the criteria that it failed, with the number of students each.
        explanation: in words, from the example.
        finding: what was found there.
        example: the example's code without comments, or "" where it is no Python.
    """

    mistake: str
    students: int
    criteria: dict[str, int]
    explanation: str
    finding: str
    example: str


def misconceptions(
    participants: Sequence[Participant], names: Collection[str]
) -> list[Misconception]:
    """Return the mistakes of a class, the most frequent first.

    Args:
        participants: the class.
        names: what names somebody of it, and must not stand in an example.
    """
    made: dict[str, list[tuple[Participant, StoredVerdict]]] = defaultdict(list)
    for participant in participants:
        for verdict in participant.verdicts.values():
            if not verdict.passed and (verdict.mistake or verdict.outcome == "not attempted"):
                made[verdict.mistake or "not attempted"].append((participant, verdict))
    named = []
    for mistake, cases in made.items():
        criteria: dict[str, int] = defaultdict(int)
        for _, verdict in cases:
            criteria[verdict.criterion] += 1
        # The shortest code shows it best; equally short ones go by their text, not by who wrote it.
        codes = sorted(
            (len(code), code, verdict.finding, verdict.explanation)
            for participant, verdict in cases
            for code in [first_function(participant.solutions.get(verdict.criterion, ""))]
            if verdict.mistake
        )
        nameless = [code for code in codes if not _mentions(" ".join(code[1:]), names)]
        _, example, finding, explanation = nameless[0] if nameless else (0, "", "", "")
        students = len({participant.student for participant, _ in cases})
        ordered = dict(sorted(criteria.items()))
        named.append(Misconception(mistake, students, ordered, explanation, finding, example))
    return sorted(named, key=lambda item: (-item.students, item.mistake))


def _mentions(text: str, names: Collection[str]) -> bool:
    """Tell whether somebody of the class is named, as in a variable or a text of the example."""
    return any(
        re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE)
        for name in names
        if len(name) > 1
    )
