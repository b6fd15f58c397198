"""Judges the weights themselves: their mean, their deviation, the shape of their distribution."""

from collections.abc import Sequence

import numpy as np

from ..records import FunctionObservation, Module
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
from ..verdict import Figures, Finding, correct, incorrect, message, not_attempted


def read_layers(seen: FunctionObservation) -> list[Layer] | Finding:
    """Return the linear layers with new weights, or the finding if they cannot be judged."""
    layers = []
    for module in seen.linear:
        weight = module.parameters.get("weight")
        if weight is None or not weight.changed:
            continue
        if weight.values is None or weight.values.size != weight.count:
            found = weight.kind if weight.values is None else str(weight.values.shape)
            return incorrect(
                message(
                    "weights_missing",
                    layer=module.title,
                    expected=weight.shape_before,
                    found=found,
                )
            )
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
    layers = _varied(seen)
    if isinstance(layers, Finding):
        return layers
    evidence = mean_evidence(layers)
    figures = _figures(layers, evidence, level)
    if not _rejected(evidence, level):
        return correct(message("mean_correct", count=len(layers)), figures=figures)
    worst = max(layers, key=lambda layer: abs(layer.mean) / layer.deviation)
    bound = mean_bound(worst, level / len(evidence))
    return incorrect(
        message("mean_wrong", layer=worst.title, mean=worst.mean, bound=bound), figures=figures
    )


def judge_deviation(seen: FunctionObservation, level: float) -> Finding:
    """Judge whether the deviation is 1/sqrt(n); a correct one fails with probability `level`."""
    layers = _varied(seen)
    if isinstance(layers, Finding):
        return layers
    evidence = deviation_evidence(layers)
    figures = _figures(layers, evidence, level)
    if not _rejected(evidence, level):
        example = max(layers, key=lambda layer: layer.weights.size)
        said = message(
            "deviation_correct",
            count=len(layers),
            layer=example.title,
            deviation=example.deviation,
            expected=example.expected,
        )
        return correct(said, figures=figures)
    worst = max(layers, key=lambda layer: abs(np.log(layer.deviation / layer.expected)))
    low, high = deviation_bounds(worst.weights.size, level / len(evidence))
    said = message(
        "deviation_wrong",
        layer=worst.title,
        deviation=worst.deviation,
        expected=worst.expected,
        low=low * worst.expected,
        high=high * worst.expected,
    )
    return incorrect(said, figures=figures)


def judge_shape(seen: FunctionObservation, level: float) -> Finding:
    """Judge whether the weights are independent draws from a normal distribution.

    Independent draws fail with probability `level` at most.
    """
    layers = _varied(seen)
    if isinstance(layers, Finding):
        return layers
    evidence = [*normality_evidence(layers), *_independence(layers, seen.linear)]
    figures = _figures(layers, evidence, level)
    rejected = _rejected(evidence, level)
    if not rejected:
        return correct(message("shape_correct"), figures=figures)
    figures["rejected"] = [item.test for item in rejected]
    first = rejected[0]
    symptom = first.test.split()[0]
    where = message("in_layer", layer=first.title) if first.title else message("in_all_layers")
    return incorrect(message("shape_wrong"), message(symptom), where, figures=figures)


def _varied(seen: FunctionObservation) -> list[Layer] | Finding:
    """Return the layers with new weights, or the finding if one cannot be judged or is constant."""
    layers = read_layers(seen)
    if isinstance(layers, Finding):
        return layers
    for layer in layers:
        if layer.constant:
            said = message("weights_equal", layer=layer.title, value=layer.mean)
            return incorrect(said, figures=_figures(layers))
    return layers


def _independence(layers: Sequence[Layer], modules: Sequence[Module]) -> list[Evidence]:
    changed = [module.parameters["weight"] for module in modules if module.parameters]
    repeat = all(value.repeated == value.count for value in changed if value.changed)
    coarse = any("16" in dtype for value in changed for dtype in value.dtype[1:])
    # Weights that come out the same at every application share their draws between layers too.
    # That is one mistake, and "layers" takes its points. Half precision repeats values by itself,
    # and "layers" takes the points for the type.
    evidence = independence_evidence(layers, across=not repeat)
    return [item for item in evidence if not (coarse and item.test == "repeated values")]


def _rejected(evidence: Sequence[Evidence], level: float) -> list[Evidence]:
    """Return the tests that reject, the clearest first."""
    limit = level / len(evidence)
    return sorted((item for item in evidence if item.p < limit), key=lambda item: item.p)


def _figures(
    layers: Sequence[Layer], evidence: Sequence[Evidence] = (), level: float | None = None
) -> Figures:
    figures: Figures = {
        "layers": [
            {
                "layer": layer.title,
                "fan_in": layer.fan_in,
                "weights": layer.weights.size,
                "mean": layer.mean,
                "deviation": layer.deviation,
                "expected_deviation": layer.expected,
            }
            for layer in layers
        ]
    }
    if evidence and level is not None:
        figures["p"] = min(1.0, len(evidence) * min(item.p for item in evidence))
        figures["level"] = level
    return figures
