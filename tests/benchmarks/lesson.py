"""What the benchmarks share: the lesson's network, its data loaders and its initial weights."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, SubsetRandomSampler
from torchvision import datasets, transforms

import helpers


class Net(nn.Module):
    """The lesson's MLP, 784-256-128-10 with ReLU and dropout 0.2."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 128)
        self.fc3 = nn.Linear(128, 10)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores, shape (batch, 10), of images of shape (batch, 1, 28, 28)."""
        x = x.view(-1, 784)
        x = self.dropout(F.relu(self.fc1(x)))
        x = self.dropout(F.relu(self.fc2(x)))
        scores: Tensor = self.fc3(x)
        return scores


def loaders(seed: int) -> tuple[DataLoader, DataLoader]:
    """Return the lesson's loaders: 48,000 training and 12,000 validation images, batches of 100.

    Args:
        seed: decides which images are for validation.
    """
    folder = helpers.find_data()
    data = datasets.FashionMNIST(folder, train=True, transform=transforms.ToTensor())
    indices = np.random.default_rng(seed).permutation(len(data)).tolist()
    split = len(indices) // 5
    return (
        DataLoader(data, batch_size=100, sampler=SubsetRandomSampler(indices[split:])),
        DataLoader(data, batch_size=100, sampler=SubsetRandomSampler(indices[:split])),
    )


def _linear(fill: Callable[[Tensor, float], object] | None) -> Callable[[nn.Module], None]:
    """Return an initialization function: `fill(weight, y)` with y = 1/sqrt(n), and zero biases."""

    def initialize(module: nn.Module) -> None:
        if isinstance(module, nn.Linear) and fill is not None:
            with torch.no_grad():
                fill(module.weight, module.in_features**-0.5)
                module.bias.zero_()

    return initialize


# The rows of the table in docs/accuracies.md, in its order.
INITIAL_WEIGHTS = {
    "all zeros": _linear(lambda w, y: w.fill_(0.0)),
    "all ones": _linear(lambda w, y: w.fill_(1.0)),
    "uniform [0, 1)": _linear(lambda w, y: w.uniform_(0, 1)),
    "uniform [-0.5, 0.5)": _linear(lambda w, y: w.uniform_(-0.5, 0.5)),
    "uniform [-y, y), y = 1/sqrt(n)": _linear(lambda w, y: w.uniform_(-y, y)),
    "normal(0, y)": _linear(lambda w, y: w.normal_(0, y)),
    "PyTorch default": _linear(None),
    "normal(0, 1/n)": _linear(lambda w, y: w.normal_(0, y**2)),
    "normal(0, 1)": _linear(lambda w, y: w.normal_(0, 1)),
}
