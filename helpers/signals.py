"""Measures what a network computes before training: its signals from layer to layer, both ways."""

import copy
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import cycle, islice

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .machinery.figures import COLORS, MARKERS, STYLES, label, legend_below, show
from .machinery.language import TranslatedError, translate
from .machinery.notebook import show_table
from .machinery.tables import html_table, text_table
from .training import Batches, in_threads

# 10 batches of the lesson are 1,000 images: enough for two digits of a deviation.
_BATCHES = 10
# Deviations that lie further apart than this factor cannot be read on one linear axis.
_LINEAR_RANGE = 8

Models = nn.Module | Sequence[tuple[nn.Module, str]]


class SignalsError(TranslatedError):
    """Signals were asked for that cannot be measured."""


@dataclass(frozen=True)
class LayerSignal:
    """What arrives at one layer, forward and backward.

    z is what the layer computes before the activation function, for every neuron and image. The
    gradient is that of an image's loss with respect to z: the error that comes back.

    Attributes:
        layer: the layer's name in its model.
        mean: mean of z.
        deviation: standard deviation of z.
        gradient_mean: mean of the gradient.
        gradient_deviation: standard deviation of the gradient.
    """

    layer: str
    mean: float
    deviation: float
    gradient_mean: float
    gradient_deviation: float


@dataclass(frozen=True)
class Signals:
    """The signals of one or several models; shown as a table.

    Attributes:
        models: label to the signals of the model's layers, in the order in which they compute.
    """

    models: dict[str, tuple[LayerSignal, ...]]

    def __str__(self) -> str:
        parts = [
            f"{translate(name)}\n{text_table(_heads(), _rows(layers))}"
            for name, layers in self.models.items()
        ]
        return "\n\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(
            html_table(translate(name), _heads(), _rows(layers))
            for name, layers in self.models.items()
        )


def _heads() -> list[str]:
    heads = ("layer", "mean of z", "deviation of z", "mean of gradient", "deviation of gradient")
    return [translate(head) for head in heads]


def _rows(layers: Sequence[LayerSignal]) -> list[list[str]]:
    return [[name, *map(_short, figures)] for name, *figures in map(astuple, layers)]


def layer_signals(model: Models, loader: DataLoader) -> Signals:
    """Show how large the signals of a model are, from layer to layer, forward and backward.

    Sends 1,000 images (10 batches) through a copy of the model, with dropout off, and their loss
    back. Draws the deviations as a picture, prints means and deviations as a table.

    Args:
        model: a model, or pairs (model, label) to see several in one picture.
        loader: batches of images and class labels.

    Returns:
        The signals; they hold every figure of the table.

    Raises:
        SignalsError: a model has no linear or convolutional layer, or `loader` gives no batches.
    """
    pairs = model_pairs(model)
    images, labels = first_images(loader, _BATCHES)
    with in_threads(1):
        models = {name: measure(net, images, labels) for net, name in pairs}
    signals = Signals(models)
    show(_draw_all, models, description=describe(models))
    show_table(signals)
    return signals


def _draw_all(models: dict[str, tuple[LayerSignal, ...]]) -> Figure:
    figure, panels = plt.subplots(2, 1, figsize=(5.6, 5.4), layout="constrained", sharex=True)
    draw_signals(panels[0], models, gradients=False)
    draw_signals(panels[1], models, gradients=True)
    if len(models) > 1:
        legend_below(figure, panels[0])
    return figure


