"""Measures a two-model comparison against the same one through a plain `DataLoader`.

`python -m tests.benchmarks.training_speed` prints the times side by side, the ratio, and the
accuracies, which must be equal: both ways see the same images in the same order, with the same
dropout masks.
"""

import argparse
import copy
import time
from statistics import median

import matplotlib
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

import helpers
from helpers.comparison import EPOCHS
from helpers.training import LEARNING_RATE, one_thread
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


def main() -> None:
    """Time both ways in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="how often each way is timed")
    repeat = parser.parse_args().repeat
    matplotlib.use("agg")

    train_loader, valid_loader = loaders(seed=0)
    models: list[tuple[nn.Module, str]] = []
    for label in LABELS:
        helpers.set_seed(0)
        models.append((Net().apply(INITIAL_WEIGHTS[label]), label))

    plain_times, helpers_times = [], []
    for _ in range(repeat):
        start = time.perf_counter()
        # Both in one thread: with more, sums are added up in another order and round otherwise.
        with one_thread():
            plain = plain_comparison(models, train_loader, valid_loader)
        plain_times.append(time.perf_counter() - start)
        start = time.perf_counter()
        comparison = helpers.compare_init_weights(models, "bench", train_loader, valid_loader)
        helpers_times.append(time.perf_counter() - start)

    ratio = median(plain_times) / median(helpers_times)
    print(f"\nTwo models, {EPOCHS} epochs, one thread, {comparison.data}:")
    print(f"  {ratio:.1f} times faster than a plain DataLoader (median of {repeat})")
    print(f"  plain DataLoader      {median(plain_times):6.2f} s   accuracies {plain}")
    found = [run.validation_accuracy for run in comparison.runs]
    print(f"  compare_init_weights  {median(helpers_times):6.2f} s   accuracies {found}")
    if found != plain:
        raise SystemExit("The accuracies differ, so the two did not train the same.")


if __name__ == "__main__":
    main()
