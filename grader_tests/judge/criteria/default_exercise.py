"""Judges the second exercise: a model with PyTorch's own initial weights, and its comparison."""

from collections.abc import Mapping, Sequence
from math import log, prod
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from scipy import stats

from ...observation import ObservationError, decode_array
from ..records import Head, Shape, Size, Text, Texts
from ..statistics.kolmogorov import distance_p, kolmogorov_distance
from ..verdict import Figures, Finding, Message, correct, incorrect, message, not_attempted

# nn.Linear draws weights and biases from U(-1/sqrt(n), 1/sqrt(n)), n the number of inputs
# (torch.nn.Linear's documentation). Its bound is computed in float64 and the draw rounded to
# float32, which can lift a value onto, or by rounding just above, the bound.
_ROUNDING = 1 + 1e-6
_INPUTS, _CLASSES = 784, 10
FEWEST_IMAGES = 300
"""To validate with: from this many on the bound below holds. The lesson has 12,000."""
_LAST_BATCHES = 100


class Values(Struct, frozen=True):
    """A parameter of the student's model; `values` may be an evenly spread part of it."""

    shape: Shape
    largest: float
    values: np.ndarray

    def __post_init__(self) -> None:
        count = prod(self.shape)
        if self.values.ndim != 1 or not min(count, 1) <= self.values.size <= count:
            raise ObservationError("A parameter's values do not fit its shape.")


class Layer(Struct, frozen=True):
    """A layer of the student's model; a parameter that could not be read is None."""

    name: Text
    type: Text
    parameters: dict[Text, Values | None]
    fan_in: Size | None = None
    fan_out: Size | None = None

    def __post_init__(self) -> None:
        if self.type == "Linear" and None in self.parameters.values():
            raise ObservationError("A linear layer's parameters should be readable.")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of a linear layer's parameters; none for other layers."""
        return {
            key: value.shape
            for key, value in self.parameters.items()
            if value is not None and self.type == "Linear"
        }


Digest = Annotated[str, Meta(min_length=64, max_length=64)]


class Model(Struct, frozen=True):
    """The student's model: its class and that one's bases, then its values or digests of them."""

    classes: Texts
    is_module: bool
    layers: Annotated[tuple[Layer, ...], Meta(max_length=20)] = ()
    digests: dict[Text, Digest] | None = None


class Run(Struct, frozen=True):
    """A run of a comparison; what could not be read is None."""

    label: Text = ""
    losses: Any = None
    training_loss: float | None = None
    validation_accuracy: float | None = None
    initial_weights: dict[Text, Digest] | None = None


Indices = Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1, max_length=60_000)]


class Images(Struct, frozen=True):
    """Images of batches: a part of the data set, and for each batch the indices of its images."""

    part: Text
    batches: Annotated[tuple[Indices, ...], Meta(min_length=1, max_length=60_000)]

    @property
    def indices(self) -> list[int]:
        """The images of all batches, in order."""
        return [index for batch in self.batches for index in batch]


class Claim(Struct, frozen=True):
    """What it takes to repeat a run: both ends of its training, and what it was trained on.

    `training` has the first batches alone.
    """

    seed: int
    initial: dict[Text, np.ndarray]
    final: dict[Text, np.ndarray]
    training: Images
    validation: Images

    def __post_init__(self) -> None:
        # What torch.manual_seed takes.
        if not -(2**63) <= self.seed < 2**64:
            raise ObservationError("A seed should be a number of 64 bits.")


class Comparison(Struct, frozen=True):
    """The student's comparison; `runs` is None where it has no list of them.

    `claim` is of the run that started from the student's model, None where that cannot be told.
    """

    type: Text
    runs: Annotated[tuple[Run, ...], Meta(max_length=50)] | None = None
    claim: Claim | None = None


class DefaultObservation(Head, frozen=True):
    """What the probe saw of the second exercise."""

    model: Model | None = None
    comparison: Comparison | None = None


def judge_model(seen: DefaultObservation, level: float) -> Finding:
    """Judge whether a model is a `Net` with the weights PyTorch gave it.

    A correct one fails with probability `level`.
    """
    if seen.model is None:
        return not_attempted(message("no_model"))
    classes, layers = seen.model.classes, seen.model.layers
    if not seen.model.is_module or "Net" not in classes:
        return incorrect(message("not_a_net", type=classes[0] if classes else "?"))
    if not _is_net(layers):
        listed = [f"{layer.name} {layer.shapes.get('weight', ())}" for layer in layers]
        return incorrect(message("other_layers", layers=listed))
    parameters = {
        f"{layer.name}.{key}": (layer.shapes["weight"][1] ** -0.5, value)
        for layer in layers
        for key, value in layer.parameters.items()
        if value is not None
    }
    # Functions such as the lesson's set the biases to 0; training moves them, and PyTorch's are
    # random.
    zero = not any(
        value.values.any() for name, (_, value) in parameters.items() if name.endswith("bias")
    )
    for name, (bound, value) in parameters.items():
        if problem := _not_default(name, value, bound, level / len(parameters)):
            return incorrect(problem, figures={"biases": "zero" if zero else "not zero"})
    return correct(message("model_correct"))


