"""Measures a two-model comparison against a plain `DataLoader`'s, and against the floor.

`python -m tests.benchmarks.training_speed` prints the times side by side, the ratios, and the
accuracies, which must be equal: both ways see the same images in the same order, with the same
dropout masks. The floor is the time of the matrix products of training alone, forward and
backward, which no way of training this network can do without.
"""

import argparse
import copy
import time
from itertools import pairwise
from statistics import median

import matplotlib
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

import helpers
from helpers.comparison import EPOCHS
from helpers.training import LEARNING_RATE, in_threads
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net, loaders

LABELS = ("uniform [-y, y), y = 1/sqrt(n)", "normal(0, y)")


class _Ordered:
    """A batch sampler that repeats orders fixed beforehand, one for each pass."""

    def __init__(self, orders: list[list[list[int]]]) -> None:
        self._orders = iter(orders)

    def __iter__(self):  # type: ignore[no-untyped-def]  # the type of a sampler's iterator is torch's
        return iter(next(self._orders))


def plain_comparison(
    models: list[tuple[nn.Module, str]], train_loader: DataLoader, valid_loader: DataLoader
) -> list[float]:
    """Train and validate as a plain loop does, converting one image at a time.

    Returns:
        The validation accuracy of each model in per cent.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        train_orders = [list(train_loader.batch_sampler or ()) for _ in range(EPOCHS)]
        valid_order = list(valid_loader.batch_sampler or ())
    accuracies = []
    for original, _ in models:
        model = copy.deepcopy(original)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
        batches = DataLoader(train_loader.dataset, batch_sampler=_Ordered(train_orders))
        # Drawing from another generator than dropout's keeps the masks the same as in helpers.
        batches.generator = torch.Generator()
        torch.manual_seed(0)
        model.train()
        for _ in range(EPOCHS):
            for images, labels in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(images), labels).backward()
                optimizer.step()
        right = 0
        model.eval()
        valid = DataLoader(valid_loader.dataset, batch_sampler=_Ordered([valid_order]))
        with torch.no_grad():
            for images, labels in valid:
                right += int((model(images).argmax(dim=1) == labels).sum())
        accuracies.append(100 * right / sum(map(len, valid_order)))
    return accuracies


def matrix_products(models: int, batches: int, batch_size: int = 100) -> None:
    """Compute the matrix products of training `models` networks, and nothing else.

    For a layer of n inputs and m outputs: its outputs (batch, n) by (n, m), its weights' gradient
    (m, batch) by (batch, n), and, except in the first layer, its inputs' gradient (batch, m) by
    (m, n).
    """
    sizes = (784, 256, 128, 10)
    weights = [torch.rand(m, n) for n, m in pairwise(sizes)]
    inputs = [torch.rand(batch_size, n) for n in sizes[:-1]]
    gradients = [torch.rand(batch_size, m) for m in sizes[1:]]
    for _ in range(models * batches):
        for i, (x, weight, gradient) in enumerate(zip(inputs, weights, gradients, strict=True)):
            x @ weight.T
            gradient.T @ x
            if i:
                gradient @ weight


def main() -> None:
    """Time both ways and the floor in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="how often each way is timed")
    repeat = parser.parse_args().repeat
    matplotlib.use("agg")

    train_loader, valid_loader = loaders(seed=0)
    models: list[tuple[nn.Module, str]] = []
    for label in LABELS:
        helpers.set_seed(0)
        models.append((Net().apply(INITIAL_WEIGHTS[label]), label))

    plain_times, helpers_times, floor_times = [], [], []
    for _ in range(repeat):
        start = time.perf_counter()
        # Both in one thread: with more, sums are added up in another order and round otherwise.
        with in_threads(1):
            plain = plain_comparison(models, train_loader, valid_loader)
        plain_times.append(time.perf_counter() - start)
        start = time.perf_counter()
        with in_threads(1):
            comparison = helpers.compare_init_weights(models, "bench", train_loader, valid_loader)
        helpers_times.append(time.perf_counter() - start)
        start = time.perf_counter()
        with in_threads(1):
            matrix_products(len(models), EPOCHS * len(train_loader))
        floor_times.append(time.perf_counter() - start)

    plain_time, helpers_time, floor = map(median, (plain_times, helpers_times, floor_times))
    found = [run.validation_accuracy for run in comparison.runs]
    print(f"\nTwo models, {EPOCHS} epochs, one thread, {comparison.data}, median of {repeat}:")
    print(f"  {plain_time / helpers_time:.1f} times faster than a plain DataLoader")
    print(f"  {helpers_time / floor:.1f} times the matrix products of training alone")
    print(f"  plain DataLoader      {plain_time:6.2f} s   accuracies {plain}")
    print(f"  compare_init_weights  {helpers_time:6.2f} s   accuracies {found}")
    print(f"  matrix products       {floor:6.2f} s")
    if found != plain:
        raise SystemExit("The accuracies differ, so the two did not train the same.")


if __name__ == "__main__":
    main()
