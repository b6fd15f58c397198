"""Explains weights that do not have the mean, the deviation or the shape they should have."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

from ..figures import told_apart
from ..statistics.moments import Layer
from ..verdict import Message, message
from . import patterns
from .rules import common_value, constant_rule, fitting_rule

# Standard errors within which a mean counts as a given value.
_ERRORS = 6.0
# Relative deviations up to this much look like a slip, beyond like a factor.
_SLIGHTLY = 0.06
# Rules for the deviation that are in use for uniform distributions too.
_UNIFORM_RULES = ("xavier", "he", "fan_out")


def explain_constant(layers: Sequence[Layer], *, repeated: bool) -> Message | None:
    """Explain layers whose weights are all equal, perhaps `repeated` at another application."""
    values = [layer.mean for layer in layers if layer.constant]
    if not values:
        return None
    all_constant = len(values) == len(layers)
    different = list(dict.fromkeys(values))
    rule = constant_rule(layers) if all_constant else None
    if rule is not None and rule.formula == "1/sqrt(n)":
        return message("swapped_arguments")
    if all_constant and rule is None and not repeated and len(different) > 1:
        return message("one_draw_for_all", values=values)
    return message("constant", values=different)


def explain_mean(layers: Sequence[Layer], _: Sequence[str] = ()) -> Message:
    """Explain weights whose mean is not 0."""
    family = patterns.family(layers)
    if mistake := _explain_one_sided(layers, family):
        return mistake
    means = [layer.mean for layer in layers]
    if family == "uniform":
        lows = [float(layer.weights.min()) for layer in layers]
        highs = [float(layer.weights.max()) for layer in layers]
        return message("uniform_off_centre", lows=lows, highs=highs)
    if all(_is_mean(layer, -layer.deviation) for layer in layers) or all(
        _is_mean(layer, -layer.expected) for layer in layers
    ):
        return message("low_and_high", means=means)
    return message("mean_not_zero", means=means)


def _is_mean(layer: Layer, value: float) -> bool:
    """Tell whether a layer's mean is a value, which may be the layer's own deviation.

    The standard errors are s / sqrt(N) and s / sqrt(2N), together sqrt(1.5) s / sqrt(N).
    """
    error = sqrt(1.5) * layer.deviation / sqrt(layer.weights.size)
    return abs(layer.mean - value) <= _ERRORS * error


def _explain_one_sided(layers: Sequence[Layer], family: str) -> Message | None:
    if family == "uniform" and all(_starts_at_zero(layer) for layer in layers):
        return message("uniform_from_0", bounds=[float(layer.weights.max()) for layer in layers])
    if family == "half normal" and all(
        min(abs(layer.weights.min()), abs(layer.weights.max())) < 0.05 * layer.deviation
        for layer in layers
    ):
        positive = layers[0].mean > 0
        return message("absolute_value", share=0.0 if positive else 1.0)
    return None


def _starts_at_zero(layer: Layer) -> bool:
    """Tell whether the lowest of N values from 0 to b lies below 20 b/N, as all but e^-20 do."""
    low, high = float(layer.weights.min()), float(layer.weights.max())
    return 0 <= low < 20 * high / layer.weights.size


def explain_deviation(layers: Sequence[Layer], _: Sequence[str] = ()) -> Message:
    """Explain weights whose deviation is not 1/sqrt(n)."""
    family = patterns.family(layers)
    rule = fitting_rule(layers)
    deviations = [layer.deviation for layer in layers]
    if mistake := _explain_one_sided(layers, family):
        return mistake
    if family == "uniform" and not (rule is not None and rule.mistake in _UNIFORM_RULES):
        return _explain_uniform(layers)
    if family in ("truncated", "clamped"):
        return _explain_cut(layers)
    if rule is not None:
        return message(rule.mistake, deviations=deviations, rule=rule.formula)
    value = common_value(deviations, layers)
    if value is not None:
        return message("fixed_deviation", value=value, inputs=value**-2)
    ratios = _in_units_of_y(deviations, layers)
    ratio = common_value(ratios, layers)
    if ratio is None:
        return _explain_difference(layers) or message("other_deviation", ratios=ratios)
    if abs(ratio - 1) < _SLIGHTLY:
        return message("deviation_slightly_off", ratio=told_apart(ratio, 1.0)[0])
    return message("multiple_of_y", ratio=ratio)


def _explain_difference(layers: Sequence[Layer]) -> Message | None:
    """Explain deviations that all differ from the right one by the same number.

    The error of each is that of a deviation, s / sqrt(2N), and the mean of the differences is
    weighted with its inverse square.
    """
    differences = np.array([layer.deviation - layer.expected for layer in layers])
    errors = np.array([layer.deviation / sqrt(2 * layer.weights.size) for layer in layers])
    difference = float(np.average(differences, weights=errors**-2))
    if np.any(np.abs(differences - difference) > _ERRORS * errors):
        return None
    return message("added_to_deviation", difference=difference)


def _explain_uniform(layers: Sequence[Layer]) -> Message:
    bounds = [float(np.abs(layer.weights).max()) for layer in layers]
    factor = common_value(_in_units_of_y(bounds, layers), layers)
    # The largest of N values comes within a share of 20/N of the bound, in all but e^-20 of cases.
    if factor is not None and abs(factor - 1) < 0.005:
        return message("uniform_rule")
    if factor is not None and abs(factor / sqrt(3) - 1) < 0.005:
        return message("uniform_right_deviation")
    return message("uniform", bounds=bounds)


def _explain_cut(layers: Sequence[Layer]) -> Message:
    bounds = [float(np.abs(layer.weights).max()) for layer in layers]
    factors = _in_units_of_y(bounds, layers)
    if max(factors) < 1.05 * min(factors):
        return message("truncated", bounds=f"{float(np.mean(factors)):.3g} y")
    return message("truncated", bounds=bounds)


def _in_units_of_y(values: Sequence[float], layers: Sequence[Layer]) -> list[float]:
    return [value / layer.expected for value, layer in zip(values, layers, strict=True)]


def explain_shape(layers: Sequence[Layer], rejected: Sequence[str]) -> Message:
    """Explain weights that are no independent draws from a normal distribution."""
    pattern = patterns.dependence(layers)
    if pattern in _DEPENDENCE:
        return message(_DEPENDENCE[pattern])
    family = patterns.family(layers)
    if family in ("truncated", "clamped"):
        return _explain_cut(layers)
    if patterns.rounded(layers):
        count = sum(layer.weights.size for layer in layers)
        distinct = sum(np.unique(layer.weights).size for layer in layers)
        return message("rounded", distinct=distinct, count=count)
    if pattern == "copies":
        return message("copies")
    if mistake := _explain_one_sided(layers, family):
        return mistake
    if family == "uniform":
        return _explain_uniform(layers)
    return _explain_by_tests(layers, rejected)


_DEPENDENCE = {"rows": "one_row_for_all", "columns": "one_column_for_all", "sorted": "sorted"}
_ON_FORM = ("distribution", "beyond", "flatness")


def _explain_by_tests(layers: Sequence[Layer], rejected: Sequence[str]) -> Message:
    """Explain by the tests that failed, where no pattern is known."""
    if rejected and rejected[0].startswith("length"):
        return message("same_length")
    if not any(test.startswith(_ON_FORM) for test in rejected):
        return message("shared_between_layers" if patterns.shared(layers) else "dependent")
    values = patterns.standardized(layers)
    # Of normal weights 0.0455 lie beyond two deviations, and the kurtosis is 3.
    beyond, kurtosis = np.mean(np.abs(values) > 2), stats.kurtosis(values, fisher=False)
    share, normal = told_apart(100 * float(beyond), 4.550)
    peak, normal_peak = told_apart(float(kurtosis), 3.0)
    return message(
        "not_normal", beyond=share, normal=normal, kurtosis=peak, normal_kurtosis=normal_peak
    )
