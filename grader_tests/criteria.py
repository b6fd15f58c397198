"""Judges observations: one verdict for each hidden test, from NumPy and SciPy alone.

A correct submission fails any of the criteria with a probability below `FALSE_ALARM_RATE`. The
rate is shared out evenly: first over the criteria that look at random weights, then over the
tests within a criterion (Bonferroni). So a test rejects at a p-value below
1e-9 / 5 / (number of its criterion's tests), some 1e-11 to 1e-12.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from .default_exercise import judge_comparison, judge_model
from .independence import independence_evidence
from .moments import Evidence, Layer, deviation_bounds, deviation_evidence, mean_bound
from .moments import mean_evidence as _mean_evidence
from .normality import normality_evidence
from .observation import CRITERIA, FUNCTION_CRITERIA, ObservationError
from .records import FunctionObservation, Module, Problem, read_function, read_head
from .verdict import Figures, Verdict, correct, incorrect, not_attempted

__all__ = ["CRITERIA", "FALSE_ALARM_RATE", "Verdict", "judge", "no_observation"]

FALSE_ALARM_RATE = 1e-9
"""Probability that a correct submission fails, over all criteria together."""

# Layers, mean, deviation, shape and the default model look at random weights; the bias is exact,
# and the comparison's bound lies far from everything a trained network reaches.
_RANDOM_CRITERIA = 5
LEVEL = FALSE_ALARM_RATE / _RANDOM_CRITERIA
"""Probability that a correct submission fails one criterion."""

# Two float32 values drawn from a normal distribution agree with probability
# sum p_k^2 <= 2^-23 * integral phi(x)^2 |x| dx < 2e-8; one agrees with a given value with
# probability <= 2^-23 * max phi(x) |x| < 3e-8.
_COINCIDENCE = 3e-8
# What the judge asks of the probe's networks, below which its power is not as documented.
_WEIGHTS_WANTED = 200_000


def judge(criterion: str, observation: object) -> Verdict:
    """Return the verdict on an observation.

    Args:
        criterion: one of `CRITERIA`.
        observation: what `grader_tests.probe.observe` returned, by way of a kernel that ran
            student code: nothing about it is trusted. One that is not as its format says fails.

    Raises:
        KeyError: the criterion is unknown.
    """
    look = _JUDGES[criterion]
    try:
        with np.errstate(all="ignore"):
            return look(criterion, observation)
    except ObservationError as error:
        return incorrect(criterion, f"The observation of this test is malformed. {error}")


def no_observation(criterion: str, reason: str) -> Verdict:
    """Return the verdict on a test that reported nothing.

    Args:
        criterion: one of `CRITERIA`.
        reason: a sentence that says why there is no observation.
    """
    return incorrect(criterion, reason)


def _judge_function(criterion: str, observation: object) -> Verdict:
    seen = read_function(criterion, observation)
    if not seen.callable:
        if seen.type == "NoneType":
            return not_attempted(criterion, "There is no function weights_init_normal.")
        return incorrect(
            criterion, f"weights_init_normal should be a function; it is of type {seen.type}."
        )
    if seen.error is not None:
        return incorrect(criterion, _say_problem(seen.error))
    _require_layers(criterion, seen)
    return _FUNCTION_JUDGES[criterion](criterion, seen)


def _say_problem(problem: Problem) -> str:
    where = f" when it was called with a module of type {problem.module}" if problem.module else ""
    line = f" The line: {problem.line}" if problem.line else ""
    return f"The function stopped{where}, with {problem.type}: {problem.message}.{line}"


def _require_layers(criterion: str, seen: FunctionObservation) -> None:
    """Refuse an observation of other networks than the probe builds."""
    layers = seen.linear
    upwards = sum(layer.fan_in < layer.fan_out for layer in layers)
    if min(upwards, len(layers) - upwards) < 2:
        raise ObservationError("It should be of layers that widen and layers that narrow.")
    weights = sum(layer.fan_in * layer.fan_out for layer in layers)
    if criterion != "test_normal_layers" and weights < _WEIGHTS_WANTED:
        raise ObservationError(f"It should be of {_WEIGHTS_WANTED:,} weights or more.")


# Layers -----------------------------------------------------------------------------------------


def _judge_layers(criterion: str, seen: FunctionObservation) -> Verdict:
    if not any(module.changed for module in seen.modules):
        return not_attempted(
            criterion, "The function leaves every module as it is: no layer gets new weights."
        )
    problems = [
        *_skipped(seen),
        *_touched(seen),
        *_altered(seen),
        *_not_trainable(seen),
        *_repeated(seen),
    ]
    figures: Figures = {"problems": problems}
    if problems:
        return incorrect(criterion, " ".join(problems[:3]), figures)
    return correct(
        criterion,
        f"All {len(seen.linear)} linear layers get new weights, each time others; nothing else "
        "changes, and the networks still train.",
        figures,
    )


def _skipped(seen: FunctionObservation) -> list[str]:
    """Name linear layers whose weights are still, or partly, the old ones."""
    untouched, partly = [], []
    for layer in seen.linear:
        weight = layer.parameters.get("weight")
        if weight is None or weight.unchanged is None:
            continue
        if weight.unchanged == weight.count:
            untouched.append(layer.title)
        elif _more_than_coincidence(weight.unchanged, weight.count):
            partly.append(f"{layer.title} keeps {weight.unchanged:,} of {weight.count:,} weights.")
    if untouched:
        count = len(seen.linear)
        partly.insert(
            0,
            f"{len(untouched)} of {count} linear layers keep the weights they had: "
            f"{_list(untouched)}.",
        )
    return partly


def _more_than_coincidence(entries: int, count: int) -> bool:
    return bool(stats.poisson.sf(entries - 1, count * _COINCIDENCE) < LEVEL / 100)


def _touched(seen: FunctionObservation) -> list[str]:
    others = [module.type for module in seen.modules if not module.linear and module.changed]
    if not others:
        return []
    return [f"Only linear layers should change, but these did too: {_list(others)}."]


def _altered(seen: FunctionObservation) -> list[str]:
    """Name what is no longer as a layer's parameters have to be. A missing bias is not named:
    the criterion for the bias does that.
    """
    problems = []
    for layer in seen.linear:
        if layer.state != "kept":
            problems.append(f"{layer.title} was {layer.state}; only its values should change.")
        for name, value in layer.parameters.items():
            what = f"The {name} of {layer.title}"
            if value.kind in ("None", "missing"):
                if name == "weight":
                    problems.append(f"{what} is gone.")
            elif value.kind != "Parameter":
                problems.append(f"{what} is a {value.kind}, no longer a Parameter.")
            elif value.shape != value.shape_before:
                problems.append(
                    f"{what} has shape {value.shape}; it should keep {value.shape_before}."
                )
            elif len({*value.dtype}) != 1:
                problems.append(
                    f"{what} is now {value.dtype[-1] if value.dtype else 'of an unknown type'}; "
                    "the network computes in float32."
                )
            elif len({*value.device}) != 1:
                problems.append(f"{what} was moved to another device.")
            elif not value.trainable:
                problems.append(f"{what} can no longer be trained: it requires no gradient.")
    return problems


def _not_trainable(seen: FunctionObservation) -> list[str]:
    problems = []
    for run in seen.runs:
        if run.error is not None:
            stage = {"forward": "compute", "backward": "compute gradients"}.get(run.stage, "train")
            problems.append(
                f"The network can no longer {stage}: {run.error.type}: {run.error.message}."
            )
        elif run.stage != "done":
            problems.append("The network was not trained.")
        elif run.without_gradient:
            problems.append(f"No gradient reaches {_list(run.without_gradient)}.")
        elif not run.finite:
            problems.append("After one step of training the weights are no finite numbers.")
    if len(seen.runs) < 2:
        raise ObservationError("It should report two runs.")
    return problems


def _repeated(seen: FunctionObservation) -> list[str]:
    """Tell where two applications to equal networks gave equal weights.

    A generator seeded inside the function makes every network start from the same point, and all
    its layers share their draws. It costs the points of this criterion and of no other. Single
    entries may well agree, where values are rounded or clamped; a repeated draw agrees in all.
    """
    layers = [
        layer
        for layer in seen.linear
        if (weight := layer.parameters.get("weight")) is not None
        and weight.changed
        and weight.repeated == weight.count
    ]
    if not layers:
        return []
    return [
        "Two applications should give different weights, but these layers got the same twice: "
        f"{_list([layer.title for layer in layers])}."
    ]


# Mean, deviation, shape -------------------------------------------------------------------------


def _weights(criterion: str, seen: FunctionObservation) -> list[Layer] | Verdict:
    """Return the linear layers with new weights, or the verdict if they cannot be judged."""
    layers = []
    for module in seen.linear:
        weight = module.parameters.get("weight")
        if weight is None or not weight.changed:
            continue
        if weight.values is None or weight.values.size != weight.count:
            found = weight.kind if weight.values is None else f"shape {weight.values.shape}"
            return incorrect(
                criterion,
                f"The weights of {module.title} cannot be judged: they should be "
                f"{weight.shape_before[0]} by {weight.shape_before[1]} numbers; found: {found}.",
            )
        values = weight.values.astype(np.float64)
        if not np.isfinite(values).all():
            count = int(values.size - np.isfinite(values).sum())
            return incorrect(
                criterion, f"{count:,} weights of {module.title} are not finite numbers."
            )
        layers.append(Layer(module.title, module.fan_in, values))
    if layers:
        return layers
    if any(module.state in ("replaced", "removed") for module in seen.linear):
        return incorrect(
            criterion, "The linear layers were replaced instead of getting new weights."
        )
    return not_attempted(
        criterion,
        "No linear layer got new weights, so there is nothing to judge: the weights are still "
        "those that PyTorch drew.",
    )


def _constant(layers: Sequence[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.constant]


def _say_constant(criterion: str, layers: Sequence[Layer], figures: Figures) -> Verdict:
    layer = layers[0]
    return incorrect(
        criterion,
        f"All weights of {layer.title} are equal, {layer.mean:.4g}: they are not random.",
        figures,
    )


def _figures(layers: Sequence[Layer], evidence: Sequence[Evidence] = ()) -> Figures:
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
    if evidence:
        figures["p"] = min(1.0, len(evidence) * min(item.p for item in evidence))
        figures["level"] = LEVEL
    return figures


def _rejected(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the tests that reject, the clearest first."""
    limit = LEVEL / len(evidence)
    return sorted((item for item in evidence if item.p < limit), key=lambda item: item.p)


