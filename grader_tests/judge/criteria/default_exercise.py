"""Judges the second exercise: a model with PyTorch's own initial weights, and its comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, prod

import numpy as np
from scipy import stats

from ...observation import ENTRY_LIMIT, ObservationError, decode_array
from ..fields import flag, items, mapping, size, text, texts
from ..verdict import Figures, Finding, Message, correct, incorrect, message, not_attempted

# nn.Linear draws weights and biases from U(-1/sqrt(n), 1/sqrt(n)), n the number of inputs
# (torch.nn.Linear's documentation). Its bound is computed in float64 and the draw rounded to
# float32, which can lift a value onto, or by rounding just above, the bound.
_ROUNDING = 1 + 1e-6
_INPUTS, _CLASSES = 784, 10
# The comparison does not tell how many images it validated with: 12,000 in the lesson. From this
# many on the bound below holds.
_FEWEST_IMAGES = 300
_LAST_BATCHES = 100


@dataclass(frozen=True)
class _Values:
    """A parameter of the student's model; `values` may be an evenly spread part of it."""

    shape: tuple[int, ...]
    largest: float
    values: np.ndarray


def judge_model(observation: Mapping[str, object], level: float) -> Finding:
    """Judge whether a model is a `Net` that holds the weights PyTorch gave it.

    Args:
        observation: an observation whose head has been read.
        level: probability that a correct model fails.

    Raises:
        ObservationError: the observation is not as the probe writes it.
    """
    if observation.get("model") is None:
        return not_attempted(message("no_model"))
    model = mapping(observation, "model")
    classes = texts(model, "classes")
    if not flag(model, "is_module") or "Net" not in classes:
        return incorrect(message("not_a_net", type=classes[0] if classes else "?"))
    layers = _read_layers(model)
    if not _is_net(layers):
        found = [f"{name} {layer['weight'].shape}" for name, layer in layers.items()]
        return incorrect(message("other_layers", layers=found))
    # Functions such as the lesson's set the biases to 0; training moves them, and PyTorch's are
    # random.
    zero = all(not layer["bias"].values.any() for layer in layers.values())
    tests = 2 * len(layers)
    for name, layer in layers.items():
        bound = layer["weight"].shape[1] ** -0.5
        for key, parameter in layer.items():
            problem = _not_default(f"{name}.{key}", parameter, bound, level / tests)
            if problem:
                return incorrect(problem, figures={"biases": "zero" if zero else "not zero"})
    return correct(message("model_correct"))


def _read_layers(model: Mapping[str, object]) -> dict[str, dict[str, _Values]]:
    layers = {}
    budget = ENTRY_LIMIT
    for item in items(model, "layers", 20):
        if not isinstance(item, Mapping):
            raise ObservationError("A layer should be an object.")
        described = mapping(item, "parameters")
        if text(item, "type") != "Linear" or set(described) != {"weight", "bias"}:
            # Another layer than a Net has: named with no shape, so that it fails.
            layers[text(item, "name")] = {"weight": _Values((), 0.0, np.zeros(0))}
            continue
        parameters = {key: _read_values(described[key]) for key in ("weight", "bias")}
        budget -= sum(parameter.values.size for parameter in parameters.values())
        if budget < 0:
            raise ObservationError("The arrays of the observation are too large together.")
        fan_in, fan_out = size(item, "fan_in"), size(item, "fan_out")
        if parameters["weight"].shape != (fan_out, fan_in):
            parameters["weight"] = _Values(parameters["weight"].shape, 0.0, np.zeros(0))
        layers[text(item, "name")] = parameters
    return layers


def _read_values(item: object) -> _Values:
    if not isinstance(item, Mapping):
        raise ObservationError("A parameter should be an object.")
    shape = tuple(items(item, "shape", 8))
    largest = item.get("largest")
    if any(type(entry) is not int or entry < 0 for entry in shape):
        raise ObservationError("A shape should hold whole numbers that are not negative.")
    if not isinstance(largest, float):
        raise ObservationError("A parameter's largest value should be a number.")
    sizes = tuple(int(str(entry)) for entry in shape)
    values = decode_array(item.get("values"))
    if values.ndim != 1 or not min(prod(sizes), 1) <= values.size <= prod(sizes):
        raise ObservationError("A parameter's values do not fit its shape.")
    return _Values(sizes, largest, values.astype(np.float64))


