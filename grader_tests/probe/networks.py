"""Networks that a student has not seen, drawn anew from a seed, built as `blueprint` plans them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..blueprint import CHANNELS, PICTURE_SIDE, SYMBOLS, Planned, large_plan, small_plans


class Classifier(nn.Module):
    """A network that classifies what `example` gives. Its modules are added as planned."""

    def example(self) -> Tensor:
        """Return a batch of inputs."""
        raise NotImplementedError


class Residual(nn.Module):
    """A block of two layers within a block."""

    widen: nn.Module
    narrow: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Add to the inputs what the layers make of them."""
        return x + self.narrow(self.widen(x))


class Pictures(Classifier):
    """A classifier of small pictures, shape (batch, 3, 8, 8)."""

    features: nn.Module
    body: nn.Module
    block: nn.Module
    scores: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Return the classes' scores."""
        return self.scores(self.block(self.body(self.features(x))))

    def example(self) -> Tensor:
        """Return 16 pictures."""
        return torch.randn(16, CHANNELS, PICTURE_SIDE, PICTURE_SIDE)


class Tokens(Classifier):
    """A classifier of short sequences of tokens, shape (batch, 5)."""

    embedding: nn.Module
    layers: nn.Module
    norm: nn.Module
    scores: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Return the classes' scores."""
        x = self.embedding(x).mean(dim=1)
        for layer in self.layers.children():
            x = torch.tanh(layer(x))
        return self.scores(self.norm(x))

    def example(self) -> Tensor:
        """Return 16 sequences."""
        return torch.randint(SYMBOLS, (16, 5))


class Wide(nn.Module):
    """A network to be looked at and not to be run."""


_OURS = {kind.__name__: kind for kind in (Residual, Pictures, Tokens, Wide)}


def small_networks(rng: np.random.Generator) -> list[nn.Module]:
    """Return networks that can be trained on their own `example()`."""
    return [_build(planned) for planned in small_plans(rng)]


def large_network(rng: np.random.Generator) -> nn.Module:
    """Return a network whose linear layers are large enough for statistics."""
    return _build(large_plan(rng))


def _build(planned: Sequence[Planned]) -> nn.Module:
    """Make the modules in their order, each after the one that it lies in.

    What is not a linear layer holds values that no default has, so that a reset shows.
    """
    network = _make(planned[0])
    for part in planned[1:]:
        place, _, name = part.name.rpartition(".")
        network.get_submodule(place).add_module(name, _make(part))
    for module in network.modules():
        if isinstance(module, nn.Linear):
            continue
        for parameter in module.parameters(recurse=False):
            nn.init.normal_(parameter, mean=0.5)
        for buffer in module.buffers(recurse=False):
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    return network


def _make(part: Planned) -> nn.Module:
    if part.type in _OURS:
        return _OURS[part.type]()
    match part.type:
        case "Linear":
            return nn.Linear(part.fan_in, part.fan_out)
        case "Conv2d":
            return nn.Conv2d(CHANNELS, part.shapes["bias"][0], 3, padding=1)
        case "Dropout":
            return nn.Dropout(0.2)
    # Containers and activations take nothing, norms and embeddings the sizes of their weight.
    return getattr(nn, part.type)(*part.shapes.get("weight", ()))
