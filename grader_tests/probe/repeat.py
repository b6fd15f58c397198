"""Repeats what a run of training claims, where no student code runs: a job of the grading's own.

Training is a pure function of weights, data and settings. So its first batches, trained on again
from the claimed initial weights, give the claimed losses to the last bit, and the claimed final
weights classify the claimed validation images exactly as well as claimed.
"""

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader_kit.observing.arrays import decode_array, encode_array
from grader_kit.observing.format import Record, emit

from ..observation import MIME_TYPE, OUR_IMAGES


class Net(nn.Module):
    """The lesson's network, with the arrays of a state as its weights."""

    def __init__(self, state: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        shapes = [state[f"fc{number}.weight"].shape for number in (1, 2, 3)]
        self.fc1, self.fc2, self.fc3 = (nn.Linear(fan_in, out) for out, fan_in in shapes)
        self.dropout = nn.Dropout(0.2)
        self.load_state_dict({name: torch.tensor(values) for name, values in state.items()})

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores, shape (batch, 10), of images of shape (batch, 1, 28, 28)."""
        x = self.dropout(F.relu(self.fc1(x.view(-1, 28 * 28))))
        scores: Tensor = self.fc3(self.dropout(F.relu(self.fc2(x))))
        return scores


def repeat(claim: Mapping[str, Any], training: ModuleType, folder: str) -> Record:
    """Train on the first batches of a claim, and measure its final weights.

    Args:
        claim: as `describe_default` has it, and checked.
        training: the lesson's `helpers.training`.
        folder: with the data set.

    Returns:
        A JSON object with `losses`, shape (batches,), `accuracy`, in per cent, and
        `accuracy_on_ours`, on images that the claim has not chosen.
    """
    with training.in_threads(1):
        model = Net(_state(claim["initial"]))
        batches = _batches(claim["training"], training, folder)
        losses = training.train(model, batches, "", claim["seed"])
        model = Net(_state(claim["final"]))
        validation = claim["validation"]
        accuracy = training.accuracy(model, _batches(validation, training, folder))
        ours = {**validation, "batches": [list(range(OUR_IMAGES))]}
        on_ours = training.accuracy(model, _batches(ours, training, folder))
    told = {"accuracy": accuracy, "accuracy_on_ours": on_ours}
    return {"losses": encode_array(np.array(losses, dtype=np.float32)), **told}


def report(claim: Mapping[str, Any], training: ModuleType, folder: str) -> None:
    """Send off what `repeat` returns."""
    emit(MIME_TYPE, repeat(claim, training, folder))


def _state(encoded: Mapping[str, object]) -> dict[str, np.ndarray]:
    return {name: decode_array(values).copy() for name, values in encoded.items()}


def _batches(images: Mapping[str, Any], training: ModuleType, folder: str) -> Any:
    """Return batches of given images, read as the lesson reads them."""
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(_data(folder, images["part"]), batch_sampler=images["batches"])
    return training.Batches(loader, torch.device("cpu"))


@cache
def _data(folder: str, part: str) -> Any:
    from torchvision import datasets, transforms

    return datasets.FashionMNIST(folder, train=part == "train", transform=transforms.ToTensor())
