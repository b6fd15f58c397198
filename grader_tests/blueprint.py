"""What the probe's networks are made of: drawn from a seed, built by the probe, known to the judge.

It needs no PyTorch, so that the judge can say what an observation under a seed has to be of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grader_kit.observing import format

from .observation import OBSERVED

CLASSES = 10
"""The number of classes that the small networks tell apart: the lesson's, since a function might
treat a layer of this size in another way."""

PICTURE_SIDE = 8
CHANNELS = 3
SYMBOLS = 30
TOKEN_SCORES = 25

_Range = tuple[int, int]

# Ranges of the numbers of inputs and neurons.
_LARGE: Sequence[tuple[_Range, _Range]] = (
    ((5, 7), (3500, 4300)),
    ((700, 850), (72, 90)),
    ((120, 150), (380, 440)),
    ((1100, 1350), (36, 46)),
    ((300, 340), (180, 220)),
    ((40, 56), (500, 620)),
)


@dataclass(frozen=True)
class Planned:
    """A module as the probe makes it: its place, its class, and the shapes of its tensors.

    `fan_in` and `fan_out` are those of a linear layer, and 0 for other modules.
    """

    name: str
    type: str
    fan_in: int = 0
    fan_out: int = 0
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def streams(seed: int, criterion: str) -> tuple[np.random.Generator, np.random.SeedSequence]:
    """Return what a criterion's networks are drawn with, and what seeds student code's draws.

    Raises:
        UnknownCriterion: there is no such criterion.
    """
    return format.streams(seed, criterion, OBSERVED)


def probe_images(rng: np.random.Generator) -> np.ndarray:
    """Return images of random pixels that a student's model is shown, shape (16, 784), float32."""
    return rng.random((16, 28 * 28), dtype=np.float32)


def large_sizes(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the numbers of inputs and neurons of the large network's linear layers."""
    return [(inputs, neurons) for inputs, neurons in (_sizes(rng, *pair) for pair in _LARGE)]


def _sizes(rng: np.random.Generator, *ranges: _Range) -> list[int]:
    return [int(rng.integers(low, high, endpoint=True)) for low, high in ranges]


def plan(seed: int, criterion: str) -> list[Planned]:
    """Return every module of the networks that the probe makes for a criterion, in order."""
    rng, _ = streams(seed, criterion)
    small_too = OBSERVED[criterion].networks == "all"
    networks = [*(small_plans(rng) if small_too else ()), large_plan(rng)]
    return [
        replace(module, name=f"{index}.{module.name}")
        for index, network in enumerate(networks)
        for module in network
    ]


def small_plans(rng: np.random.Generator) -> list[list[Planned]]:
    """Plan the networks that are trained: a classifier of pictures and one of tokens."""
    return [
        _pictures(*_sizes(rng, (3, 6), (30, 40), (50, 70))),
        _tokens(*_sizes(rng, (12, 18), (40, 60))),
    ]


def _pictures(channels: int, width: int, inner: int) -> list[Planned]:
    return [
        Planned("", "Pictures"),
        Planned("features", "Sequential"),
        _convolution("features.0", channels),
        _batch_norm("features.1", "BatchNorm2d", channels),
        Planned("features.2", "ReLU"),
        Planned("body", "Sequential"),
        Planned("body.0", "Flatten"),
        _linear("body.1", channels * PICTURE_SIDE**2, width),
        Planned("body.2", "ReLU"),
        Planned("body.3", "Dropout"),
        Planned("block", "Sequential"),
        Planned("block.0", "Residual"),
        _linear("block.0.widen", width, inner),
        Planned("block.0.narrow", "Sequential"),
        Planned("block.0.narrow.0", "ReLU"),
        _linear("block.0.narrow.1", inner, width),
        _layer_norm("block.1", width),
        _linear("scores", width, CLASSES),
    ]


def _tokens(size: int, width: int) -> list[Planned]:
    return [
        Planned("", "Tokens"),
        Planned("embedding", "Embedding", shapes={"weight": (SYMBOLS, size)}),
        Planned("layers", "ModuleList"),
        _linear("layers.0", size, width),
        _linear("layers.1", width, TOKEN_SCORES),
        _batch_norm("norm", "BatchNorm1d", TOKEN_SCORES),
        Planned("scores", "Sequential"),
        Planned("scores.0", "Dropout"),
        _linear("scores.1", TOKEN_SCORES, CLASSES),
    ]


def large_plan(rng: np.random.Generator) -> list[Planned]:
    """Plan large layers among others, to be looked at and not to be run.

    About 285,000 weights in six layers. Three have more inputs than neurons and three fewer; none
    is square, so that no two rules for the deviation agree on all of them. The first has so few
    inputs that 1/sqrt(n) can be told from 1/sqrt(n + 1), and so many neurons that its deviation
    is known well all the same.
    """
    few, many, tall, wide, upper, lower = large_sizes(rng)
    return [
        Planned("", "Wide"),
        Planned("features", "Sequential"),
        _convolution("features.0", 4),
        _batch_norm("features.1", "BatchNorm2d", 4),
        Planned("features.2", "ReLU"),
        _linear("features.3", *many),
        Planned("embedding", "Embedding", shapes={"weight": (11, 7)}),
        Planned("body", "ModuleDict"),
        Planned("body.up", "Sequential"),
        _linear("body.up.0", *few),
        Planned("body.up.1", "Sequential"),
        Planned("body.up.1.0", "GELU"),
        _linear("body.up.1.1", *tall),
        _layer_norm("norm", 9),
        Planned("tail", "ModuleList"),
        _linear("tail.0", *wide),
        Planned("tail.1", "Dropout"),
        _linear("tail.2", *upper),
        _linear("scores", *lower),
    ]


def _linear(name: str, fan_in: int, fan_out: int) -> Planned:
    shapes = {"weight": (fan_out, fan_in), "bias": (fan_out,)}
    return Planned(name, "Linear", fan_in, fan_out, shapes)


def _convolution(name: str, channels: int) -> Planned:
    shapes = {"weight": (channels, CHANNELS, 3, 3), "bias": (channels,)}
    return Planned(name, "Conv2d", shapes=shapes)


def _layer_norm(name: str, width: int) -> Planned:
    return Planned(name, "LayerNorm", shapes=dict.fromkeys(("weight", "bias"), (width,)))


def _batch_norm(name: str, kind: str, width: int) -> Planned:
    vectors = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (width,))
    return Planned(name, kind, shapes={**vectors, "num_batches_tracked": ()})
