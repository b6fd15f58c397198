"""Tests of the mean and the standard deviation of weights, with exact sampling distributions.

Every test returns a p-value: the probability that correct weights look at least as unusual. A
criterion compares it with a level far below one in a billion, so a p-value is either exact or an
upper bound; an approximation that is good in the middle only would not do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from grader_kit.judging.statistics.moments import (
    chi_square_p,
    design_effect,
    deviation_bounds,
    student_p,
)

__all__ = [
    "Evidence",
    "Layer",
    "deviation_bounds",
    "deviation_evidence",
    "mean_bound",
    "mean_evidence",
]


@dataclass(frozen=True)
class Layer:
    """The weights of one linear layer.

    Attributes:
        title: such as "Linear(300, 40)".
        fan_in: n, the number of inputs of each neuron.
        weights: float64, of shape (fan_out, fan_in) unless the student changed the shape.
    """

    title: str
    fan_in: int
    weights: np.ndarray

    @property
    def fan_out(self) -> int:
        """The number of neurons, whatever shape the weights have."""
        return self.weights.size // self.fan_in

    @property
    def mean(self) -> float:
        """The sample mean."""
        return float(self.weights.mean())

    @property
    def deviation(self) -> float:
        """The sample standard deviation, around the layer's own mean."""
        return float(self.weights.std(ddof=1))

    @property
    def expected(self) -> float:
        """The deviation that the general rule asks for, 1/sqrt(n)."""
        return self.fan_in**-0.5

    @property
    def constant(self) -> bool:
        """Whether all weights are equal."""
        return bool(self.weights.min() == self.weights.max())

    def standardized(self) -> np.ndarray:
        """Return the weights less their mean, divided by their deviation (with divisor N)."""
        centred = self.weights - self.weights.mean()
        return centred / centred.std()


@dataclass(frozen=True)
class Evidence:
    """The outcome of one test: which one, on which layer ("" for all together), its p-value."""

    test: str
    title: str
    p: float


def mean_evidence(layers: Sequence[Layer]) -> list[Evidence]:
    """Test that the mean is 0, in each layer and in all together.

    For N independent normal weights, mean / (s / sqrt(N)) follows Student's t distribution with
    N - 1 degrees of freedom, s the sample deviation (Student 1908). The layer's own deviation
    serves, because a wrong deviation is another criterion's matter. Together: the sum of the
    layers' standardized weights over sqrt(sum of N).

    Args:
        layers: none of them constant.
    """
    evidence = []
    total = spread = 0.0
    count = 0
    for layer in layers:
        size, z = layer.weights.size, layer.mean / layer.deviation
        effect = design_effect(layer.standardized())
        p = student_p(z * (size / effect) ** 0.5, size - 1)
        evidence.append(Evidence("mean", layer.title, p))
        total, spread, count = total + z * size, spread + effect * size, count + size
    freedom = min(layer.weights.size for layer in layers) - 1
    evidence.append(Evidence("mean", "", student_p(total / spread**0.5, freedom)))
    return evidence


def deviation_evidence(layers: Sequence[Layer]) -> list[Evidence]:
    """Test that the deviation is 1/sqrt(n), in each layer and in all together.

    For N independent normal weights of deviation y, (N - 1) s^2 / y^2 follows the chi-square
    distribution with N - 1 degrees of freedom (Helmert 1876), and the sum over layers one with
    the sum of their degrees. The deviation is taken around the layer's own mean, because a wrong
    mean is another criterion's matter.

    Args:
        layers: none of them constant.
    """
    evidence = []
    total = spread = 0.0
    freedom = 0
    for layer in layers:
        own = layer.weights.size - 1
        squares = own * (layer.deviation / layer.expected) ** 2
        scores = layer.standardized() ** 2
        # The variance of a squared normal variable is 2; heavier tails have more.
        effect = max(design_effect(scores - scores.mean()), float(scores.var()) / 4)
        evidence.append(Evidence("deviation", layer.title, _chi_square(squares, own, effect)))
        total, spread, freedom = total + squares, spread + effect * own, freedom + own
    evidence.append(Evidence("deviation", "", _chi_square(total, freedom, spread / freedom)))
    return evidence


def mean_bound(layer: Layer, level: float) -> float:
    """Return how far the mean of correct weights lies from 0, exceeded with probability `level`."""
    size = layer.weights.size
    return float(stats.t.isf(level / 2, size - 1) * layer.deviation / size**0.5)


def _chi_square(squares: float, freedom: int, effect: float) -> float:
    shrunk = freedom + (squares - freedom) / effect**0.5
    return chi_square_p(shrunk, freedom)
