"""Runs a job, on the machine that made it or another, and tells whose fault a breakdown is.

Where a sandbox breaks down, a notebook that is known to be good runs in another of the same kind.
If it does not run either, the machine is at fault: that may pass, so the job is tried again. If it
runs, the submission is at fault, and what it had come to by then is its run. A sandbox that is gone
as a whole, process 1 with it, may also have been ended from outside: then the job is tried once
more before it is blamed.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from grading import sandbox
from grading.errors import GradingError
from grading.running.claims import confirm, write_files
from grading.running.unpacked_data import unpacked
from grading.sandbox import SandboxFailed
from grading.submission import Job, Limits, Run, Surroundings

_ATTEMPTS = 3  # for a sandbox that broke down: a fault of the machine, which may pass


class DataMissing(GradingError):
    """A machine that is to run submissions lacks the data they were prepared with."""


def run(job: Job) -> Run:
    """Run a job in a sandbox; where a fault of the machine breaks it, it is tried again.

    Args:
        job: what to run. On another machine, where its folder of data is not, the one that the
            same environment variable names there takes its place; where its recorded runs are
            neither there nor carried along (`find_runs`), training is repeated.

    Raises:
        DataMissing: the data are not on this machine.
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down again and again, and not by the job's doing.
    """
    here = replace(job.surroundings, data=_data_here(job), runs=_runs_here(job.surroundings.runs))
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        write_files(job.files, Path(folder))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return confirm(_run_once(job, Path(folder), here, attempt), job, here)
            except SandboxFailed:
                if attempt == _ATTEMPTS:
                    raise
    raise AssertionError


def _run_once(job: Job, folder: Path, here: Surroundings, attempt: int) -> Run:
    """Run a job, or return how far it came if it broke its sandbox itself.

    Raises:
        SandboxFailed: the machine may have broken it.
    """
    try:
        return sandbox.execute(job.notebook, folder, here, job.environment, job.limits, job.given)
    except SandboxFailed as failure:
        if (run := _blamed(failure, attempt, here, job.limits)) is None:
            raise
        return run


def _blamed(failure: SandboxFailed, attempt: int, here: Surroundings, limits: Limits) -> Run | None:
    """Return how far a submission came that broke its sandbox; None where the machine may have."""
    progress, run = failure.progress, failure.run
    if progress is None or run is None:
        return None
    if not (progress.ready and progress.over) and attempt == 1:
        return None
    if not _runs_known_good(here, limits):
        return None
    codes = [i for i, cell in enumerate(run.notebook.cells) if cell.cell_type == "code"]
    broke = progress.running if progress.running is not None else next(iter(codes), 0)
    return replace(run, broke=broke)


def _runs_known_good(here: Surroundings, limits: Limits) -> bool:
    """Say whether a notebook that is known to be good runs in a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        try:
            run = sandbox.execute(
                new_notebook(cells=[new_code_cell("6 * 7")]), Path(folder), here, limits=limits
            )
        except SandboxFailed:
            return False
    shown = [output.get("data", {}) for output in run.notebook.cells[0].outputs]
    return run.complete and shown == [{"text/plain": "42"}]


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
