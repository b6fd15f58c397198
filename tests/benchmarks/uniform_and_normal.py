"""Puts uniform against normal weights: `python -m tests.benchmarks.uniform_and_normal`.

One comparison cannot say which distribution is better, so this repeats it: under each seed the
images are split anew, the weights drawn anew, and three models see the same batches. The third
draws uniformly from an interval wider by sqrt(3), and so with the standard deviation of the normal
weights: it tells whether a difference comes from the shape of the distribution or from its scale.

Prints what docs/uniform_and_normal.md holds.
"""

import argparse

import matplotlib
import numpy as np
import torch
from torch import nn

import helpers
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net, loaders


def _wide_uniform(module: nn.Module) -> None:
    """Draw a linear layer's weights uniformly, with deviation 1/sqrt(n); set its bias to 0."""
    if isinstance(module, nn.Linear):
        bound = (3 / module.in_features) ** 0.5
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.zeros_(module.bias)


MODELS = {
    "uniform": INITIAL_WEIGHTS["uniform [-y, y), y = 1/sqrt(n)"],
    "normal": INITIAL_WEIGHTS["normal(0, y)"],
    "wide uniform": _wide_uniform,
}


def main() -> None:
    """Repeat the comparison and print the differences in validation accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30, help="how many seeds, 100 upward")
    seeds = range(100, 100 + parser.parse_args().seeds)
    matplotlib.use("agg")

    accuracies: dict[str, list[float]] = {label: [] for label in MODELS}
    for seed in seeds:
        train_loader, valid_loader = loaders(seed)
        helpers.set_seed(seed)
        models = [(Net().apply(initialize), label) for label, initialize in MODELS.items()]
        comparison = helpers.compare_init_weights(
            models, f"seed {seed}", train_loader, valid_loader, seed=seed
        )
        for run in comparison.runs:
            accuracies[run.label].append(run.validation_accuracy)

    print(f"\ntorch {torch.__version__}, {len(seeds)} seeds, {comparison.data}\n")
    print("| difference in validation accuracy | mean | standard error | lowest | highest |")
    print("| --- | --- | --- | --- | --- |")
    for label in ("uniform", "wide uniform"):
        difference = np.array(accuracies["normal"]) - np.array(accuracies[label])
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        print(
            f"| normal minus {label} | {difference.mean():+.2f} | {error:.2f} "
            f"| {difference.min():+.2f} | {difference.max():+.2f} |"
        )


if __name__ == "__main__":
    main()
