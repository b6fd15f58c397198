"""Measures what each initialization of the lesson reaches: `python -m tests.benchmarks.accuracies`.

Prints a table in Markdown, which docs/accuracies.md holds.
"""

import argparse

import matplotlib
import torch

import helpers
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net, loaders


def main() -> None:
    """Train every initialization under each seed and print the ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds, 0 upward")
    seeds = range(parser.parse_args().seeds)
    matplotlib.use("agg")

    runs: dict[str, list[helpers.Run]] = {label: [] for label in INITIAL_WEIGHTS}
    for seed in seeds:
        train_loader, valid_loader = loaders(seed)
        models = []
        for label, initialize in INITIAL_WEIGHTS.items():
            helpers.set_seed(seed)
            models.append((Net().apply(initialize), label))
        comparison = helpers.compare_init_weights(
            models, f"seed {seed}", train_loader, valid_loader, seed=seed
        )
        for run in comparison.runs:
            runs[run.label].append(run)

    print(f"\ntorch {torch.__version__}, {len(seeds)} seeds, {comparison.data}\n")
    print("| initial weights | mean accuracy % | range | first 100 batches | last 100 batches |")
    print("| --- | --- | --- | --- | --- |")
    for label, of_label in runs.items():
        accuracies = [run.validation_accuracy for run in of_label]
        first = sum(run.losses[:100].mean() for run in of_label) / len(of_label)
        last = sum(run.training_loss for run in of_label) / len(of_label)
        mean = sum(accuracies) / len(accuracies)
        spread = f"{min(accuracies):.1f} to {max(accuracies):.1f}"
        print(f"| {label} | {mean:.1f} | {spread} | {first:.4g} | {last:.3g} |")


if __name__ == "__main__":
    main()
