"""How far two graders agree on the answers that both have marked."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from grading.desk.answers import Answer
from grading.desk.journal import Entry


@dataclass(frozen=True)
class Agreement:
    """Of one question and two graders.

    Attributes:
        question: its title.
        graders: their names.
        count: how many answers both have marked.
        equal: on how many of them both gave the same points.
        kappa: Cohen's, or None where chance alone makes them agree.
        differing: the answers on which they differ.
    """

    question: str
    graders: tuple[str, str]
    count: int
    equal: int
    kappa: float | None
    differing: tuple[str, ...]


def is_shared(answer: str, share: float) -> bool:
    """Tell whether an answer is shown to every grader: by its id, the same for all of them."""
    return int.from_bytes(hashlib.sha256(answer.encode()).digest()[:8], "big") < share * 2**64


def cohens_kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Cohen's kappa, (p_o - p_e) / (1 - p_e); None where p_e is 1 or there is no pair.

    p_o is the share of equal pairs; p_e is the share that would be equal if each grader gave the
    same points as often, but to answers by chance.
    """
    if not pairs:
        return None
    number = len(pairs)
    observed = sum(one == other for one, other in pairs) / number
    firsts, seconds = (Counter(side) for side in zip(*pairs, strict=True))
    by_chance = sum(firsts[points] * seconds[points] for points in firsts) / number**2
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def agreements(
    answers: Iterable[Answer], marks: Mapping[str, Mapping[str, Entry]]
) -> list[Agreement]:
    """Return how far each two graders agree, question by question, where they share answers."""
    both: dict[tuple[str, tuple[str, str]], list[tuple[str, float, float]]] = {}
    for answer in answers:
        given = marks.get(answer.id, {})
        for one, other in combinations(sorted(given), 2):
            points = sum(given[one].points), sum(given[other].points)
            both.setdefault((answer.question.title, (one, other)), []).append((answer.id, *points))
    return [
        Agreement(
            question,
            graders,
            len(marked),
            sum(one == other for _, one, other in marked),
            cohens_kappa([(one, other) for _, one, other in marked]),
            tuple(answer for answer, one, other in marked if one != other),
        )
        for (question, graders), marked in both.items()
    ]
