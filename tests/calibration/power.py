"""Measures power: how surely the judge fails weights that are a little wrong."""

from collections.abc import Callable
from math import sqrt

import numpy as np
from scipy import stats

from grader_tests.blueprint import large_sizes
from grader_tests.judge.statistics.independence import independence_evidence
from grader_tests.judge.statistics.moments import Layer, deviation_evidence, mean_evidence
from grader_tests.judge.statistics.normality import normality_evidence
from grader_tests.judge.verdicts import LEVEL
from tests.calibration.false_alarms import correct_layers

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""What makes correct weights wrong; takes them, the right deviation, and a generator."""

RATIOS = (0.98, 0.985, 0.9875, 0.99, 0.992, 0.995, 1.0, 1.005, 1.008, 1.01, 1.0125, 1.015, 1.02)
"""Ratios of the deviation to the right one."""
SHIFTS = (0.0, 0.005, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025)
"""Means, as parts of the right deviation."""
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0)
"""Shares of uniform weights, of the right deviation, among normal ones."""


def fails_deviation(ratio: float, seed: int) -> bool:
    """Tell whether weights of another deviation fail the criterion for it."""
    layers = _changed(seed, lambda weights, y, rng: ratio * weights)
    evidence = deviation_evidence(layers)
    return min(item.p for item in evidence) < LEVEL / len(evidence)


def fails_mean(shift: float, seed: int) -> bool:
    """Tell whether weights of another mean fail the criterion for it."""
    layers = _changed(seed, lambda weights, y, rng: weights + shift * y)
    evidence = mean_evidence(layers)
    return min(item.p for item in evidence) < LEVEL / len(evidence)


def fails_shape(share: float, seed: int) -> bool:
    """Tell whether a mixture of normal and uniform weights fails the criterion for the shape."""

    def mix(weights: np.ndarray, y: float, rng: np.random.Generator) -> np.ndarray:
        uniform = rng.uniform(-sqrt(3) * y, sqrt(3) * y, weights.shape)
        return np.where(rng.random(weights.shape) < share, uniform, weights)

    layers = _changed(seed, mix)
    evidence = [*normality_evidence(layers), *independence_evidence(layers)]
    return min(item.p for item in evidence) < LEVEL / len(evidence)


def _changed(seed: int, change: Change) -> list[Layer]:
    """Return correct layers after a change, rounded as weights are."""
    rng = np.random.default_rng([seed, 161803])
    return [
        Layer(
            layer.title,
            layer.fan_in,
            change(layer.weights, layer.expected, rng).astype(np.float32).astype(np.float64),
        )
        for layer in correct_layers(rng)
    ]


def deviation_power(ratio: float, seed: int = 0) -> tuple[float, float]:
    """Return the probability to fail, and that to pass, computed for the test on all layers.

    With the ratio r, the sum of squares is r^2 times a chi-square variable of N - 1 degrees of
    freedom. The other tests can only add to this power.
    """
    sizes = large_sizes(np.random.default_rng(seed))
    freedom = sum(inputs * neurons - 1 for inputs, neurons in sizes)
    level = LEVEL / (len(sizes) + 1) / 2
    low, high = stats.chi2.ppf(level, freedom), stats.chi2.isf(level, freedom)
    low, high = low / ratio**2, high / ratio**2
    fails = stats.chi2.cdf(low, freedom) + stats.chi2.sf(high, freedom)
    # The smaller of the two tails is known exactly; a difference of two numbers near 1 is not.
    passes = stats.chi2.sf(low, freedom) if low > freedom else stats.chi2.cdf(high, freedom)
    return float(fails), float(min(passes, 1 - fails) if fails < 0.5 else passes)