def _judge_mean(criterion: str, seen: FunctionObservation) -> Verdict:
    layers = _weights(criterion, seen)
    if isinstance(layers, Verdict):
        return layers
    if constant := _constant(layers):
        return _say_constant(criterion, constant, _figures(layers))
    evidence = _mean_evidence(layers)
    figures = _figures(layers, evidence)
    if not _rejected(evidence):
        return correct(criterion, f"The mean of the weights is 0: {_means(layers)}.", figures)
    worst = max(layers, key=lambda layer: abs(layer.mean) / layer.deviation)
    bound = mean_bound(worst, LEVEL / len(evidence))
    return incorrect(
        criterion,
        f"The mean of the weights should be 0. {worst.title}: mean {worst.mean:.4f}; with a mean "
        f"of 0 it would lie within {bound:.4f} of 0.",
        figures,
    )


def _means(layers: Sequence[Layer]) -> str:
    return "; ".join(f"{layer.title} {layer.mean:+.4f}" for layer in layers)


def _judge_deviation(criterion: str, seen: FunctionObservation) -> Verdict:
    layers = _weights(criterion, seen)
    if isinstance(layers, Verdict):
        return layers
    if constant := _constant(layers):
        return _say_constant(criterion, constant, _figures(layers))
    evidence = deviation_evidence(layers)
    figures = _figures(layers, evidence)
    if not _rejected(evidence):
        listed = "; ".join(
            f"{layer.title} {layer.deviation:.4f} for {layer.expected:.4f}" for layer in layers
        )
        return correct(criterion, f"The standard deviation is 1/sqrt(n): {listed}.", figures)
    worst = max(layers, key=lambda layer: abs(np.log(layer.deviation / layer.expected)))
    low, high = deviation_bounds(worst.weights.size, LEVEL / len(evidence))
    return incorrect(
        criterion,
        f"The standard deviation should be 1/sqrt(n). {worst.title}: {worst.deviation:.4g}, "
        f"expected {worst.expected:.4g} (between {low * worst.expected:.4g} and "
        f"{high * worst.expected:.4g}).",
        figures,
    )


