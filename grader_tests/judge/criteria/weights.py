"""Judges the weights themselves: their mean, their deviation, the shape of their distribution."""

from collections.abc import Callable, Sequence

import numpy as np

from ..figures import told_apart
from ..records import FunctionObservation
from ..statistics.independence import independence_evidence
from ..statistics.moments import (
    Evidence,
    Layer,
    deviation_bounds,
    deviation_evidence,
    mean_bound,
    mean_evidence,
)
from ..statistics.normality import normality_evidence
from ..verdict import Figures, Finding, Message, correct, incorrect, message, not_attempted


def read_layers(seen: FunctionObservation) -> list[Layer] | Finding:
    """Return the linear layers with new weights, or the finding if they cannot be judged."""
    layers = []
    for module, weight in seen.parameters("weight"):
        if not weight.changed:
            continue
        if weight.values is None or weight.values.size != weight.count:
            found = weight.kind if weight.values is None else str(weight.values.shape)
            shapes = {"expected": weight.shape_before, "found": found}
            return incorrect(message("weights_missing", layer=module.title, **shapes))
        values = weight.values.astype(np.float64)
        if not np.isfinite(values).all():
            count = int(values.size - np.isfinite(values).sum())
            return incorrect(message("weights_not_finite", layer=module.title, count=count))
        layers.append(Layer(module.title, module.fan_in, values))
    if layers:
        return layers
    if any(module.state in ("replaced", "removed") for module in seen.linear):
        return incorrect(message("weights_replaced"))
    return not_attempted(message("no_new_weights"))


def judge_mean(seen: FunctionObservation, level: float) -> Finding:
    """Judge whether the mean of the weights is 0; a correct one fails with probability `level`."""

    def say(layers: Sequence[Layer], rejected: Sequence[Evidence], level: float) -> list[Message]:
        if not rejected:
            return [message("mean_correct", count=len(layers))]
        worst = max(layers, key=lambda layer: abs(layer.mean) / layer.deviation)
        bound = mean_bound(worst, level)
        # Without its sign the mean is what is held against the bound.
        size, bounded = told_apart(abs(worst.mean), bound)
        mean = f"-{size}" if worst.mean < 0 else size
        return [message("mean_wrong", layer=worst.title, mean=mean, bound=bounded)]

    return _judge(seen, level, mean_evidence, say)


def judge_deviation(seen: FunctionObservation, level: float) -> Finding:
    """Judge whether the deviation is 1/sqrt(n); a correct one fails with probability `level`."""

    def say(layers: Sequence[Layer], rejected: Sequence[Evidence], level: float) -> list[Message]:
        if not rejected:
            example = max(layers, key=lambda layer: layer.weights.size)
            return [message("deviation_correct", count=len(layers), **_deviations(example))]
        worst = max(layers, key=lambda layer: abs(np.log(layer.deviation / layer.expected)))
        bounds = deviation_bounds(worst.weights.size, level)
        return [message("deviation_wrong", **_deviations(worst, *bounds))]

    return _judge(seen, level, deviation_evidence, say)


def _deviations(layer: Layer, *bounds: float) -> dict[str, str]:
    """Return a layer's deviation, the right one, and bounds given as multiples of that."""
    names = ("deviation", "expected", "low", "high")
    values = (layer.deviation, layer.expected, *(bound * layer.expected for bound in bounds))
    told = told_apart(*values)
    return {"layer": layer.title, **dict(zip(names, told, strict=False))}


def judge_shape(seen: FunctionObservation, level: float) -> Finding:
    """Judge whether the weights are independent draws from a normal distribution.

    Independent draws fail with probability `level` at most.
    """

    def tests(layers: Sequence[Layer]) -> list[Evidence]:
        return [*normality_evidence(layers), *_independence(layers, seen)]

    def say(_: Sequence[Layer], rejected: Sequence[Evidence], level: float) -> list[Message]:
        if not rejected:
            return [message("shape_correct_within" if _repeats(seen) else "shape_correct")]
        first = rejected[0]
        symptom = first.test.split()[0]
        where = message("in_layer", layer=first.title) if first.title else message("in_all_layers")
        return [message("shape_wrong"), message(symptom), where]

    return _judge(seen, level, tests, say)


def _judge(
    seen: FunctionObservation,
    level: float,
    tests: Callable[[Sequence[Layer]], list[Evidence]],
    say: Callable[[Sequence[Layer], Sequence[Evidence], float], list[Message]],
) -> Finding:
    """Judge weights by tests that share the level.

    Args:
        seen: what the probe saw.
        level: probability that correct weights fail.
        tests: takes layers with new weights, none of them constant.
        say: takes these layers, the tests that reject, the clearest first, and the level of one
            test; says what is found.
    """
    layers = read_layers(seen)
    if isinstance(layers, Finding):
        return layers
    figures: Figures = {"layers": [_figures(layer) for layer in layers]}
    for layer in layers:
        if layer.constant:
            equal = message("weights_equal", layer=layer.title, value=layer.mean)
            return incorrect(equal, figures=figures)
    evidence = sorted(tests(layers), key=lambda item: item.p)
    share = level / len(evidence)
    rejected = [item for item in evidence if item.p < share]
    figures |= {"p": min(1.0, len(evidence) * evidence[0].p), "level": level}
    said = say(layers, rejected, share)
    if not rejected:
        return correct(*said, figures=figures)
    return incorrect(*said, figures={**figures, "rejected": [item.test for item in rejected]})


def _figures(layer: Layer) -> dict[str, float | str]:
    return {
        "layer": layer.title,
        "fan_in": layer.fan_in,
        "weights": layer.weights.size,
        "mean": layer.mean,
        "deviation": layer.deviation,
        "expected_deviation": layer.expected,
    }


def _independence(layers: Sequence[Layer], seen: FunctionObservation) -> list[Evidence]:
    weights = [weight for _, weight in seen.parameters("weight")]
    coarse = any("16" in dtype for weight in weights for dtype in weight.dtype[1:])
    # Weights that come out the same at every application share their draws between layers too.
    # That is one mistake, and "layers" takes its points. Half precision repeats values by itself,
    # and "layers" takes the points for the type.
    evidence = independence_evidence(layers, across=not _repeats(seen))
    return [item for item in evidence if not (coarse and item.test == "repeated values")]


def _repeats(seen: FunctionObservation) -> bool:
    """Tell whether the function writes the same weights at every application."""
    weights = [weight for _, weight in seen.parameters("weight") if weight.changed]
    return all(weight.repeated == weight.count for weight in weights)
