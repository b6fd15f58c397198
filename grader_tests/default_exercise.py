"""Judges the second exercise: a model with PyTorch's own initial weights, and its comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, prod

import numpy as np
from scipy import stats

from .observation import ENTRY_LIMIT, ObservationError, decode_array
from .records import flag, items, mapping, size, text, texts
from .verdict import Verdict, correct, incorrect, not_attempted

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


def judge_model(criterion: str, observation: Mapping[str, object], level: float) -> Verdict:
    """Judge whether a model is a `Net` that holds the weights PyTorch gave it.

    Args:
        criterion: the grade id.
        observation: an observation whose head has been read.
        level: probability that a correct model fails.

    Raises:
        ObservationError: the observation is not as the probe writes it.
    """
    if observation.get("model") is None:
        return not_attempted(criterion, "There is no model_default.")
    model = mapping(observation, "model")
    classes = texts(model, "classes")
    if not flag(model, "is_module") or "Net" not in classes:
        found = classes[0] if classes else "unknown"
        return incorrect(criterion, f"model_default should be a Net; it is of type {found}.")
    layers = _read_layers(model)
    shapes = {name: layer["weight"].shape for name, layer in layers.items()}
    if not _is_net(layers):
        return incorrect(
            criterion,
            "model_default should be a Net with the layers fc1, fc2 and fc3; it has "
            + (", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no layers")
            + ".",
        )
    tests = 2 * len(layers)
    for name, layer in layers.items():
        bound = layer["weight"].shape[1] ** -0.5
        for key, parameter in layer.items():
            sentence = _say_not_default(f"{name}.{key}", parameter, bound, level / tests)
            if sentence:
                return incorrect(criterion, sentence)
    return correct(criterion, "model_default is a Net with PyTorch's own initial weights.")


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


def _say_not_default(name: str, parameter: _Values, bound: float, level: float) -> str:
    """Say what speaks against U(-bound, bound), or return an empty text.

    The distance D between the distribution found and the uniform one exceeds d with probability
    at most 2 exp(-2 N d^2), for every N (Dvoretzky, Kiefer and Wolfowitz 1956, Massart 1990).
    """
    values = parameter.values
    if not np.isfinite(values).all() or not np.isfinite(parameter.largest):
        return f"{name} of model_default holds values that are not finite numbers."
    largest = max(parameter.largest, float(np.abs(values).max()))
    if largest > bound * _ROUNDING:
        return (
            f"{name} of model_default has values up to {largest:.4f}. PyTorch draws within "
            f"{bound:.4f}; they were initialized in another way, or trained."
        )
    if (values == values[0]).all() and values.size > 1:
        return f"All values of {name} of model_default are {values[0]:.4g}; PyTorch draws them."
    expected = (np.sort(values) / bound + 1) / 2
    steps = np.arange(values.size + 1) / values.size
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    if 2 * exp(-2 * values.size * distance**2) < level:
        return (
            f"{name} of model_default is not spread evenly from {-bound:.4f} to {bound:.4f}, as "
            f"PyTorch draws it: its standard deviation is {values.std():.4f}, expected "
            f"{bound / 3**0.5:.4f}."
        )
    return ""


def judge_comparison(criterion: str, observation: Mapping[str, object]) -> Verdict:
    """Judge whether a comparison holds a run of `model_default` that learned.

    Raises:
        ObservationError: the observation is not as the probe writes it.
    """
    if observation.get("comparison") is None:
        return not_attempted(criterion, "There is no default_comparison.")
    comparison = mapping(observation, "comparison")
    if comparison.get("runs") is None:
        return incorrect(
            criterion,
            "default_comparison should be what helpers.compare_init_weights returns; it is of "
            f"type {text(comparison, 'type')}.",
        )
    if observation.get("model") is None:
        return incorrect(criterion, "There is no model_default that it could compare.")
    model = mapping(observation, "model")
    runs = [run for run in items(comparison, "runs", 50) if isinstance(run, Mapping)]
    wanted = _digests(model.get("digests"))
    found = [run for run in runs if wanted and _digests(run.get("initial_weights")) == wanted]
    if not found:
        labels = ", ".join(text(run, "label") for run in runs) or "none"
        return incorrect(
            criterion,
            "No run of default_comparison started from the weights of model_default. Its runs: "
            f"{labels}.",
        )
    return _judge_run(criterion, found[0])


def _digests(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(
        isinstance(digest, str) and len(digest) == 64 for digest in value.values()
    ):
        raise ObservationError("Initial weights should be given by digests.")
    return dict(value)


def _judge_run(criterion: str, run: Mapping[str, object]) -> Verdict:
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
        return incorrect(criterion, f"The run reports {losses.size} batches; it should train on.")
    if not abs(last.mean() - loss) <= 1e-3 * last.mean():
        raise ObservationError("A run's training loss is not the mean of its last losses.")
    # 1e-10 is far below what a grading meets, and still below the poorest run that learned.
    least = 100 * float(stats.binom.isf(1e-10, _FEWEST_IMAGES, 1 / _CLASSES)) / _FEWEST_IMAGES
    error = float(last.std(ddof=1)) / _LAST_BATCHES**0.5
    figures: dict[str, float | str | list] = {"accuracy": accuracy, "training_loss": loss}
    if not least < accuracy <= 100 or not loss + 7 * error < log(_CLASSES):
        return incorrect(
            criterion,
            f"The run of model_default did not learn: validation accuracy {accuracy:.1f} % "
            f"(a guess reaches 10 %), training loss {loss:.3f} (a guess has {log(_CLASSES):.3f}).",
            figures,
        )
    return correct(
        criterion,
        f"model_default learned: validation accuracy {accuracy:.1f} %, training loss {loss:.3f}.",
        figures,
    )