def _judge_shape(criterion: str, seen: FunctionObservation) -> Verdict:
    layers = _weights(criterion, seen)
    if isinstance(layers, Verdict):
        return layers
    if constant := _constant(layers):
        return _say_constant(criterion, constant, _figures(layers))
    evidence = [*normality_evidence(layers), *_independence(layers, seen.linear)]
    figures = _figures(layers, evidence)
    rejected = _rejected(evidence)
    if not rejected:
        return correct(
            criterion, "The weights are independent draws from a normal distribution.", figures
        )
    figures["tests"] = [f"{item.test}, {item.title or 'all layers'}" for item in rejected]
    where = f"in {rejected[0].title}" if rejected[0].title else "in all layers together"
    return incorrect(
        criterion,
        "The weights should be independent draws from a normal distribution. They are not: "
        f"{_SYMPTOMS[rejected[0].test.split()[0]]} {where}.",
        figures,
    )


def _independence(layers: Sequence[Layer], modules: Sequence[Module]) -> list[Evidence]:
    changed = [module.parameters["weight"] for module in modules if module.parameters]
    repeat = all(value.repeated == value.count for value in changed if value.changed)
    coarse = any("16" in dtype for value in changed for dtype in value.dtype[1:])
    # Weights that come out the same at every application share their draws between layers too.
    # That is one mistake, and "layers" takes its points. Half precision repeats values by itself,
    # and "layers" takes the points for the type.
    evidence = independence_evidence(layers, across=not repeat)
    return [item for item in evidence if not (coarse and item.test == "repeated values")]


