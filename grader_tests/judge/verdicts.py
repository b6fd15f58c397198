"""Judges observations: one verdict for each hidden test, from NumPy and SciPy alone.

A correct submission fails any of the criteria with a probability below `FALSE_ALARM_RATE`. The
rate is shared out evenly: first over the criteria in which chance plays, then over the tests within
a criterion (Bonferroni). So with five of them a test rejects at a p-value below
1e-9 / 5 / (number of its criterion's tests), some 1e-11 to 1e-12.
"""

from dataclasses import replace

import msgspec
import numpy as np

from ..observation import CRITERIA, OBSERVED, ObservationError
from .criteria.layers import partly_untouched
from .default_records import DefaultObservation
from .mistakes.find import find_mistake
from .origin import ForeignObservation, require_networks, require_seed
from .records import FunctionObservation, read
from .table import TABLE
from .verdict import Finding, Message, Verdict, incorrect, message, not_attempted
from .words import explain, say, whole

__all__ = ["CRITERIA", "FALSE_ALARM_RATE", "LEVEL", "Verdict", "judge", "no_observation"]

FALSE_ALARM_RATE = 1e-9
"""Probability that a correct submission fails, over all criteria together."""

_NOT_BEGUN = ("blank", "nothing_computed", "not_implemented", "none_for_a_function")
# The mistakes of who wrote nothing of their own; whoever did has tried.

LEVEL = FALSE_ALARM_RATE / sum(criterion.chance for criterion in TABLE.values())
"""Probability that a correct submission fails one criterion."""


def judge(
    criterion: str, observation: object, language: str = "en", seed: int | None = None
) -> Verdict:
    """Return the verdict on an observation.

    Args:
        criterion: one of `CRITERIA`.
        observation: what `grader_tests.probe.observe` returned, by way of a kernel that ran
            student code: nothing about it is trusted. One that is not as its format says fails.
        language: one of `words.LANGUAGES`.
        seed: the grading's; an observation under another, or of other networks than it gives,
            fails and is foreign. None where there is no grading: the seed is then any.

    Raises:
        KeyError: the criterion or the language is unknown.
    """
    judge_it = _judge_function if OBSERVED[criterion].subject == "function" else _judge_default
    mistake, foreign = None, False
    try:
        with np.errstate(all="ignore"):
            require_seed(criterion, observation, seed)
            finding, mistake = judge_it(criterion, observation)
    except ForeignObservation:
        finding, foreign = incorrect(message("foreign")), True
    except ObservationError as error:
        finding = incorrect(message("malformed", reason=str(error)))
    return _in_words(criterion, finding, mistake, language, foreign=foreign)


def no_observation(criterion: str, reason: str, language: str = "en") -> Verdict:
    """Return the verdict on a test that reported nothing; `reason` is a sentence that says why."""
    finding = incorrect(message("no_observation", reason=reason))
    return _in_words(criterion, finding, None, language)


def _in_words(
    criterion: str,
    finding: Finding,
    mistake: Message | None,
    language: str,
    *,
    foreign: bool = False,
) -> Verdict:
    said = say(finding.messages, language)
    explanation, hint = explain(mistake, language) if mistake else ("", "")
    return Verdict(
        criterion=criterion,
        passed=finding.outcome == "correct",
        outcome=finding.outcome,
        sentence=whole(said, explanation, hint, language),
        figures=finding.figures,
        finding=said,
        mistake=mistake.key if mistake else "",
        explanation=explanation,
        hint=hint,
        foreign=foreign,
    )


def _judge_function(criterion: str, observation: object) -> tuple[Finding, Message | None]:
    entry = TABLE[criterion]
    seen = read(criterion, observation, FunctionObservation)
    finding = _not_run(seen)
    if finding is None:
        require_networks(seen)
        finding = entry.judge(seen, LEVEL)
    elif seen.error and seen.modules and OBSERVED[criterion].networks == "large":
        require_networks(seen)
        finding = _on_layers(seen, finding)
    if finding.outcome == "correct":
        return finding, None
    mistake = find_mistake(seen, finding, OBSERVED[criterion].values, entry.explain)
    begun = mistake and (mistake.key not in _NOT_BEGUN or seen.function.calculates)
    if finding.outcome == "not attempted" and begun:
        finding = replace(finding, outcome="incorrect")
    return finding, mistake


def _on_layers(seen: FunctionObservation, stopped: Finding) -> Finding:
    """Return what holds of a function that stopped, where linear layers alone are looked at.

    One slip shall not cost what is right beside it. A layer counts only where all its weights
    were drawn anew: for one that was left, wholly or in part, nothing is given.
    """
    criterion = seen.criterion
    if OBSERVED[criterion].values == "weight":
        left = {layer.name for layer, _ in partly_untouched(seen, LEVEL)}
        seen = msgspec.structs.replace(
            seen, modules=tuple(module for module in seen.modules if module.name not in left)
        )
    finding = TABLE[criterion].judge(seen, LEVEL)
    if finding.outcome == "not attempted":
        return stopped
    return replace(finding, messages=(*finding.messages, message("layers_alone")))


def _not_run(seen: FunctionObservation) -> Finding | None:
    """Return what is to be said of a function that could not be applied to the end."""
    if not seen.function.callable:
        if seen.function.type == "NoneType":
            return not_attempted(message("no_function"))
        return incorrect(message("not_a_function", type=seen.function.type))
    error = seen.stopped
    if error is None:
        return None
    outcome = not_attempted if error.type == "NotImplementedError" else incorrect
    key = "stopped_at" if error.module else "stopped"
    stopped = message(key, module=error.module, error=error.said)
    line = [message("line", line=error.line)] if error.line else []
    return outcome(stopped, *line)


def _judge_default(criterion: str, observation: object) -> tuple[Finding, Message | None]:
    entry = TABLE[criterion]
    seen = read(criterion, observation, DefaultObservation)
    finding = entry.judge(seen, LEVEL)
    return finding, entry.explain(seen, finding)
