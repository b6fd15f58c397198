"""The networks of the panel: what one can choose, and what then comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from .machinery.figures import label
from .signals import LayerSignal, measure
from .training import in_threads, train

WIDTH = 64  # neurons of a hidden layer: small, so that an answer comes at once
BATCHES = 100  # length of the training curve
_KEPT = 3  # settings that the picture shows: the latest and those before it

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


@dataclass(frozen=True)
class Result:
    """What the lab finds out about a setting: signals before training, and the training losses."""

    signals: tuple[LayerSignal, ...]
    losses: np.ndarray


class Tried:
    """The latest settings with their results, each in a place, and so in a color, that it keeps."""

    def __init__(self) -> None:
        self.pinned: Setting | None = None
        self._places: list[Setting] = []
        self._results: dict[Setting, Result] = {}  # the latest last

    def add(self, setting: Setting, result: Result) -> None:
        """Add a setting, in the place of the oldest that is not pinned where all are taken."""
        self._results.pop(setting, None)
        if len(self._results) == _KEPT:
            oldest = next(each for each in self._results if each != self.pinned)
            del self._results[oldest]
            self._places[self._places.index(oldest)] = setting
        elif setting not in self._places:
            self._places.append(setting)
        self._results[setting] = result

    def pin(self, setting: Setting | None) -> None:
        """Let a setting stay however many come after it; None lets the pinned one go."""
        self.pinned = setting

    def clear(self) -> None:
        """Forget all settings, the pinned one too."""
        self.pinned = None
        self._places.clear()
        self._results.clear()

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
        batches = list(zip(images.chunk(BATCHES), labels.chunk(BATCHES), strict=True))
        losses = train(model, batches, "", seed=0)
    return Result(signals, np.array(losses))


def make_network(setting: Setting, inputs: int) -> nn.Sequential:
    """Return a network of linear layers, `setting.depth` of them hidden, with chosen weights."""
    modules: list[nn.Module] = [nn.Flatten()]
    widths = [inputs] + [WIDTH] * setting.depth + [10]
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