_SYMPTOMS = {
    "distribution": "their distribution has another form",
    "beyond": "too few or too many of them lie far from the mean",
    "flatness": "the tails of their distribution are too light",
    "repeated": "values occur more than once",
    "mean": "some rows or columns lie higher or lower than chance allows, or all alike,",
    "length": "all rows or columns have the same length",
    "copies": "values are copies of others",
}


# Bias -------------------------------------------------------------------------------------------


def _judge_bias(criterion: str, seen: FunctionObservation) -> Verdict:
    layers = [layer for layer in seen.linear if layer.changed]
    if not layers:
        return not_attempted(criterion, "No linear layer was changed; its bias is the old one.")
    for layer in layers:
        bias = layer.parameters.get("bias")
        if bias is None or bias.values is None:
            found = bias.kind if bias is not None else f"the layer was {layer.state}"
            return incorrect(
                criterion,
                f"The bias of {layer.title} should hold {layer.fan_out} zeros; found: {found}.",
            )
        if bias.values.shape != bias.shape_before:
            return incorrect(
                criterion,
                f"The bias of {layer.title} should hold {layer.fan_out} zeros; it has shape "
                f"{bias.values.shape}.",
            )
        if bias.unchanged == bias.count:
            return incorrect(
                criterion,
                f"The bias of {layer.title} is as it was before, from {bias.values.min():.4f} to "
                f"{bias.values.max():.4f}; it should be 0.",
            )
        if not (bias.values == 0).all():
            return incorrect(
                criterion,
                f"The bias of {layer.title} should be 0; {np.count_nonzero(bias.values)} of "
                f"{bias.count} entries are not, from {bias.values.min():.4g} to "
                f"{bias.values.max():.4g}.",
            )
    return correct(criterion, "All biases are 0.")


def _list(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - 4} more" if len(different) > 4 else ""
    return ", ".join(different[:4]) + more


_FUNCTION_JUDGES: dict[str, Callable[[str, FunctionObservation], Verdict]] = {
    "test_normal_layers": _judge_layers,
    "test_normal_mean": _judge_mean,
    "test_normal_std": _judge_deviation,
    "test_normal_shape": _judge_shape,
    "test_normal_bias": _judge_bias,
}
_JUDGES: dict[str, Callable[[str, object], Verdict]] = {
    **dict.fromkeys(FUNCTION_CRITERIA, _judge_function),
    "test_default_model": lambda criterion, observation: judge_model(
        criterion, read_head(criterion, observation), LEVEL
    ),
    "test_default_comparison": lambda criterion, observation: judge_comparison(
        criterion, read_head(criterion, observation)
    ),
}
