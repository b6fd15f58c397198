"""Runs the calibration: `python -m tests.calibration [--only PART] [--seeds N] [--gradings N]`."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.calibration import confusion, false_alarms, power, report, results, timing
from tests.corpus import load

ROOT = Path(__file__).resolve().parent.parent.parent
_BATCH = 100
_IN_ONE_NOTEBOOK = 20


def main() -> None:
    """Measure every part, or one, and write what has been measured into the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__)
    parser.add_argument("--only", choices=("false_alarms", "power", "corpus", "time", "report"))
    parser.add_argument("--seeds", type=int, default=50, help="gradings of each way of the corpus")
    parser.add_argument("--gradings", type=int, default=20_000, help="simulated correct gradings")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sandbox", action="store_true", help="grade the corpus where it runs")
    options = parser.parse_args()
    # Workers share the cores; threads of their own would only wait for each other.
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = ROOT / "build" / "calibration"
    with ProcessPoolExecutor(options.workers) as pool:
        if options.only in (None, "false_alarms"):
            results.save(folder, "false_alarms", measure_false_alarms(pool, options.gradings))
        if options.only in (None, "power"):
            results.save(folder, "power", measure_power(pool))
        if options.only in (None, "corpus"):
            results.save(folder, "corpus", measure_corpus(pool, options.seeds, options.sandbox))
        if options.only in (None, "time"):
            results.save(folder, "time", timing.measure())
    measured = results.load(folder)
    report.write(measured, ROOT / "docs")
    print(f"Written: {ROOT / 'docs' / 'calibration.md'}")


def measure_false_alarms(pool: ProcessPoolExecutor, gradings: int) -> dict[str, object]:
    """Return the p-values of simulated correct gradings, by test, and the coincidences."""
    p_values: dict[str, list[float]] = {}
    for done, found in enumerate(pool.map(false_alarms.one_grading, range(gradings), chunksize=50)):
        for test, p in found.items():
            p_values.setdefault(test, []).append(p)
        if done % 1000 == 0:
            print(f"false alarms: {done} of {gradings} gradings", flush=True)
    coincidences, pairs = false_alarms.count_coincidences(gradings)
    return {"p_values": p_values, "coincidences": coincidences, "pairs": pairs}


def measure_power(pool: ProcessPoolExecutor) -> dict[str, object]:
    """Return for each curve how many of 100 gradings fail, place by place."""
    curves: dict[str, object] = {}
    for name, fails, places in (
        ("deviation", power.fails_deviation, power.RATIOS),
        ("mean", power.fails_mean, power.SHIFTS),
        ("shape", power.fails_shape, power.SHARES),
    ):
        curves[name] = [
            (place, sum(pool.map(partial(fails, place), range(_BATCH), chunksize=10)) / _BATCH)
            for place in places
        ]
        print(f"power: {name}", flush=True)
    return curves


def measure_corpus(
    pool: ProcessPoolExecutor, seeds: int, sandbox: bool = False
) -> dict[str, object]:
    """Return what became of every way of the corpus, in the sandbox or beside it."""
    if sandbox:
        return _measure_in_sandbox(pool, seeds)
    ways = [(kind, item.name) for kind in ("right", "wrong") for item in load(kind)]
    jobs = [
        pool.submit(confusion.observe_way, kind, name, range(1, seeds + 1)) for kind, name in ways
    ]
    outcomes = []
    for done, job in enumerate(jobs):
        outcomes.append(job.result().as_json())
        if done % 20 == 0:
            print(f"corpus: {done} of {len(ways)} ways", flush=True)
    return {"outcomes": outcomes, "sandbox": False}


def _measure_in_sandbox(pool: ProcessPoolExecutor, seeds: int) -> dict[str, object]:
    batches = [
        (kind, [item.name for item in load(kind)][start : start + _IN_ONE_NOTEBOOK])
        for kind in ("right", "wrong")
        for start in range(0, len(load(kind)), _IN_ONE_NOTEBOOK)
    ]
    jobs = [
        pool.submit(confusion.observe_in_sandbox, kind, names, range(1, seeds + 1))
        for kind, names in batches
    ]
    outcomes = []
    for done, job in enumerate(jobs, start=1):
        outcomes += [outcome.as_json() for outcome in job.result()]
        print(f"corpus in the sandbox: {done} of {len(jobs)} notebooks", flush=True)
    return {"outcomes": outcomes, "sandbox": True}


if __name__ == "__main__":
    main()
