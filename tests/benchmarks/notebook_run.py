"""Runs the instructor's notebook from top to bottom: `python -m tests.benchmarks.notebook_run`.

Prints the time it takes, kernel start and imports included, and the lesson's own results.
"""

import argparse
import resource
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "source" / "weight_initialization"


def main() -> None:
    """Run the notebook some times and print times and results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="how often the notebook is run")
    for _ in range(parser.parse_args().repeat):
        notebook = nbformat.read(NOTEBOOK / "weight_initialization.ipynb", as_version=4)
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": NOTEBOOK}})
        before = _children_seconds()
        start = time.perf_counter()
        client.execute()
        wall = time.perf_counter() - start
        processor = _children_seconds() - before
        print(f"{wall:.1f} s of wall time, {processor:.1f} s of processor time", flush=True)
    [results] = [cell for cell in notebook.cells if cell.id == "all-results"]
    print(results.outputs[0].text)


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
