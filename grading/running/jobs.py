"""Runs a job: on the machine that made it or another, and again where the sandbox broke down."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from grading import sandbox
from grading.errors import GradingError
from grading.running.claims import confirm, write_files
from grading.running.unpacked_data import unpacked
from grading.sandbox import SandboxFailed
from grading.submission import Job, Run

_ATTEMPTS = 3  # for a sandbox that broke down: a fault of the machine, which may pass


class DataMissing(GradingError):
    """A machine that is to run submissions lacks the data they were prepared with."""


def run(job: Job) -> Run:
    """Run a job in a sandbox; one that breaks down is tried again.

    Args:
        job: what to run. On another machine, where its folder of data is not, the one that the
            same environment variable names there takes its place; where its recorded runs are
            neither there nor carried along (`find_runs`), training is repeated.

    Raises:
        DataMissing: the data are not on this machine.
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down again and again.
    """
    here = replace(job.surroundings, data=_data_here(job), runs=_runs_here(job.surroundings.runs))
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        write_files(job.files, Path(folder))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                result = sandbox.execute(
                    job.notebook, Path(folder), here, job.environment, job.limits
                )
                return confirm(result, job, here)
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


def _data_here(job: Job) -> Path | None:
    data, variable = job.surroundings.data, job.surroundings.data_variable
    if data is None or data.is_dir():
        return data and unpacked(data, job.data_folder)
    here = os.environ.get(variable)
    if not here:
        raise DataMissing(
            f"{data} is not on this machine, and {variable} names no folder in its place. Set it "
            f"for the workers to a folder that holds {job.data_folder}."
        )
    return unpacked(Path(here), job.data_folder)
