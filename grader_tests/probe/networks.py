"""Networks that a student has not seen, drawn anew from a seed, as `blueprint` plans them."""

import numpy as np
import torch
from torch import Tensor, nn

from ..blueprint import (
    CHANNELS,
    CLASSES,
    PICTURE_SIDE,
    SYMBOLS,
    TOKEN_SCORES,
    large_sizes,
    picture_sizes,
    token_sizes,
)


class Classifier(nn.Module):
    """A network that classifies what `example` gives."""

    def example(self) -> Tensor:
        """Return a batch of inputs."""
        raise NotImplementedError


class _Residual(nn.Module):
    """A block of two layers within a block."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Sequential(nn.ReLU(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(self.widen(x))


class _Pictures(Classifier):
    """A classifier of small pictures, shape (batch, 3, 8, 8)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        channels, width, inner = picture_sizes(rng)
        self.features = nn.Sequential(
            nn.Conv2d(CHANNELS, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(channels * PICTURE_SIDE**2, width), nn.ReLU(), nn.Dropout(0.2)
        )
        self.block = nn.Sequential(_Residual(width, inner), nn.LayerNorm(width))
        self.scores = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(self.block(self.body(self.features(x))))

    def example(self) -> Tensor:
        return torch.randn(16, CHANNELS, PICTURE_SIDE, PICTURE_SIDE)


class _Tokens(Classifier):
    """A classifier of short sequences of tokens, shape (batch, 5)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        size, width = token_sizes(rng)
        self.embedding = nn.Embedding(SYMBOLS, size)
        self.layers = nn.ModuleList([nn.Linear(size, width), nn.Linear(width, TOKEN_SCORES)])
        self.norm = nn.BatchNorm1d(TOKEN_SCORES)
        self.scores = nn.Sequential(nn.Dropout(0.1), nn.Linear(TOKEN_SCORES, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x).mean(dim=1)
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.scores(self.norm(x))

    def example(self) -> Tensor:
        return torch.randint(SYMBOLS, (16, 5))


class _Wide(nn.Module):
    """Large layers among others, to be looked at and not to be run.

    About 285,000 weights in six layers. Three have more inputs than neurons and three fewer; none
    is square, so that no two rules for the deviation agree on all of them. The first has so few
    inputs that 1/sqrt(n) can be told from 1/sqrt(n + 1), and so many neurons that its deviation
    is known well all the same.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        layers = [nn.Linear(*sizes) for sizes in large_sizes(rng)]
        few, many, tall, wide, upper, lower = layers
        self.features = nn.Sequential(nn.Conv2d(CHANNELS, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), many)
        self.embedding = nn.Embedding(11, 7)
        self.body = nn.ModuleDict({"up": nn.Sequential(few, nn.Sequential(nn.GELU(), tall))})
        self.norm = nn.LayerNorm(9)
        self.tail = nn.ModuleList([wide, nn.Dropout(0.2), upper])
        self.scores = lower


def small_networks(rng: np.random.Generator) -> list[Classifier]:
    """Return networks that can be trained on their own `example()`.

    What is not a linear layer holds values that no default has, so that a reset shows.
    """
    networks = [_Pictures(rng), _Tokens(rng)]
    for network in networks:
        _leave_defaults(network)
    return networks


def large_network(rng: np.random.Generator) -> nn.Module:
    """Return a network whose linear layers are large enough for statistics."""
    network = _Wide(rng)
    _leave_defaults(network)
    return network


def _leave_defaults(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear):
            continue
        for parameter in module.parameters(recurse=False):
            nn.init.normal_(parameter, mean=0.5)
        for buffer in module.buffers(recurse=False):
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
