"""Fills the folder of recorded training runs with those of the instructor's own notebook.

The lesson's comparisons are the same in every submission, and so are a right solution's; those of
the most common mistakes (`common_mistakes`) are the same for all who make them. They are trained
once on each machine, by the instructor's notebook, in the same sandbox as submissions;
kernels of submissions find them in a folder that they can only read. A folder serves any number of
assignments and versions, since each run is named by all that decides it.
"""

import copy
import hashlib
import logging
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_solution

from grader_tests.judge.common_mistakes import MISTAKES, with_common_mistakes
from grading.sandbox.host import Execution

Run = Callable[[NotebookNode], Execution]


class NotRecorded(Exception):
    """The instructor's notebook did not run to its end, so its runs are not all recorded."""


def record(
    notebook: Path, helpers: Path, data: Path | None, folder: Path, run: Run, log: logging.Logger
) -> None:
    """Make sure that the runs of the instructor's notebook are recorded in `folder`.

    Args:
        notebook: the instructor's notebook, with solutions.
        helpers: the folder of helpers beside it, whose code decides how a run goes.
        data: the folder of data that the notebook is shown.
        folder: where runs are recorded; it is made where it is missing.
        run: executes a notebook in a sandbox that may write to `folder`.
        log: is told what takes so long.

    Raises:
        NotRecorded: the notebook did not run to its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"recorded-{_version(notebook, helpers, data)}"
    with FileLock(folder / ".lock"):
        if done.exists():
            return
        log.info("Recording the training runs of %s, once on this machine", notebook)
        source = nbformat.read(notebook, as_version=4)
        for variant in (with_common_mistakes(source), without_own_seeds(source)):
            execution = run(variant)
            if not execution.complete:
                reason = execution.limit or f"its kernel died in cell {execution.died}"
                raise NotRecorded(
                    f"{notebook} should run to its end in the sandbox, and did not: {reason}."
                )
        done.touch()


def without_own_seeds(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with no seed set in its solutions.

    Solutions set seeds to be repeatable. A student need not; a model made without one continues
    the numbers that the given cells have seeded, and is the same in every such submission.
    """
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if is_solution(cell) and cell.cell_type == "code":
            lines = cell.source.splitlines()
            cell.source = "\n".join(line for line in lines if "set_seed(" not in line)
    return notebook


def _version(notebook: Path, helpers: Path, data: Path | None) -> str:
    """Return a hash of what the instructor's runs depend on, as far as it may change here."""
    hashed = hashlib.sha256(
        f"{platform.node()} {platform.python_version()} {data} {MISTAKES}".encode()
    )
    for path in (notebook, *sorted(helpers.rglob("*.py"))):
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    for package in ("torch", "torchvision", "numpy"):
        # Not imported for this: that would take seconds.
        hashed.update(version(package).encode())
    return hashed.hexdigest()[:16]
