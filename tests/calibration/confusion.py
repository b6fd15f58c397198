"""Grades every way of the corpus under many seeds, and counts which mistakes were named."""

import contextlib
import io
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from grader_tests.judge.verdict import Verdict
from grader_tests.probe import SEED_VARIABLE
from tests.corpus import Submission, load
from tests.corpus.grading import grade, misnamed, scored_as_expected
from tests.corpus.in_sandbox import grade_in_sandbox


@dataclass
class Outcome:
    """What became of one way over all seeds.

    Attributes:
        name: the way.
        kind: "right" or "wrong".
        seeds: how often it was graded.
        scored: how often every criterion scored as expected.
        passed: how often it passed every criterion.
        named: how often each failed criterion named an expected mistake.
        mistakes: how often a failed criterion named a mistake where another was expected.
    """

    name: str
    kind: str
    seeds: int = 0
    scored: int = 0
    passed: int = 0
    named: int = 0
    mistakes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        pairs = [[*pair, count] for pair, count in sorted(self.mistakes.items())]
        return {**asdict(self), "mistakes": pairs}


def observe_way(kind: str, name: str, seeds: Iterable[int]) -> Outcome:
    """Grade one way of the corpus under each seed."""
    submission = next(item for item in load(kind) if item.name == name)
    outcome = Outcome(name, kind)
    for seed in seeds:
        _add(outcome, submission, seed)
    return outcome


def observe_in_sandbox(kind: str, names: Sequence[str], seeds: Iterable[int]) -> list[Outcome]:
    """Grade some ways of the corpus under each seed, all in one sandbox."""
    ways = [item for item in load(kind) if item.name in names]
    outcomes = [Outcome(item.name, kind) for item in ways]
    for seed in seeds:
        verdicts = grade_in_sandbox(ways, seed)
        for outcome, item in zip(outcomes, ways, strict=True):
            _count(outcome, item, verdicts[item.name])
    return outcomes


def _add(outcome: Outcome, submission: Submission, seed: int) -> None:
    os.environ[SEED_VARIABLE] = str(seed)
    # Submissions print, and use what is deprecated.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _count(outcome, submission, grade(submission))


def _count(outcome: Outcome, submission: Submission, verdicts: Mapping[str, Verdict]) -> None:
    passed = {criterion for criterion, verdict in verdicts.items() if verdict.passed}
    outcome.seeds += 1
    outcome.scored += scored_as_expected(submission, verdicts)
    outcome.passed += len(passed) == len(verdicts)
    outcome.named += not misnamed(submission, verdicts)
    for criterion, verdict in verdicts.items():
        if not verdict.passed:
            expected = submission.mistakes.get(criterion, ("",))
            best = verdict.mistake if verdict.mistake in expected else expected[0]
            outcome.mistakes[best, verdict.mistake] += 1
