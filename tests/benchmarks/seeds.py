"""Measures a comparison over several seeds against as many comparisons one after the other.

`python -m tests.benchmarks.seeds` prints the times side by side and how far the losses differ, on
the device that `helpers.compare_init_weights` takes: a GPU where there is one.
"""

import argparse
import time

import matplotlib
import numpy as np
import torch

import helpers
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net, loaders

LABEL = "normal(0, y)"


def main() -> None:
    """Time both ways in turn and print the shortest times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds")
    parser.add_argument("--repeat", type=int, default=3, help="how often each way is timed")
    arguments = parser.parse_args()
    matplotlib.use("agg")
    train_loader, valid_loader = loaders(0)

    def make() -> torch.nn.Module:
        return Net().apply(INITIAL_WEIGHTS[LABEL])

    models = []
    for seed in range(arguments.seeds):
        helpers.set_seed(seed)
        models.append((make(), f"{LABEL}, seed {seed}"))
    apart, together = [], []
    for _ in range(arguments.repeat):
        start = time.perf_counter()
        alone = [
            run
            for model in models
            for run in helpers.compare_init_weights(
                [model], "apart", train_loader, valid_loader, epochs=1
            ).runs
        ]
        apart.append(time.perf_counter() - start)
        start = time.perf_counter()
        all_at_once = helpers.compare_init_weights(
            [(make, LABEL)], "together", train_loader, valid_loader, seeds=len(models), epochs=1
        )
        together.append(time.perf_counter() - start)
    device = f"{torch.get_num_threads()} CPU thread(s)"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    first = [np.array([run.losses[:20] for run in runs]) for runs in (alone, all_at_once.runs)]
    print(
        f"\n{len(models)} seeds, 1 epoch, {all_at_once.data}, torch {torch.__version__}, {device}:"
    )
    print(f"  one after the other  {min(apart):6.2f} s")
    print(f"  together             {min(together):6.2f} s ({min(apart) / min(together):.1f} times)")
    print(f"  largest difference in the first 20 losses: {np.abs(first[0] - first[1]).max():.1e}")


if __name__ == "__main__":
    main()
