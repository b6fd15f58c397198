"""Autogrades a whole class: runs submissions on all workers, and records them by one writer.

The steps are those of `nbgrader autograde`, by the same converter and preprocessors. It restores
and prepares one submission after the other; Dask runs them, on this machine or a cluster; and as
each comes back it is judged and recorded here. Only as many are under way as keep the workers
busy, so memory does not grow with the class.
"""

import argparse
import logging
import os
import re
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
import nbformat
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.apps import NbGrader
from nbgrader.converters.base import BaseConverter
from nbgrader.utils import setenv
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from tqdm import tqdm

from grading import jobs, sandbox
from grading.autograde import CourseAutograde
from grading.carried_runs import CarriedRuns
from grading.jobs import Job
from grading.remarks import read_remarks
from grading.sandbox import Execution
from grading.sandboxed_execute import EXECUTED, SandboxedExecute

_PENDING = ".being-graded"  # in a submission's folder until it is recorded
_AHEAD = 2  # submissions under way for each worker: one that runs and one that waits


@dataclass(frozen=True)
class _Prepared:
    """A submission that has been restored, and what is to be run of it."""

    student: str
    assignment: str
    notebooks: list[str]
    jobs: dict[str, Job]


@dataclass
class Summary:
    """What became of a class.

    Attributes:
        graded: students who have been graded now, flagged ones included.
        flagged: students whose submission a person should look at.
        failed: student to reason, for those who have no grade.
        skipped: how many had been graded before.
        seconds: how long it took.
    """

    graded: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        speed = 60 * len(self.graded) / self.seconds if self.seconds else 0.0
        lines = [
            f"{len(self.graded)} graded in {self.seconds:.0f} s, {speed:.1f} a minute; "
            f"{len(self.flagged)} flagged, {len(self.failed)} failed, {self.skipped} graded before."
        ]
        lines += [f"  flagged: {student}" for student in sorted(self.flagged)]
        lines += [f"  failed: {student}: {why}" for student, why in sorted(self.failed.items())]
        return "\n".join(lines)


class BatchAutograde(CourseAutograde):
    """The course's autograder with its two phases apart, so that many run between them."""

    client: Client
    summary: Summary

    def grade(self, client: Client) -> Summary:
        """Grade every submission that is not graded yet, and say what became of them."""
        began = time.monotonic()
        self.client, self.summary = client, Summary()
        self._carried: set[Path] = set()
        self.start()
        self.summary.seconds = time.monotonic() - began
        return self.summary

    def convert_notebooks(self) -> None:
        """Grade what `start` has found."""
        client, summary = self.client, self.summary
        waiting = iter(sorted(self.assignments.items()))
        under_way: dict[Future, _Prepared] = {}
        suspects: list[_Prepared] = []
        completed = as_completed(with_results=False)
        most = _AHEAD * max(1, len(client.scheduler_info()["workers"]))
        with tqdm(total=len(self.assignments), unit="submission", file=sys.stderr) as bar:
            while True:
                while len(under_way) < most:
                    try:
                        folder, notebooks = next(waiting)
                    except StopIteration:
                        break
                    prepared = self._prepare(folder, notebooks, summary)
                    if prepared is None:
                        bar.update()
                        continue
                    self._carry_runs(prepared)
                    future = client.submit(_run, prepared.jobs, pure=False)
                    under_way[future] = prepared
                    completed.add(future)
                if not under_way:
                    break
                future = next(completed)
                prepared = under_way.pop(future)
                if isinstance(future.exception(), KilledWorker):
                    # It may have been a neighbour's fault: each of them is tried alone.
                    suspects.append(prepared)
                else:
                    self._finish(prepared, future, summary)
                    bar.update()
                future.release()
            for prepared in suspects:
                future = client.submit(_run, prepared.jobs, pure=False)
                future.exception()
                self._finish(prepared, future, summary)
                bar.update()

    def _carry_runs(self, prepared: _Prepared) -> None:
        """Let every worker have the recorded runs, which the first submission's job has filled."""
        folders = {job.runs for job in prepared.jobs.values() if job.runs is not None}
        for folder in sorted(folders - self._carried):
            self.client.register_plugin(CarriedRuns(folder), name=f"recorded-runs {folder}")
            self._carried.add(folder)

    def _prepare(self, folder: str, notebooks: list[str], summary: Summary) -> _Prepared | None:
        """Restore a submission; None where it needs no grading or cannot have any."""
        assignment, student = self._names(folder)
        target = Path(self._format_dest(assignment, student))
        if (target / _PENDING).exists():
            # A grading that was interrupted; nothing of it is in the gradebook's scores.
            shutil.rmtree(target)
        self.notebooks = sorted(notebooks)
        try:
            if not self.init_destination(assignment, student):
                summary.skipped += 1
                return None
            target.mkdir(parents=True, exist_ok=True)
            (target / _PENDING).touch()
            self.run_pre_convert_hook()
            self.init_assignment(assignment, student)
            found = {}
            for path in self.notebooks:
                self._sanitizing = True
                self._init_preprocessors()
                BaseConverter.convert_single_notebook(self, path)
                job = self._job(target / Path(path).name, assignment, student)
                if job is not None:
                    found[path] = job
        except Exception as error:
            self._fail(assignment, student, notebooks, error, summary)
            return None
        finally:
            # Of recording the instructor's runs, where that was the first thing to do.
            sandbox.close()
        return _Prepared(student, assignment, list(self.notebooks), found)

    def _job(self, path: Path, assignment: str, student: str) -> Job | None:
        notebook = nbformat.read(path, as_version=4)
        if read_remarks(notebook).unreadable:
            return None
        resources = ResourcesDict(
            metadata={"path": str(path.parent)},
            nbgrader={"assignment": assignment, "student": student, "notebook": path.stem},
        )
        return SandboxedExecute(parent=self).job(notebook, resources)

    def _finish(self, prepared: _Prepared, future: Future, summary: Summary) -> None:
        """Judge and record a submission that was run."""
        assignment, student = prepared.assignment, prepared.student
        target = Path(self._format_dest(assignment, student))
        self.notebooks = list(prepared.notebooks)
        try:
            error = future.exception()
            if isinstance(error, KilledWorker):
                executed = {path: _killed(job) for path, job in prepared.jobs.items()}
            elif error is not None:
                raise error
            else:
                executed = future.result()
            flagged = False
            for path in prepared.notebooks:
                self._sanitizing = False
                self._init_preprocessors()
                self._executed = executed.get(path)
                with setenv(NBGRADER_EXECUTION="autograde"):
                    BaseConverter.convert_single_notebook(self, str(target / Path(path).name))
                flagged |= path not in executed or not executed[path].complete
            (target / _PENDING).unlink()
            self.set_permissions(assignment, student)
            self.run_post_convert_hook()
        except Exception as error:
            self._fail(assignment, student, prepared.notebooks, error, summary)
            return
        finally:
            self._sanitizing = True
        summary.graded.append(student)
        if flagged:
            summary.flagged.append(student)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """Hand on what has been run already."""
        resources: dict[str, Any] = super().init_single_notebook_resources(notebook_filename)
        if not self._sanitizing:
            resources[EXECUTED] = self._executed
        return resources

    _executed: Execution | None = None

    def _names(self, folder: str) -> tuple[str, str]:
        pattern = self._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
        match = re.match(pattern, folder)
        assert match is not None, f"{folder} does not match {pattern}"
        return match["assignment"], match["student"]

    def _fail(
        self,
        assignment: str,
        student: str,
        notebooks: Sequence[str],
        error: Exception,
        summary: Summary,
    ) -> None:
        """Leave a submission as if it had not been graded, and go on with the others."""
        self.log.debug("%s failed", student, exc_info=error)
        summary.failed[student] = f"{type(error).__name__}: {error}"
        shutil.rmtree(self._format_dest(assignment, student), ignore_errors=True)
        for path in notebooks:
            # A full disk takes no change. The folder is gone, so the next call grades again.
            with suppress(SQLAlchemyError):
                self._forget_scores(Path(path))


