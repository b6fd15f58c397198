"""Judges the model of the second exercise: the lesson's network, with PyTorch's own weights."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from ...blueprint import probe_images, streams
from ..default_records import DefaultObservation, Layer, Values
from ..figures import told_apart
from ..statistics.kolmogorov import distance_p, kolmogorov_distance
from ..verdict import Finding, Message, correct, incorrect, message, not_attempted

# nn.Linear draws weights and biases from U(-1/sqrt(n), 1/sqrt(n)), n the number of inputs
# (torch.nn.Linear's documentation). Its bound is computed in float64 and the draw rounded to
# float32, which can lift a value onto, or by rounding just above, the bound.
_ROUNDING = 1 + 1e-6
_INPUTS, _CLASSES = 784, 10
# Modules that a network like the lesson's may hold besides its layers.
_HARMLESS = ("Dropout(p=0.2,", "ReLU(", "Flatten(", "Identity(")


def judge_model(seen: DefaultObservation, level: float) -> Finding:
    """Judge whether a model is a `Net` with the weights PyTorch gave it.

    A correct one fails with probability `level`.
    """
    if seen.model is None:
        return not_attempted(message("no_model"))
    classes, layers = seen.model.classes, seen.model.layers
    if not seen.model.is_module or ("Net" not in classes and not _is_net(layers)):
        return incorrect(message("not_a_net", type=classes[0] if classes else "?"))
    if not _is_net(layers):
        listed = [f"{layer.name} {layer.shapes.get('weight', ())}" for layer in layers]
        return incorrect(message("other_layers", layers=listed))
    if strange := [other for other in seen.model.others if not other.startswith(_HARMLESS)]:
        return incorrect(message("other_modules", modules=strange))
    if not _computes_as_net(seen):
        return incorrect(message("computes_otherwise"))
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
    notes = []
    if seen.named:
        notes.append(message("model_named", name=seen.named))
    if seen.late is True:
        notes.append(message("model_late"))
    if "Net" not in classes:
        notes.append(message("own_class", type=classes[0]))
    return correct(message("model_correct"), *notes)


def _computes_as_net(seen: DefaultObservation) -> bool:
    """Tell whether a model's scores are those of three linear layers with ReLU between them.

    Both are sums of up to 784 products below 1/28. Rounded to float32, eps 6e-8, they scatter by
    about 1e-7; a leaking ReLU, the nearest other one, moves them by 1e-3.
    """
    assert seen.model is not None
    values = {
        f"{layer.name}.{key}": value
        for layer in seen.model.layers
        for key, value in layer.parameters.items()
        if value is not None
    }
    if any(value.values.size < prod(value.shape) for value in values.values()):
        # Of a network this large only a part was sent.
        return True
    if seen.outputs is None or seen.dropped is None:
        return False
    rng, _ = streams(int(seen.seed), seen.criterion)
    scores = probe_images(rng).astype(np.float64)
    for name in ("fc1", "fc2", "fc3"):
        weight, bias = (values[f"{name}.{key}"] for key in ("weight", "bias"))
        scores = scores @ weight.values.astype(np.float64).reshape(weight.shape).T + bias.values
        if name != "fc3":
            scores = np.maximum(scores, 0)
    if seen.outputs.shape != scores.shape or seen.dropped.shape != scores.shape:
        return False
    # Of 64 hidden neurons some 30 are active: that dropout leaves them as they are for 16 images
    # has a probability of 0.8 ** 480, about 1e-47.
    hidden = min(values["fc1.weight"].shape[0], values["fc2.weight"].shape[0])
    drops = hidden < 64 or not np.array_equal(seen.dropped, seen.outputs)
    # Scores that are not finite come of weights that are not, which is said below.
    close = np.allclose(seen.outputs, scores, rtol=1e-4, atol=1e-4, equal_nan=True)
    return drops and (close or not np.isfinite(scores).all())


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
        told = dict(zip(("largest", "bound"), told_apart(largest, bound), strict=True))
        return message("model_too_far", parameter=name, **told)
    if uniform_p(values, bound) >= level:
        return None
    deviation, expected = told_apart(float(values.std()), bound / 3**0.5)
    spread = {"low": -bound, "bound": bound, "deviation": deviation, "expected": expected}
    return message("model_not_uniform", parameter=name, **spread)


def uniform_p(values: np.ndarray, bound: float) -> float:
    """Bound the p-value of the distance between the values' distribution and U(-bound, bound)."""
    distance = kolmogorov_distance((np.sort(values) / bound + 1) / 2)
    return min(1.0, distance_p(distance, values.size))
