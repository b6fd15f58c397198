"""Autogrades a whole class: runs submissions on all workers, and records them by one writer.

The steps are those of `nbgrader autograde`, by the same converter and preprocessors. It restores
and prepares one submission after the other; workers run them, on this machine or a cluster; and as
each comes back it is judged and recorded here. Only as many are under way as keep the workers
busy, so memory does not grow with the class.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.writers.files import FilesWriter
from nbgrader.converters import NbGraderException
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

from grading import sandbox
from grading.attempt import Attempt
from grading.autograde import CourseAutograde
from grading.course.settings import course_settings
from grading.course.terminal import unfiltered
from grading.in_force import not_in_force, what_is_missing
from grading.intake.release import released_names
from grading.preconditions import Refused
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.workers import Runs, Workers, WorkersKilled, WorkersRefused, threads
from grading.sandbox import SandboxUnavailable
from grading.stop_signals import StopSignals
from grading.submission import Job, Remarks, Run
from grading.summary import Summary

_AHEAD = 2  # submissions under way for each worker: one that runs and one that waits


@dataclass(frozen=True)
class Prepared:
    """A submission that has been restored, and what is to be run of it."""

    attempt: Attempt
    restored: list[Path]
    jobs: dict[str, Job]


class BatchAutograde(CourseAutograde):
    """The course's autograder with intake and judging apart, so that many run between them."""

    workers: Workers
    summary: Summary

    def grade(self, workers: Workers) -> Summary:
        """Grade every submission that is not graded yet, and say what became of them.

        Raises:
            NbGraderException: nothing was done at all; the log says why.
        """
        began = time.monotonic()
        self._take_on(workers)
        self.start()
        self.summary.failed = self.failed
        self.summary.seconds = time.monotonic() - began
        return self.summary

    def make_ready(self, workers: Workers) -> None:
        """Get ready for submissions that come one by one, to `prepare` and `record`.

        The course root becomes the working directory.

        Raises:
            AutograderNotInForce: the settings do not name the sandbox and the judge.
            Refused: a fault awaits every submission.
        """
        if why := what_is_missing(self.autograde_preprocessors):
            raise not_in_force(self, why)
        self._take_on(workers)
        self.failed = {}
        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        os.chdir(self.coursedir.root)
        self.assignments = {"": [f"{name}.ipynb" for name in released_names(self.coursedir)]}
        self.check_machine()

    def _take_on(self, workers: Workers) -> None:
        self.workers, self.summary = workers, Summary()
        self._carried: set[Path] = set()

    def convert_notebooks(self) -> None:
        """Grade what `start` has found."""
        self.check_machine()
        under_way: dict[Future[Runs], Prepared] = {}
        suspects: list[Prepared] = []
        try:
            self._convert_side_by_side(under_way, suspects)
        except BaseException:
            # Stopped: what is under way has not been graded, and is as it was before.
            for prepared in (*under_way.values(), *suspects):
                with suppress(OSError, SQLAlchemyError):
                    prepared.attempt.take_back()
            raise

    def check_machine(self) -> None:
        """Make sure that no fault awaits every submission; see CourseAutograde."""
        super().check_machine()
        try:
            sandbox.check_available()
        except SandboxUnavailable as error:
            if not self.workers.are_here:
                raise Refused(
                    f"{error} With --scheduler, a sandbox is needed here as well as on the workers."
                ) from None
            self._sandboxed = False
            self.log.error(
                "NO SANDBOX: student code runs with your own rights, one submission "
                "after the other. %s",
                error,
            )

    def _convert_side_by_side(
        self, under_way: dict["Future[Runs]", Prepared], suspects: list[Prepared]
    ) -> None:
        """Grade what `start` has found.

        At each moment `under_way` holds what is run, and `suspects` those under which workers
        died.
        """
        waiting = iter(sorted(self.assignments.items()))
        with tqdm(
            total=len(self.assignments), unit="submission", file=unfiltered(sys.stderr)
        ) as bar:
            while True:
                while len(under_way) < _AHEAD * max(1, self.workers.number()):
                    try:
                        folder, notebooks = next(waiting)
                    except StopIteration:
                        break
                    prepared = self.prepare(self.attempt(folder, notebooks))
                    if prepared is None:
                        bar.update()
                        continue
                    self.carry_runs(prepared)
                    under_way[self.workers.submit(prepared.jobs)] = prepared
                if not under_way:
                    break
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    prepared = under_way.pop(future)
                    if isinstance(future.exception(), WorkersKilled):
                        # It may have been a neighbour's fault: each of them is tried alone.
                        suspects.append(prepared)
                    else:
                        with self.stop_signals.held():
                            self.record(prepared, future)
                        bar.update()
            while suspects:
                future = self.workers.submit(suspects[0].jobs)
                wait([future])
                with self.stop_signals.held():
                    self.record(suspects.pop(0), future)
                bar.update()

    def carry_runs(self, prepared: Prepared) -> None:
        """Let every worker have the recorded runs, which the first submission's job has filled."""
        runs = {job.surroundings.runs for job in prepared.jobs.values()}
        folders = {folder for folder in runs if folder is not None}
        for folder in sorted(folders - self._carried):
            self.workers.carry_runs(folder)
            self._carried.add(folder)

    def prepare(self, attempt: Attempt) -> Prepared | None:
        """Restore a submission; None where it needs no grading or cannot have any."""
        jobs = {}
        try:
            if not self.begin(attempt):
                self.summary.skipped += 1
                return None
            restored = [self.intake(path) for path in self.notebooks]
            for path in restored:
                if (job := self._job(attempt, path)) is not None:
                    jobs[str(path)] = job
        except BaseException as error:
            self._fail(attempt, error)
            return None
        finally:
            # Of recording the instructor's runs, where that was the first thing to do.
            sandbox.close()
        return Prepared(attempt, restored, jobs)

    def _job(self, attempt: Attempt, restored: Path) -> Job | None:
        """Return what the workers are to run; None where it is for `record` to run, if at all."""
        notebook = nbformat.read(restored, as_version=4)
        if not self._sandboxed or Remarks.read(notebook).unreadable:
            return None
        names = {"assignment": attempt.assignment, "student": attempt.student}
        resources = ResourcesDict(
            metadata={"path": str(attempt.target)}, nbgrader=names | {"notebook": restored.stem}
        )
        return SandboxedExecute(parent=self).job(notebook, resources)

    def record(self, prepared: Prepared, future: "Future[Runs]") -> None:
        """Judge and record a submission that was run."""
        attempt = prepared.attempt
        try:
            try:
                runs = future.result()
            except WorkersKilled:
                runs = {path: _killed(job) for path, job in prepared.jobs.items()}
            # Where it writes is nbgrader's for the submission that was prepared last.
            self.writer.build_directory = str(attempt.target)
            graded = [self.grade_notebook(path, runs.get(str(path))) for path in prepared.restored]
            self.finish(attempt)
        except BaseException as error:
            self._fail(attempt, error)
            return
        self.summary.graded.append(attempt.student)
        if any(submission.flagged for submission in graded):
            self.summary.flagged.append(attempt.student)

    def _fail(self, attempt: Attempt, error: BaseException) -> None:
        """Leave a submission as it was, and go on with the others unless this is the end."""
        self.fail(attempt, error)
        if not isinstance(error, Exception):
            raise error

    stop_signals = StopSignals()
    _sandboxed = True


