"""What the probe's networks are made of: drawn from a seed, built by the probe, known to the judge.

It needs no PyTorch, so that the judge can say what an observation under a seed has to be of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from .observation import OBSERVED, UnknownCriterion

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

    Both come from the criterion's grade id, so that none depends on which others there are.

    Raises:
        UnknownCriterion: there is no such criterion.
    """
    if criterion not in OBSERVED:
        raise UnknownCriterion(f"{criterion} is none of the criteria {', '.join(OBSERVED)}.")
    ours, theirs = np.random.SeedSequence([seed, crc32(criterion.encode())]).spawn(2)
    return np.random.default_rng(ours), theirs


def picture_sizes(rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw the channels, the width and the inner width of the classifier of pictures."""
    channels, width, inner = _sizes(rng, (3, 6), (30, 40), (50, 70))
    return channels, width, inner


def token_sizes(rng: np.random.Generator) -> tuple[int, int]:
    """Draw the embedding's size and the width of the classifier of tokens."""
    size, width = _sizes(rng, (12, 18), (40, 60))
    return size, width


def large_sizes(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the numbers of inputs and neurons of the large network's linear layers."""
    return [(inputs, neurons) for inputs, neurons in (_sizes(rng, *pair) for pair in _LARGE)]


def _sizes(rng: np.random.Generator, *ranges: _Range) -> list[int]:
    return [int(rng.integers(low, high, endpoint=True)) for low, high in ranges]


def plan(seed: int, criterion: str) -> list[Planned]:
    """Return every module of the networks that the probe makes for a criterion, in order."""
    rng, _ = streams(seed, criterion)
    if OBSERVED[criterion].networks == "large":
        return _numbered(0, _large(large_sizes(rng)))
    networks = [_pictures(*picture_sizes(rng)), _tokens(*token_sizes(rng))]
    networks.append(_large(large_sizes(rng)))
    return [module for i, network in enumerate(networks) for module in _numbered(i, network)]


def _numbered(index: int, network: list[Planned]) -> list[Planned]:
    return [
        Planned(f"{index}.{module.name}", module.type, module.fan_in, module.fan_out, module.shapes)
        for module in network
    ]


def _pictures(channels: int, width: int, inner: int) -> list[Planned]:
    return [
        Planned("", "_Pictures"),
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
        Planned("block.0", "_Residual"),
        _linear("block.0.widen", width, inner),
        Planned("block.0.narrow", "Sequential"),
        Planned("block.0.narrow.0", "ReLU"),
        _linear("block.0.narrow.1", inner, width),
        _layer_norm("block.1", width),
        _linear("scores", width, CLASSES),
    ]


def _tokens(size: int, width: int) -> list[Planned]:
    return [
        Planned("", "_Tokens"),
        Planned("embedding", "Embedding", shapes={"weight": (SYMBOLS, size)}),
        Planned("layers", "ModuleList"),
        _linear("layers.0", size, width),
        _linear("layers.1", width, TOKEN_SCORES),
        _batch_norm("norm", "BatchNorm1d", TOKEN_SCORES),
        Planned("scores", "Sequential"),
        Planned("scores.0", "Dropout"),
        _linear("scores.1", TOKEN_SCORES, CLASSES),
    ]


def _large(sizes: Sequence[tuple[int, int]]) -> list[Planned]:
    few, many, tall, wide, upper, lower = sizes
    return [
        Planned("", "_Wide"),
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
