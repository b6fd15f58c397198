"""A panel to try initial weights with: distribution, scale, depth and activation function."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from .data import find_data
from .machinery.figures import label, legend_below, show
from .machinery.language import translate
from .machinery.notebook import shell
from .plots import draw_losses
from .self_check import nbgrader_is_running
from .signals import LayerSignal, describe, draw_signals, first_images, measure
from .training import in_threads, train

_WIDTH = 64  # neurons of a hidden layer: small, so that an answer comes at once
_BATCHES = 100  # length of the training curve
_KEPT = 3  # settings that the picture shows: the latest and those before it
_FIGURE = "helpers.init_lab"

DISTRIBUTIONS = ("normal", "uniform")
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "ReLU": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "none": nn.Identity,
}
# From far too small to far too large. 0.58 is PyTorch's default, 1 the general rule for normal
# weights, 1.41 He's rule.
SCALES = (0.1, 0.25, 0.58, 0.7, 1.0, 1.2, 1.41, 1.7, 2.0, 3.0, 5.0, 10.0)
DEPTHS = range(1, 11)


@dataclass(frozen=True)
class Setting:
    """What one can choose in the lab.

    Attributes:
        distribution: "normal" or "uniform".
        scale: the weights' standard deviation as a multiple of 1/sqrt(n).
        depth: number of hidden layers.
        activation: a key of `ACTIVATIONS`.
    """

    distribution: str = "normal"
    scale: float = 1.0
    depth: int = 6
    activation: str = "ReLU"

    def __str__(self) -> str:
        # In the figure's language: this stands in its legend.
        layers = label("{depth} layers", depth=self.depth)
        words = (label(self.distribution), f"{self.scale:g}/√n", layers, label(self.activation))
        return label(", ").join(words)


def init_lab(loader: DataLoader | None = None) -> None:
    """Show a panel that draws signals and a short training curve for initial weights you choose.

    The network has hidden layers of 64 neurons and biases of 0. It is trained on 100 batches with
    Adam 0.001. Each choice is drawn beside the two before it. Without widgets, in a plain script
    or an exported page, the picture that the panel starts with stands alone. While nbgrader runs
    the notebook it is passed over.

    Args:
        loader: batches of images and class labels; without it, of Fashion-MNIST.
    """
    if nbgrader_is_running():
        # A panel that nobody can move.
        return
    if loader is None:
        data = datasets.FashionMNIST(find_data(), train=True, transform=transforms.ToTensor())
        loader = DataLoader(data, batch_size=100, shuffle=True)
    images, labels = first_images(loader, _BATCHES)
    tried = Tried()

    def add(setting: Setting) -> None:
        tried.add(setting, try_setting(setting, images, labels))

    add(Setting())

    def chosen(setting: Setting) -> None:
        add(setting)
        _draw(tried.results(), _FIGURE)

    controls = _controls(chosen)
    if controls is None:
        _draw(tried.results(), None)
    else:
        from IPython.display import display

        display(controls)
        _draw(tried.results(), _FIGURE)


@dataclass(frozen=True)
class Result:
    """What the lab finds out about a setting: signals before training, and the training losses."""

    signals: tuple[LayerSignal, ...]
    losses: np.ndarray


class Tried:
    """The latest settings with their results, each in a place, and so in a color, that it keeps."""

    def __init__(self) -> None:
        self._places: list[Setting] = []
        self._results: dict[Setting, Result] = {}  # the latest last

    def add(self, setting: Setting, result: Result) -> None:
        """Add a setting, in the place of the oldest where all are taken."""
        self._results.pop(setting, None)
        if len(self._results) == _KEPT:
            oldest = next(iter(self._results))
            del self._results[oldest]
            self._places[self._places.index(oldest)] = setting
        elif setting not in self._places:
            self._places.append(setting)
        self._results[setting] = result

    def results(self) -> dict[Setting, Result]:
        """Return the results in the order of their places."""
        return {setting: self._results[setting] for setting in self._places}


def try_setting(setting: Setting, images: Tensor, labels: Tensor) -> Result:
    """Make a network as `setting` says, measure its signals and train it on 100 batches.

    A batch is a hundredth of `images`, shape (images, ...); `labels` holds the class of each.
    """
    with torch.random.fork_rng(), in_threads(1):
        torch.manual_seed(0)
        model = make_network(setting, images[0].numel())
        signals = measure(model, images[:1000], labels[:1000])
        batches = list(zip(images.chunk(_BATCHES), labels.chunk(_BATCHES), strict=True))
        losses = train(model, batches, "", seed=0)
    return Result(signals, np.array(losses))


def make_network(setting: Setting, inputs: int) -> nn.Sequential:
    """Return a network of linear layers, `setting.depth` of them hidden, with chosen weights."""
    modules: list[nn.Module] = [nn.Flatten()]
    widths = [inputs] + [_WIDTH] * setting.depth + [10]
    for fan_in, fan_out in pairwise(widths):
        layer = nn.Linear(fan_in, fan_out)
        deviation = setting.scale / fan_in**0.5
        with torch.no_grad():
            layer.weight.copy_(deviation * _standard(setting.distribution, layer.weight.shape))
            layer.bias.zero_()
        modules += [layer, ACTIVATIONS[setting.activation]()]
    return nn.Sequential(*modules[:-1])


def _standard(distribution: str, shape: torch.Size) -> Tensor:
    """Draw values of mean 0 and standard deviation 1."""
    if distribution == "normal":
        return torch.randn(shape)
    # A uniform distribution on [0, 1) has the standard deviation 1/sqrt(12).
    return (torch.rand(shape) - 0.5) * 12**0.5


def _draw(results: dict[Setting, Result], display_id: str | None) -> None:
    # The modules of a Sequential are numbered; what counts here is the how manyth layer it is.
    models = {
        str(setting): tuple(
            replace(signal, layer=str(place)) for place, signal in enumerate(result.signals, 1)
        )
        for setting, result in results.items()
    }
    losses = {str(setting): result.losses for setting, result in results.items()}
    show(_draw_figure, models, losses, description=describe(models), display_id=display_id)


def _draw_figure(
    models: dict[str, tuple[LayerSignal, ...]], losses: dict[str, np.ndarray]
) -> Figure:
    figure, panels = plt.subplots(3, 1, figsize=(5.6, 7.2), layout="constrained")
    draw_signals(panels[0], models, gradients=False)
    draw_signals(panels[1], models, gradients=True)
    panels[1].set_xlabel(label("layer"))
    draw_losses(panels[2], losses)
    panels[2].set_title(label("The first 100 batches of training"))
    legend_below(figure, panels[0])
    return figure


def _controls(chosen: Callable[[Setting], Any]) -> Any:
    """Return controls that call `chosen` at every change; None where nobody could use them."""
    if shell() is None or "NBGRADER_EXECUTION" in os.environ:
        return None
    try:
        from ipywidgets import Dropdown, IntSlider, SelectionSlider, VBox
    except ImportError:
        return None
    start = Setting()
    fields: dict[str, Any] = {}

    def changed(_change: object) -> None:
        chosen(Setting(**{name: field.value for name, field in fields.items()}))

    def add(name: str, kind: Any, description: str, **more: Any) -> None:
        fields[name] = kind(
            description=description,
            value=getattr(start, name),
            style={"description_width": "13em"},
            layout={"width": "28em"},
            **more,
        )
        fields[name].observe(changed, names="value")

    def texts(names: Iterable[str]) -> list[tuple[str, str]]:
        return [(translate(name), name) for name in names]

    # A slider answers when it is let go.
    slider = {"continuous_update": False}
    scales = [(f"{scale:g}", scale) for scale in SCALES]
    add("distribution", Dropdown, translate("distribution"), options=texts(DISTRIBUTIONS))
    add("scale", SelectionSlider, translate("scale, times 1/√n"), options=scales, **slider)
    add("depth", IntSlider, translate("hidden layers"), min=DEPTHS[0], max=DEPTHS[-1], **slider)
    add("activation", Dropdown, translate("activation"), options=texts(ACTIVATIONS))
    return VBox(list(fields.values()))