def _is_net(layers: Mapping[str, Mapping[str, _Values]]) -> bool:
    """Tell whether the layers are fc1, fc2 and fc3, from 784 inputs to 10 classes."""
    if list(layers) != ["fc1", "fc2", "fc3"]:
        return False
    width = _INPUTS
    for layer in layers.values():
        shape = layer["weight"].shape
        if len(shape) != 2 or shape[1] != width or layer["bias"].shape != shape[:1]:
            return False
        width = shape[0]
    return width == _CLASSES


def _not_default(name: str, parameter: _Values, bound: float, level: float) -> Message | None:
    """Say what speaks against U(-bound, bound), if anything does."""
    values = parameter.values
    if not np.isfinite(values).all() or not np.isfinite(parameter.largest):
        return message("model_not_finite", parameter=name)
    largest = max(parameter.largest, float(np.abs(values).max()))
    if (values == values[0]).all() and values.size > 1:
        return message("model_equal", parameter=name, value=float(values[0]))
    deviation = float(values.std())
    if largest > bound * _ROUNDING:
        return message(
            "model_too_far",
            parameter=name,
            largest=largest,
            bound=bound,
            deviation=deviation,
            expected=bound / 3**0.5,
        )
    if uniform_p(values, bound) < level:
        return message(
            "model_not_uniform",
            parameter=name,
            low=-bound,
            bound=bound,
            deviation=deviation,
            expected=bound / 3**0.5,
        )
    return None


def uniform_p(values: np.ndarray, bound: float) -> float:
    """Bound the p-value of the distance D between the distribution found and U(-bound, bound).

    P(D >= d) <= 2 exp(-2 N d^2) for every N (Dvoretzky, Kiefer and Wolfowitz 1956, Massart 1990).
    """
    expected = (np.sort(values) / bound + 1) / 2
    steps = np.arange(values.size + 1) / values.size
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    return min(1.0, 2 * exp(-2 * values.size * distance**2))


def judge_comparison(observation: Mapping[str, object]) -> Finding:
    """Judge whether a comparison holds a run of `model_default` that learned.

    Raises:
        ObservationError: the observation is not as the probe writes it.
    """
    if observation.get("comparison") is None:
        return not_attempted(message("no_comparison"))
    comparison = mapping(observation, "comparison")
    if comparison.get("runs") is None:
        return incorrect(message("not_a_comparison", type=text(comparison, "type")))
    if observation.get("model") is None:
        return incorrect(message("no_model_to_compare"))
    model = mapping(observation, "model")
    runs = [run for run in items(comparison, "runs", 50) if isinstance(run, Mapping)]
    if not runs:
        return incorrect(message("no_runs"))
    wanted = _digests(model.get("digests"))
    found = [run for run in runs if wanted and _digests(run.get("initial_weights")) == wanted]
    if not found:
        return incorrect(message("other_models", labels=[text(run, "label") for run in runs]))
    return _judge_run(found[0])


def _digests(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(
        isinstance(digest, str) and len(digest) == 64 for digest in value.values()
    ):
        raise ObservationError("Initial weights should be given by digests.")
    return dict(value)


def _judge_run(run: Mapping[str, object]) -> Finding:
    """Judge whether a run learned.

    Guessing among ten classes gives an accuracy of 10 %, and the number of hits is binomial. It
    gives a loss of log 10 at least; the mean of the last 100 batches has the standard error
    s / 10, s the deviation between them.
    """
    losses = decode_array(run.get("losses")).astype(np.float64)
    accuracy, loss = run.get("validation_accuracy"), run.get("training_loss")
    if not isinstance(accuracy, float) or not isinstance(loss, float) or losses.ndim != 1:
        raise ObservationError("A run should report losses, a training loss and an accuracy.")
    last = losses[-_LAST_BATCHES:]
    if last.size < _LAST_BATCHES or not np.isfinite(losses).all():
        return incorrect(message("too_few_batches", batches=losses.size))
    if not abs(last.mean() - loss) <= 1e-3 * last.mean():
        raise ObservationError("A run's training loss is not the mean of its last losses.")
    # 1e-10 is far below what a grading meets, and still below the poorest run that learned.
    least = 100 * float(stats.binom.isf(1e-10, _FEWEST_IMAGES, 1 / _CLASSES)) / _FEWEST_IMAGES
    error = float(last.std(ddof=1)) / _LAST_BATCHES**0.5
    figures: Figures = {"accuracy": accuracy, "training_loss": loss}
    learned = least < accuracy <= 100 and loss + 7 * error < log(_CLASSES)
    said = message("comparison_correct" if learned else "not_learned", accuracy=accuracy, loss=loss)
    return correct(said, figures=figures) if learned else incorrect(said, figures=figures)