def _killed(job: Job) -> Run:
    """Describe the run of a submission under which worker after worker died."""
    first = next(i for i, cell in enumerate(job.notebook.cells) if cell.cell_type == "code")
    return Run(job.notebook, died=first)


def _workers(number: int, scheduler: str | None) -> AbstractContextManager[Workers]:
    if scheduler is None:
        return threads(number)
    # Dask takes a second to import, and writes into the home directory.
    from grading.running.cluster import cluster

    return cluster(scheduler)


def positive(text: str) -> int:
    """Return the number that an argument says, if it is at least 1."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} should be a number, and at least 1")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Grade a class.

    Returns:
        The exit code: 0 if everybody has a grade, 1 if not, 2 if the arguments cannot be followed,
        130 if it was stopped.
    """
    parser = argparse.ArgumentParser(prog="python -m grading autograde", description=__doc__)
    parser.add_argument("assignment")
    parser.add_argument("--student", default="*", help="only this student")
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="default: one for each core"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask scheduler, tls://"
    )
    parser.add_argument("--force", action="store_true", help="also who has been graded before")
    options = parser.parse_args(arguments)
    app = course_settings()
    app.coursedir.assignment_id = options.assignment
    app.coursedir.student_id = options.student
    converter = BatchAutograde(coursedir=app.coursedir, parent=app)
    converter.force = options.force
    converter.stop_signals.install()
    try:
        with _workers(options.workers, options.scheduler) as workers:
            summary = converter.grade(workers)
    except WorkersRefused as error:
        print(error, file=sys.stderr)
        return 2
    except NbGraderException:
        # The log has said it.
        return 1
    except KeyboardInterrupt:
        print("Stopped. Called again, this goes on with whoever has no grade yet.", file=sys.stderr)
        return 130
    print(summary)
    return int(bool(summary.failed))
