"""The criteria of dropout and the mistakes behind them, from what went in and what came out."""

from collections.abc import Callable, Sequence

import numpy as np

from grader_kit.judging.calls import Measured
from grader_kit.judging.statistics.counts import overlap_test, proportion_test
from grader_kit.judging.verdict import Finding, Message, correct, incorrect, message, not_attempted

Calls = Sequence[Measured]
Factor = Callable[[float], float]


def evaluation(calls: Calls, _: float) -> Finding:
    """Judge whether nothing happens to x in evaluation."""
    for call in calls:
        if not np.array_equal(call.x, call.y):
            share = float((call.x != call.y).mean())
            return incorrect(message("evaluation_wrong", p=call.given["p"], share=share))
    return correct(message("evaluation_correct"))


def explain_evaluation(calls: Calls, _: Finding) -> Message | None:
    """Name dropping, and scaling, where nothing should happen."""
    if any((call.y == 0).any() for call in calls):
        return message("drops_in_evaluation")
    return message("scales_in_evaluation") if _scaled(calls, lambda p: 1 - p) else None


def rate(calls: Calls, level: float) -> Finding:
    """Judge the share of zeros, p; right work fails with probability `level` at most.

    With `level` 5e-10, a share that is off by 0.05 passes a call once in 600,000 times at most.
    """
    for call in calls:
        p = call.given["p"]
        share = proportion_test(call.y == 0, p, level / len(calls))
        if not share.passed:
            bounds = {"low": share.low, "high": share.high}
            return incorrect(message("rate_wrong", p=p, share=share.value, **bounds))
    return correct(message("rate_correct", count=len(calls)))


def explain_rate(calls: Calls, _: Finding) -> Message | None:
    """Name what is dropped instead; the shares differ by several standard errors."""
    shares: dict[str, Factor] = {"keeps_p": lambda p: 1 - p, "drops_nothing": lambda p: 0.0}
    for mistake, share in shares.items():
        if all(abs((call.y == 0).mean() - share(call.given["p"])) < 0.05 for call in calls):
            return message(mistake)
    return None


def scale(calls: Calls, _: float) -> Finding:
    """Judge whether what is kept is x / (1 - p), up to float32's rounding in a few steps."""
    if finding := _without_mask(calls):
        return finding
    for call in calls:
        p, kept = call.given["p"], call.y != 0
        if not np.allclose(call.y[kept] / call.x[kept], 1 / (1 - p), rtol=1e-5):
            factor = float(np.median(call.y[kept] / call.x[kept]))
            return incorrect(message("scale_wrong", p=p, factor=factor, expected=1 / (1 - p)))
    return correct(message("scale_correct"))


def explain_scale(calls: Calls, _: Finding) -> Message | None:
    """Name the factor that was taken."""
    factors: dict[str, Factor] = {
        "no_scale": lambda p: 1.0,
        "scaled_by_p": lambda p: 1 / p,
        "scaled_down": lambda p: 1 - p,
    }
    return next((message(name) for name, factor in factors.items() if _scaled(calls, factor)), None)


def independence(calls: Calls, level: float) -> Finding:
    """Judge whether calls, examples and units are dropped independently, whatever the rate."""
    if finding := _without_mask(calls):
        return finding
    for call, again in zip(calls[::2], calls[1::2], strict=True):
        first, second, p = call.y == 0, again.y == 0, call.given["p"]
        halves = {
            "examples": (first[::2], first[1::2]),
            "units": (first[:, ::2], first[:, 1::2]),
            "calls": (first, second),
        }
        share = level / (len(halves) * len(calls) / 2)
        tests = {name: overlap_test(*pair, share) for name, pair in halves.items()}
        name, worst = min(tests.items(), key=lambda item: item[1].p)
        if not worst.passed:
            bounds = {"low": worst.low, "high": worst.high}
            return incorrect(message(f"same_{name}", p=p, share=worst.value, **bounds))
    return correct(message("independent"))


def explain_by_finding(_: Calls, finding: Finding) -> Message | None:
    """Name the mistake that a finding shows by itself."""
    key = finding.messages[0].key
    return message(key) if key.startswith(("same_", "input_", "gradient_missing")) else None


def gradient(calls: Calls, _: float) -> Finding:
    """Judge whether the input is left as it was, and its gradient is the output's factor."""
    if finding := _without_mask(calls):
        return finding
    for call in calls:
        if call.changed:
            return incorrect(message("input_changed"))
        if call.gradient is None:
            return incorrect(message("gradient_missing"))
        if not np.allclose(call.gradient, call.y / call.x, rtol=1e-4):
            return incorrect(message("gradient_wrong", p=call.given["p"]))
    return correct(message("gradient_correct"))


def _without_mask(calls: Calls) -> Finding | None:
    if all(call.y.all() for call in calls):
        return not_attempted(message("nothing_dropped"))
    return None if all(call.y.any() for call in calls) else incorrect(message("nothing_kept"))


def _scaled(calls: Calls, factor: Factor) -> bool:
    """Tell whether every entry that is not 0 is x times a factor of p."""
    return all(
        np.allclose(call.y[kept] / call.x[kept], factor(call.given["p"]), rtol=1e-5)
        for call in calls
        for kept in [call.y != 0]
    )