def _is_net(layers: Sequence[Layer]) -> bool:
    """Tell whether the layers are fc1, fc2 and fc3, from 784 inputs to 10 classes."""
    shapes = {
        f"{layer.name}.{key}": shape for layer in layers for key, shape in layer.shapes.items()
    }
    sizes = [(layer.fan_out, layer.fan_in) for layer in layers]
    return is_net(shapes) and sizes == [shape for shape in shapes.values() if len(shape) == 2]


def is_net(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Tell whether parameters of these shapes, in this order, are the lesson's network's."""
    weights = [shapes.get(f"fc{number}.weight", ()) for number in (1, 2, 3)]
    if any(len(shape) != 2 for shape in weights):
        return False
    (hidden_1, _), (hidden_2, _), _ = weights
    layers = {"fc1": (hidden_1, _INPUTS), "fc2": (hidden_2, hidden_1), "fc3": (_CLASSES, hidden_2)}
    wanted = [
        item
        for name, shape in layers.items()
        for item in ((f"{name}.weight", shape), (f"{name}.bias", shape[:1]))
    ]
    return list(shapes.items()) == wanted


def _not_default(name: str, parameter: Values, bound: float, level: float) -> Message | None:
    """Say what speaks against U(-bound, bound), if anything does."""
    values = parameter.values.astype(np.float64)
    if not np.isfinite(values).all() or not np.isfinite(parameter.largest):
        return message("model_not_finite", parameter=name)
    largest = max(parameter.largest, float(np.abs(values).max()))
    if (values == values[0]).all() and values.size > 1:
        return message("model_equal", parameter=name, value=float(values[0]))
    if largest > bound * _ROUNDING:
        return message("model_too_far", parameter=name, largest=largest, bound=bound)
    if uniform_p(values, bound) >= level:
        return None
    spread = {"deviation": float(values.std()), "expected": bound / 3**0.5}
    return message("model_not_uniform", parameter=name, low=-bound, bound=bound, **spread)


def uniform_p(values: np.ndarray, bound: float) -> float:
    """Bound the p-value of the distance between the values' distribution and U(-bound, bound)."""
    distance = kolmogorov_distance((np.sort(values) / bound + 1) / 2)
    return min(1.0, distance_p(distance, values.size))


def judge_comparison(seen: DefaultObservation, _: float) -> Finding:
    """Judge whether a comparison holds a run of `model_default` that learned.

    Raises:
        ObservationError: its run is not as the probe writes it.
    """
    if seen.comparison is None:
        return not_attempted(message("no_comparison"))
    runs = seen.comparison.runs
    if runs is None:
        return incorrect(message("not_a_comparison", type=seen.comparison.type))
    if seen.model is None:
        return incorrect(message("no_model_to_compare"))
    if not runs:
        return incorrect(message("no_runs"))
    run = run_of_the_model(seen)
    if run is None:
        return incorrect(message("other_models", labels=[run.label for run in runs]))
    return _judge_run(run)


def run_of_the_model(seen: DefaultObservation) -> Run | None:
    """Return the first run that started from the weights of `model_default`."""
    if seen.model is None or seen.comparison is None or not seen.model.digests:
        return None
    runs = seen.comparison.runs or ()
    return next((run for run in runs if run.initial_weights == seen.model.digests), None)


def _judge_run(run: Run) -> Finding:
    """Judge whether a run learned.

    Guessing among ten classes gives an accuracy of 10 %, and the number of hits is binomial. It
    gives a loss of log 10 at least; the mean of the last 100 batches has the standard error
    s / 10, s the deviation between them.
    """
    losses = decode_array(run.losses).astype(np.float64)
    accuracy, loss = run.validation_accuracy, run.training_loss
    if accuracy is None or loss is None or losses.ndim != 1:
        raise ObservationError("A run should report losses, a training loss and an accuracy.")
    last = losses[-_LAST_BATCHES:]
    if last.size < _LAST_BATCHES or not np.isfinite(losses).all():
        return incorrect(message("too_few_batches", batches=losses.size))
    if not abs(last.mean() - loss) <= 1e-3 * last.mean():
        raise ObservationError("A run's training loss is not the mean of its last losses.")
    # 1e-10 is far below what a grading meets, and still below the poorest run that learned.
    least = 100 * float(stats.binom.isf(1e-10, FEWEST_IMAGES, 1 / _CLASSES)) / FEWEST_IMAGES
    error = float(last.std(ddof=1)) / _LAST_BATCHES**0.5
    figures: Figures = {"accuracy": accuracy, "training_loss": loss}
    learned = least < accuracy <= 100 and loss + 7 * error < log(_CLASSES)
    said = message("comparison_correct" if learned else "not_learned", accuracy=accuracy, loss=loss)
    return correct(said, figures=figures) if learned else incorrect(said, figures=figures)
