"""Recognizes rules for the standard deviation, in weights that do not follow the right one.

Nothing here decides on points. A rule is named where it gives the deviations of all layers within
their sampling error. The probe's layers are such that no two rules agree on all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ..statistics.moments import Layer

# Standard errors by which a deviation may be off a rule's: over six layers, a rule that holds is
# missed in fewer than one of 100,000 cases.
_ERRORS = 5.0


@dataclass(frozen=True)
class Rule:
    """A rule for the deviation: the mistake it stands for, its formula, and its value.

    `value` takes the numbers of inputs n and of neurons m.
    """

    mistake: str
    formula: str
    value: Callable[[int, int], float]

    def of(self, layer: Layer) -> float:
        """Return the deviation that the rule gives a layer."""
        return self.value(layer.fan_in, layer.fan_out)


RULES = (
    Rule("variance_for_deviation", "1/n", lambda n, m: 1 / n),
    Rule("fan_out", "1/sqrt(m)", lambda n, m: m**-0.5),
    Rule("no_scaling", "1", lambda n, m: 1.0),
    Rule("he", "sqrt(2/n)", lambda n, m: (2 / n) ** 0.5),
    Rule("xavier", "sqrt(2/(n + m))", lambda n, m: (2 / (n + m)) ** 0.5),
    Rule("xavier", "2/sqrt(n + m)", lambda n, m: 2 * (n + m) ** -0.5),
    Rule("both_sizes", "1/sqrt(n + m)", lambda n, m: (n + m) ** -0.5),
    Rule("inverted", "sqrt(n)", lambda n, m: n**0.5),
    Rule("inverted", "n", lambda n, m: float(n)),
    Rule("root_twice", "1/sqrt(sqrt(n))", lambda n, m: n**-0.25),
    Rule("both_sizes", "1/sqrt(n * m)", lambda n, m: (n * m) ** -0.5),
    Rule("fan_out", "1/m", lambda n, m: 1 / m),
    Rule("fan_out", "sqrt(2/m)", lambda n, m: (2 / m) ** 0.5),
    Rule("both_sizes", "1/sqrt(max(n, m))", lambda n, m: max(n, m) ** -0.5),
    Rule("both_sizes", "1/sqrt(min(n, m))", lambda n, m: min(n, m) ** -0.5),
    Rule("n_slightly_off", "1/sqrt(n + 1)", lambda n, m: (n + 1) ** -0.5),
    Rule("n_slightly_off", "1/sqrt(n - 1)", lambda n, m: (n - 1) ** -0.5),
    Rule("inverted", "sqrt(m)", lambda n, m: m**0.5),
    Rule("inverted", "m", lambda n, m: float(m)),
    Rule("both_sizes", "1/(n + m)", lambda n, m: 1 / (n + m)),
    Rule("both_sizes", "1/(n * m)", lambda n, m: 1 / (n * m)),
    Rule("other_power", "n**-1.5", lambda n, m: n**-1.5),
    Rule("other_power", "n**-2", lambda n, m: n**-2.0),
    Rule("other_power", "sqrt(2)/n", lambda n, m: sqrt(2) / n),
    # What n ** 1/2 and n ** -1/2 compute: the power comes before the fraction.
    Rule("half_for_root", "1/(2 n)", lambda n, m: 1 / (2 * n)),
    Rule("half_for_root", "2/n", lambda n, m: 2 / n),
    Rule("half_for_root", "n/2", lambda n, m: n / 2),
)
"""Rules that a student may have followed; of two that fit, the first is named."""


def fitting_rule(layers: Sequence[Layer]) -> Rule | None:
    """Return the first rule that gives the deviations of all layers within sampling error."""
    for rule in RULES:
        if all(abs(layer.deviation / rule.of(layer) - 1) <= _error(layer) for layer in layers):
            return rule
    return None


def constant_rule(layers: Sequence[Layer]) -> Rule | None:
    """Return the rule that gives the one value which all weights of a layer have."""
    for rule in (Rule("", "1/sqrt(n)", lambda n, m: n**-0.5), *RULES):
        # The values are float32, which rounds by 6e-8.
        if all(abs(abs(layer.mean) / rule.of(layer) - 1) < 1e-5 for layer in layers):
            return rule
    return None


def common_value(values: Sequence[float], layers: Sequence[Layer]) -> float | None:
    """Return what the layers' `values`, of the relative error of a deviation, have in common."""
    precisions = [layer.weights.size for layer in layers]
    mean = float(np.average(values, weights=precisions))
    fits = all(
        abs(value / mean - 1) <= _error(layer) for value, layer in zip(values, layers, strict=True)
    )
    return mean if fits else None


def _error(layer: Layer) -> float:
    """Return how far, relatively, a deviation may be off: SE(s) / s = 1 / sqrt(2N)."""
    return _ERRORS / sqrt(2 * layer.weights.size)
