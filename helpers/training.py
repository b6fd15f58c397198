"""Trains one model and measures it: what a comparison does for each of its models.

Read it: the loop in `train` is the usual one. What is unusual is where the batches come from.
Every model of a comparison gets the same batches in the same order, and a data set that lies in
memory is indexed as a whole rather than converted one image at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate
from torchvision import datasets, transforms

from .machinery.progress import SizedIterable, progress

LEARNING_RATE = 0.001

Batch = tuple[Tensor, Tensor]


class Batches:
    """The batches of a `DataLoader`, in an order fixed once, as often as they are wanted.

    Args:
        loader: any loader over a data set that can be indexed.
        device: where the batches are to be.
        epochs: how many times the loader's sampler is asked for an order.

    Attributes:
        device: as given.
        orders: for each epoch the batches, each as the indices of its images.
        memory: the data set's images, as bytes, and labels; None if it does not lie in memory.
    """

    def __init__(self, loader: DataLoader, device: torch.device, epochs: int = 1) -> None:
        self._loader = loader
        self.device = device
        self.orders: list[list[list[int]]] = [
            list(loader.batch_sampler or ()) for _ in range(epochs)
        ]
        self.memory = _in_memory(loader, device)

    def __len__(self) -> int:
        return sum(len(order) for order in self.orders)

    @property
    def per_epoch(self) -> int:
        """The number of batches in one epoch."""
        return len(self.orders[0])

    def __iter__(self) -> Iterator[Batch]:
        for order in self.orders:
            for indices in order:
                yield self._batch(indices)

    def _batch(self, indices: list[int]) -> Batch:
        if self.memory is not None:
            images, labels = self.memory
            chosen = torch.as_tensor(indices, device=self.device)
            # What transforms.ToTensor does with an image: add the channel, scale 0..255 to 0..1.
            # index_select copies whole images, six times faster than images[chosen].
            pixels = images.index_select(0, chosen).unsqueeze(1).float()
            return pixels.div_(255), labels.index_select(0, chosen)
        images, labels = self._loader.collate_fn([self._loader.dataset[i] for i in indices])
        return images.to(self.device), labels.to(self.device)


def _in_memory(loader: DataLoader, device: torch.device) -> Batch | None:
    """Return a torchvision data set's images (bytes) and labels, if indexing them is the same.

    It is the same where `ToTensor` is the only transform, because nothing is then random and
    nothing depends on the single image.
    """
    dataset: Any = loader.dataset
    if (
        isinstance(dataset, datasets.MNIST)
        and type(dataset.transform) is transforms.ToTensor
        and dataset.target_transform is None
        and loader.collate_fn is default_collate
    ):
        return dataset.data.to(device), dataset.targets.to(device)
    return None


def train(model: nn.Module, batches: SizedIterable[Batch], label: str, seed: int) -> list[float]:
    """Train `model` in place with Adam (learning rate 0.001) and cross-entropy.

    Args:
        model: gives class scores (logits) of shape (batch, classes) for a batch of images.
        batches: what to train on, once through.
        label: what the progress bar calls the model; without one there is no bar.
        seed: seeds PyTorch's generator, from which dropout draws. Models of one architecture
            then get the same dropout masks. The caller's generator state is kept.

    Returns:
        The loss of each batch, measured before the step that the batch leads to.
    """
    losses = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
        for images, labels in progress(batches, label):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).double().tolist()


def accuracy(model: nn.Module, batches: Batches) -> float:
    """Return the percentage of images that `model` classifies rightly, with dropout off."""
    right = count = 0
    model.eval()
    with torch.no_grad():
        for images, labels in batches:
            right += int((model(images).argmax(dim=1) == labels).sum())
            count += len(labels)
    return 100 * right / count


@contextmanager
def in_threads(number: int) -> Iterator[None]:
    """Let PyTorch compute in so many threads meanwhile.

    For one model it should be 1. The lesson's matrices are small: a second thread saves a quarter
    of the time on an idle machine, and on a busy one the threads mostly wait for each other. With
    one thread, sums are also added up in the same order whatever the number of cores, so figures
    agree more often.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
