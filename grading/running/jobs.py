"""A submission's run as a message: all that is needed to run it, on this machine or another."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grader_tests import assignment
from grading import sandbox
from grading.running.unpacked_data import unpacked
from grading.sandbox import Execution, Limits, SandboxFailed

_ATTEMPTS = 3  # for a sandbox that broke down: a fault of the machine, which may pass


class DataMissing(Exception):
    """A machine that is to run submissions lacks the data they were prepared with."""


@dataclass(frozen=True)
class Job:
    """A notebook and everything it is run with.

    Attributes:
        notebook: what to run.
        files: relative path to content, for the working folder.
        environment: variables for the kernel.
        limits: what the run may use.
        data: the folder of data on the machine that made the job.
        runs: the folder of recorded training runs there.
    """

    notebook: NotebookNode
    files: dict[str, bytes]
    environment: dict[str, str]
    limits: Limits
    data: Path | None = None
    runs: Path | None = None


def run(job: Job, *, record: bool = False) -> Execution:
    """Run a job in a sandbox; one that breaks down is tried again.

    Args:
        job: what to run. On another machine, where its folder of data is not, the folder that
            FASHION_MNIST names there takes its place; where its recorded runs are neither
            there nor carried along (`find_runs`), training is repeated.
        record: let it add to the recorded runs; see `grading.sandbox.execute`.

    Raises:
        DataMissing: the data are not on this machine.
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down again and again.
    """
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        for name, content in job.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return sandbox.execute(
                    job.notebook,
                    Path(folder),
                    modules=assignment.INSIDE,
                    data=_data_here(job.data),
                    runs=_runs_here(job.runs),
                    record=record,
                    imports=assignment.IMPORTS,
                    data_variable=assignment.DATA_VARIABLE,
                    environment=job.environment,
                    limits=job.limits,
                )
            except SandboxFailed:
                if attempt == _ATTEMPTS:
                    raise
    raise AssertionError


def find_runs(folder: Path, copy: Path) -> None:
    """Take the recorded runs of jobs that name `folder` from `copy`, in this process."""
    _copies[folder] = copy


_copies: dict[Path, Path] = {}


def _runs_here(runs: Path | None) -> Path | None:
    if runs is None or runs.is_dir():
        return runs
    return _copies.get(runs)


def _data_here(data: Path | None) -> Path | None:
    if data is None:
        return None
    if data.is_dir():
        return unpacked(data)
    here = os.environ.get("FASHION_MNIST")
    if not here:
        raise DataMissing(
            f"{data} is not on this machine, and FASHION_MNIST names no folder in its place. Set "
            "it for the workers to a folder that holds FashionMNIST/raw."
        )
    return unpacked(Path(here))
