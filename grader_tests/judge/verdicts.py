"""Judges observations: one verdict for each hidden test, from NumPy and SciPy alone.

A correct submission fails any of the criteria with a probability below `FALSE_ALARM_RATE`. The
rate is shared out evenly: first over the criteria that look at random weights, then over the
tests within a criterion (Bonferroni). So a test rejects at a p-value below
1e-9 / 5 / (number of its criterion's tests), some 1e-11 to 1e-12.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..observation import CRITERIA, FUNCTION_CRITERIA, ObservationError
from .criteria import default_exercise
from .criteria.bias import judge_bias
from .criteria.layers import judge_layers
from .criteria.weights import judge_deviation, judge_mean, judge_shape
from .mistakes.find import find_default_mistake, find_mistake
from .origin import ForeignObservation, require_networks, require_seed
from .records import FunctionObservation, Problem, read_function, read_head
from .verdict import Finding, Message, Verdict, incorrect, message, not_attempted
from .words import explain, say, whole

__all__ = ["CRITERIA", "FALSE_ALARM_RATE", "LEVEL", "Verdict", "judge", "no_observation"]

FALSE_ALARM_RATE = 1e-9
"""Probability that a correct submission fails, over all criteria together."""

# Layers, mean, deviation, shape and the default model look at random weights; the bias is exact,
# and the comparison's bound lies far from everything a trained network reaches.
_RANDOM_CRITERIA = 5
LEVEL = FALSE_ALARM_RATE / _RANDOM_CRITERIA
"""Probability that a correct submission fails one criterion."""


@dataclass(frozen=True)
class _Judgement:
    finding: Finding
    mistake: Message | None = None
    foreign: bool = False


def judge(
    criterion: str, observation: object, language: str = "en", seed: int | None = None
) -> Verdict:
    """Return the verdict on an observation.

    Args:
        criterion: one of `CRITERIA`.
        observation: what `grader_tests.probe.probe.observe` returned, by way of a kernel that ran
            student code: nothing about it is trusted. One that is not as its format says fails.
        language: one of `words.LANGUAGES`.
        seed: the grading's; an observation under another, or of other networks than it gives,
            fails and is foreign. None where there is no grading: the seed is then any.

    Raises:
        KeyError: the criterion or the language is unknown.
    """
    look = _JUDGES[criterion]
    try:
        with np.errstate(all="ignore"):
            require_seed(criterion, observation, seed)
            judgement = look(criterion, observation)
    except ForeignObservation:
        judgement = _Judgement(incorrect(message("foreign")), foreign=True)
    except ObservationError as error:
        judgement = _Judgement(incorrect(message("malformed", reason=str(error))))
    return _in_words(criterion, judgement, language)


def no_observation(criterion: str, reason: str, language: str = "en") -> Verdict:
    """Return the verdict on a test that reported nothing.

    Args:
        criterion: one of `CRITERIA`.
        reason: a sentence that says why there is no observation.
        language: one of `words.LANGUAGES`.
    """
    finding = incorrect(message("no_observation", reason=reason))
    return _in_words(criterion, _Judgement(finding), language)


def _in_words(criterion: str, judgement: _Judgement, language: str) -> Verdict:
    finding, mistake = judgement.finding, judgement.mistake
    found = say(finding.messages, language)
    explanation, hint = explain(mistake, language) if mistake else ("", "")
    passed = finding.outcome == "correct"
    return Verdict(
        criterion=criterion,
        passed=passed,
        score=1.0 if passed else 0.0,
        outcome=finding.outcome,
        sentence=whole(found, explanation, hint, language),
        figures=finding.figures,
        finding=found,
        mistake=mistake.key if mistake else "",
        explanation=explanation,
        hint=hint,
        foreign=judgement.foreign,
    )


def _judge_function(criterion: str, observation: object) -> _Judgement:
    seen = read_function(criterion, observation)
    finding = _find(criterion, seen)
    if finding.outcome == "correct":
        return _Judgement(finding)
    rejected = finding.figures.get("rejected")
    tests = tuple(map(str, rejected)) if isinstance(rejected, list) else ()
    return _Judgement(finding, find_mistake(criterion, seen, tests))


def _find(criterion: str, seen: FunctionObservation) -> Finding:
    if not seen.callable:
        if seen.type == "NoneType":
            return not_attempted(message("no_function"))
        return incorrect(message("not_a_function", type=seen.type))
    if seen.error is not None:
        outcome = not_attempted if seen.error.type == "NotImplementedError" else incorrect
        return outcome(*_say_problem(seen.error))
    require_networks(criterion, seen)
    return _FUNCTION_JUDGES[criterion](seen)


def _say_problem(problem: Problem) -> list[Message]:
    stopped = (
        message("stopped_at", module=problem.module, error=problem.said)
        if problem.module
        else message("stopped", error=problem.said)
    )
    return [stopped, message("line", line=problem.line)] if problem.line else [stopped]


def _judge_default_model(criterion: str, observation: object) -> _Judgement:
    record = read_head(criterion, observation)
    finding = default_exercise.judge_model(record, LEVEL)
    return _Judgement(finding, find_default_mistake(finding))


def _judge_default_comparison(criterion: str, observation: object) -> _Judgement:
    finding = default_exercise.judge_comparison(read_head(criterion, observation))
    return _Judgement(finding, find_default_mistake(finding))


_FUNCTION_JUDGES: dict[str, Callable[[FunctionObservation], Finding]] = {
    "test_normal_layers": lambda seen: judge_layers(seen, LEVEL),
    "test_normal_mean": lambda seen: judge_mean(seen, LEVEL),
    "test_normal_std": lambda seen: judge_deviation(seen, LEVEL),
    "test_normal_shape": lambda seen: judge_shape(seen, LEVEL),
    "test_normal_bias": judge_bias,
}
_JUDGES: dict[str, Callable[[str, object], _Judgement]] = {
    **dict.fromkeys(FUNCTION_CRITERIA, _judge_function),
    "test_default_model": _judge_default_model,
    "test_default_comparison": _judge_default_comparison,
}
