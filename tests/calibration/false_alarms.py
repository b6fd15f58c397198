"""Measures false alarms: correct weights, judged as the judge judges them, many times.

To be cheap, the weights are drawn with NumPy in the sizes that the probe draws; what comes after,
the judge's own functions, is not shortened. For each grading the p-value of every criterion is
kept, so that its rate of false alarms can be compared with the predicted one at levels where there
is something to count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from grader_tests.blueprint import large_sizes
from grader_tests.judge.criteria.default_exercise import uniform_p
from grader_tests.judge.criteria.layers import COINCIDENCE
from grader_tests.judge.statistics.independence import independence_evidence
from grader_tests.judge.statistics.moments import Evidence, Layer, deviation_evidence, mean_evidence
from grader_tests.judge.statistics.normality import normality_evidence

LEVELS = (0.1, 0.01, 0.001)
"""Levels at which 20,000 gradings can tell a rate."""

# The lesson's network: inputs and neurons of each layer.
_LESSON = ((784, 256), (256, 128), (128, 10))
# Of a confidence interval for a measured rate.
_CONFIDENCE = 0.999


@dataclass(frozen=True)
class Rate:
    """How often a test rejected correct weights at a level.

    `low` and `high` bound the predicted rate; where a p-value is an upper bound, `low` is 0.
    """

    test: str
    level: float
    low: float
    high: float
    rejected: int
    gradings: int

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of Clopper and Pearson (1934) for the true rate, at 99.9 %."""
        tail, hits, total = (1 - _CONFIDENCE) / 2, self.rejected, self.gradings
        low = stats.beta.ppf(tail, hits, total - hits + 1) if hits else 0.0
        high = stats.beta.isf(tail, hits + 1, total - hits) if hits < total else 1.0
        return float(low), float(high)

    @property
    def agrees(self) -> bool:
        """Whether the interval and the predicted rate have a point in common."""
        low, high = self.interval
        return low <= self.high and high >= self.low


def correct_layers(rng: np.random.Generator) -> list[Layer]:
    """Return layers as the probe's large network has them, with correct weights."""
    layers = []
    for inputs, neurons in large_sizes(rng):
        weights = rng.standard_normal((neurons, inputs), dtype=np.float32) / np.float32(
            sqrt(inputs)
        )
        layers.append(Layer(f"Linear({inputs}, {neurons})", inputs, weights.astype(np.float64)))
    return layers


def one_grading(seed: int) -> dict[str, float]:
    """Return the p-values of one correct grading, by test.

    Those of criteria are corrected for the number of their tests, as the judge does. The others
    are single tests whose p-values are exact.
    """
    rng = np.random.default_rng([seed, 314159])
    layers = correct_layers(rng)
    mean, deviation = mean_evidence(layers), deviation_evidence(layers)
    dependence = independence_evidence(layers)
    return {
        "mean": _corrected(mean),
        "mean, all layers": mean[-1].p,
        "mean, one layer": mean[0].p,
        "deviation": _corrected(deviation),
        "deviation, all layers": deviation[-1].p,
        "deviation, one layer": deviation[0].p,
        "shape": _corrected([*normality_evidence(layers), *dependence]),
        "rows of one layer": next(item.p for item in dependence if item.test == "mean of rows"),
        "default model": _default_model(rng),
    }


def _corrected(evidence: Sequence[Evidence]) -> float:
    return min(1.0, len(evidence) * min(item.p for item in evidence))


def _default_model(rng: np.random.Generator) -> float:
    smallest = 1.0
    for inputs, neurons in _LESSON:
        bound = inputs**-0.5
        for count in (inputs * neurons, neurons):
            drawn = rng.uniform(-bound, bound, count).astype(np.float32).astype(np.float64)
            smallest = min(smallest, uniform_p(drawn, bound))
    return min(1.0, 2 * len(_LESSON) * smallest)


def predicted(test: str, level: float) -> tuple[float, float]:
    """Return bounds of the rate at which a test rejects correct weights.

    A single test with an exact p-value rejects at the level itself. The mean and the deviation
    are seven tests at a seventh of the level: six of them on independent layers, the seventh on
    all together. Two tests are lenient where rows or columns seem to depend, which with five to
    seven columns also happens by chance; that lowers a rate by a tenth at most. All other
    p-values are upper bounds.
    """
    if test == "rows of one layer":
        return level, level
    if "," in test:
        return 0.9 * level, level
    if test in ("mean", "deviation"):
        return 0.9 * (1 - (1 - level / 7) ** 6), level
    return 0.0, level


def rates(p_values: dict[str, list[float]]) -> list[Rate]:
    """Return the rates of all tests at all levels."""
    return [
        Rate(
            test,
            level,
            *predicted(test, level),
            rejected=int(np.count_nonzero(np.array(values) < level)),
            gradings=len(values),
        )
        for test, values in p_values.items()
        for level in LEVELS
    ]


def count_coincidences(gradings: int) -> tuple[int, int]:
    """Count drawn float32 values that equal another one by chance, of 20,000 pairs a grading.

    Returns:
        The coincidences, and the pairs that were compared.
    """
    rng = np.random.default_rng(271828)
    found = 0
    for _ in range(gradings):
        first, second = (rng.standard_normal(20_000, dtype=np.float32) for _ in range(2))
        found += int(np.count_nonzero(first == second))
    return found, 20_000 * gradings


def coincidence_rate(found: int, pairs: int) -> Rate:
    """Return the rate of coincidences; the judge assumes `COINCIDENCE` at most."""
    return Rate(
        "layers: a drawn weight equals another", COINCIDENCE, 0.0, COINCIDENCE, found, pairs
    )