def measure(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[LayerSignal, ...]:
    """Measure the signals of one model with dropout off; the model stays as it is.

    Args:
        model: gives class scores of shape (batch, classes).
        images: what goes in, shape (batch, ...).
        labels: class index of each image, shape (batch,).

    Raises:
        SignalsError: the model has no linear or convolutional layer.
    """
    net = copy.deepcopy(model).to(images.device).eval()
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    forward: dict[str, Tensor] = {}
    backward: dict[str, Tensor] = {}

    def remember(name: str, _module: nn.Module, _inputs: object, z: Tensor) -> None:
        forward[name] = z.detach().double()
        z.register_hook(lambda gradient: backward.__setitem__(name, gradient.double()))

    for name, layer in net.named_modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(partial(remember, name or type(layer).__name__))
    with torch.enable_grad():
        # The sum over the images, so that the gradient of each is that of its own loss.
        F.cross_entropy(net(images), labels, reduction="sum").backward()
    if not forward:
        raise SignalsError(
            "layer_signals looks at linear and convolutional layers; this {kind} has none.",
            kind=type(model).__name__,
        )

    def moments(values: Tensor) -> tuple[float, float]:
        return values.mean().item(), values.std().item()

    return tuple(
        LayerSignal(name, *moments(z), *moments(backward[name])) for name, z in forward.items()
    )


def draw_signals(
    axes: Axes, models: dict[str, tuple[LayerSignal, ...]], *, gradients: bool
) -> None:
    """Draw the deviation of z, or of the gradient, from layer to layer: a line for each model."""
    looks = zip(cycle(COLORS), cycle(STYLES), cycle(MARKERS), strict=False)
    values = []
    for (name, layers), (color, style, marker) in zip(models.items(), looks, strict=False):
        deviations = [s.gradient_deviation if gradients else s.deviation for s in layers]
        values += [deviation for deviation in deviations if np.isfinite(deviation)]
        places = range(1, len(layers) + 1)
        axes.plot(places, deviations, style, marker=marker, color=color, label=label(name), lw=1.6)
    longest = max(models.values(), key=len)
    names = [signal.layer for signal in longest]
    axes.set_xticks(range(1, len(names) + 1), names)
    axes.set_title(label("Backward: the gradient" if gradients else "Forward: z in each layer"))
    axes.set_ylabel(label("standard deviation"))
    positive = [value for value in values if value > 0]
    if positive and max(positive) > _LINEAR_RANGE * min(positive):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def describe(models: dict[str, tuple[LayerSignal, ...]]) -> str:
    """Say in words what `draw_signals` draws."""
    sentences = [
        translate(
            "{label}: the standard deviation of z goes from {first} in the first layer to {last} "
            "in the last, that of the gradient from {gradient_last} in the last layer to "
            "{gradient_first} in the first."
        ).format(
            label=translate(name),
            first=_short(layers[0].deviation),
            last=_short(layers[-1].deviation),
            gradient_first=_short(layers[0].gradient_deviation),
            gradient_last=_short(layers[-1].gradient_deviation),
        )
        for name, layers in models.items()
    ]
    return " ".join(sentences)


def model_pairs(models: Models) -> list[tuple[nn.Module, str]]:
    """Return pairs (model, label), of a single model too; a `SignalsError` if there are none."""
    if isinstance(models, nn.Module):
        return [(models, type(models).__name__)]
    for pair in models:
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], nn.Module)):
            raise SignalsError("Give a model, or a list of pairs such as [(model, 'its label')].")
    return list(models)


def first_images(loader: DataLoader, batches: int) -> tuple[Tensor, Tensor]:
    """Return the images and labels of the first batches of `loader`, the same ones each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = list(islice(Batches(loader, torch.device("cpu")), batches))
    if len(first) < batches:
        raise SignalsError(
            "The loader gives {found} batches; {wanted} are needed.",
            found=len(first),
            wanted=batches,
        )
    return torch.cat([images for images, _ in first]), torch.cat([labels for _, labels in first])


def _short(number: float) -> str:
    """Write a number with two or three digits, large ones with commas."""
    size = abs(number)
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{float(f'{number:.2g}'):,.0f}"
    if size >= 1:
        return f"{number:.0f}" if size >= 10 else f"{number:.1f}"
    return f"{number:#.2g}" if size >= 1e-3 else f"{number:.1e}"