def _run(of_notebooks: dict[str, Job]) -> dict[str, Execution]:
    return {path: jobs.run(job) for path, job in of_notebooks.items()}


def _killed(job: Job) -> Execution:
    """Describe the run of a submission under which worker after worker died."""
    first = next(i for i, cell in enumerate(job.notebook.cells) if cell.cell_type == "code")
    return Execution(job.notebook, 0.0, died=first)


@contextmanager
def _workers(number: int, scheduler: str | None) -> Iterator[Client]:
    """Connect to a scheduler, or start one with workers on this machine."""
    settings = {
        # A worker runs one submission at a time, and gets the next when it is free.
        "distributed.scheduler.worker-saturation": 1.0,
        # Looks a hundred times a second at what a worker does, which is to wait for a sandbox.
        "distributed.worker.profile.enabled": False,
        # The last 1,000 messages would be kept for debugging, each with a whole notebook.
        "distributed.admin.low-level-log-length": 0,
    }
    with dask.config.set(settings):
        if scheduler is not None:
            with Client(scheduler) as client:
                client.wait_for_workers(1)
                yield client
            return
        with (
            LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                dashboard_address=None,
                # What submissions use, their sandbox limits.
                memory_limit=0,
                silence_logs=logging.ERROR,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def main(arguments: Sequence[str]) -> int:
    """Grade a class; return 0 if everybody has a grade, else 1."""
    parser = argparse.ArgumentParser(prog="python -m grading autograde", description=__doc__)
    parser.add_argument("assignment")
    parser.add_argument("--student", default="*", help="only this student")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="default: one for each core"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask scheduler")
    parser.add_argument("--force", action="store_true", help="also who has been graded before")
    options = parser.parse_args(arguments)
    # nbgrader's own queries, which the bar should not drown in.
    warnings.filterwarnings("ignore", category=SAWarning)
    app = NbGrader()
    app.log_level = logging.ERROR
    app.initialize([])
    app.coursedir.assignment_id = options.assignment
    app.coursedir.student_id = options.student
    converter = BatchAutograde(coursedir=app.coursedir, parent=app)
    converter.force = options.force
    sandbox.check_available()
    with _workers(options.workers, options.scheduler) as client:
        summary = converter.grade(client)
    print(summary)
    return 1 if summary.failed else 0
