"""Takes the submissions for one assignment through all steps, from the exchange and back into it.

The steps are the batch's own. Each may be taken again after a crash: what is collected already is
not collected again, what is graded already is not graded again, and a page is only replaced.
"""

import os
from collections.abc import Container
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import SQLAlchemyError

from grading import sandbox
from grading.batch import BatchAutograde, Prepared
from grading.course.timestamps import shown_time
from grading.errors import GradingError
from grading.intake.collect import CourseCollect
from grading.intake.release import read_release, released_names
from grading.recording.attempts import Attempts, Made, attempts_of
from grading.recording.record import Record
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.workers import Runs, Workers
from grading.serving.arrivals import Arrival
from grading.serving.best import BestKept, students_kept
from grading.serving.pages import Pages
from grading.stop_signals import StopSignals
from grading.submission import Remarks


class NotGraded(GradingError):
    """A submission could not be graded for now: by a fault of the machine, not the student's."""


class NotTaken(GradingError):
    """A submission that is not graded at all; the message says why."""


class TooSoon(GradingError):
    """A submission that has to wait.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The attempt before was graded just now; this one waits {seconds:.0f} s.")
        self.seconds = seconds


@dataclass(frozen=True)
class UnderWay:
    """A submission that is run; `prepared` is None where it had been graded before."""

    arrival: Arrival
    prepared: Prepared | None
    runs: "Future[Runs]"


class AssignmentGrader:
    """Grades what is handed in for an assignment.

    Args:
        app: with the course's settings.
        assignment: its name.
        inbound: the exchange's folder of submissions.
        workers: who runs them.
        stop_signals: wait while something is recorded.

    Raises:
        Refused: a fault awaits every submission.
        ExchangeError: the exchange cannot be used.
    """

    def __init__(
        self,
        app: NbGrader,
        assignment: str,
        inbound: Path,
        workers: Workers,
        stop_signals: StopSignals,
    ) -> None:
        self.coursedir = CourseDirectory(parent=app)
        self.coursedir.assignment_id = assignment
        self._assignment, self._inbound, self._workers = assignment, inbound, workers
        self._signals = stop_signals
        self._batch = BatchAutograde(coursedir=self.coursedir, parent=app)
        self._batch.stop_signals = stop_signals
        self._batch.make_ready(workers)
        self._collector = CourseCollect(coursedir=self.coursedir, parent=app)
        self._pages = Pages(app, self.coursedir, inbound)
        self._attempts = Attempts(parent=app)
        self._log = Path(Record(parent=self._batch).log_file)

    def warm_up(self) -> list["Future[Runs]"]:
        """Let every worker start its sandbox, and the instructor's training runs be recorded."""
        jobs = {}
        try:
            sandbox.check_available()
        except sandbox.SandboxUnavailable:
            return []  # which the settings allow, and the log has said
        for name in released_names(self.coursedir):
            release = read_release(self.coursedir, self._assignment, name)
            folder = self.coursedir.format_path(
                self.coursedir.release_directory, ".", self._assignment
            )
            jobs[name] = SandboxedExecute(parent=self._batch).job(
                release,
                ResourcesDict(
                    metadata={"path": folder},
                    nbgrader={"assignment": self._assignment, "student": "", "notebook": name},
                ),
            )
        return [self._workers.submit(jobs) for _ in range(self._workers.number())]

    def start(self, arrival: Arrival) -> UnderWay:
        """Collect and prepare a submission, and let it be run.

        Raises:
            NotTaken: it gets no grade, and needs nothing any more.
            TooSoon: it has to wait.
            NotGraded: it could not be prepared; what was there before is there still.
        """
        student = arrival.student
        best = BestKept(self.coursedir, student)
        with self._signals.held():
            try:
                interrupted = best.restore()
                if arrival.name and interrupted != arrival.name:
                    self._check_turn(arrival)
                if arrival.name:
                    if self._attempts.counts == "best":
                        best.keep(arrival.name)
                    self._collect(arrival)
            except (OSError, ExchangeError, SQLAlchemyError) as error:
                raise NotGraded(f"It could not be collected: {error}") from error
        folder = self._folder(self.coursedir.submitted_directory, student)
        notebooks = [str(folder / f"{name}.ipynb") for name in released_names(self.coursedir)]
        attempt = self._batch.attempt(str(folder), notebooks)
        prepared = self._batch.prepare(attempt)
        self._raise_failure(student)
        if prepared is None:
            runs: Future[Runs] = Future()
            runs.set_result({})
            return UnderWay(arrival, None, runs)
        self._batch.carry_runs(prepared)
        return UnderWay(arrival, prepared, self._workers.submit(prepared.jobs))

    def finish(self, under_way: UnderWay) -> bool:
        """Judge and record what was run, and put its page into the exchange.

        Returns:
            Whether a person should look at it.

        Raises:
            NotGraded: a fault of the machine; what was there before is there still, or what is
                done already is found done the next time.
        """
        student = under_way.arrival.student
        if under_way.prepared is not None:
            self._batch.record(under_way.prepared, under_way.runs)
            self._raise_failure(student)
        flagged = student in self._batch.summary.flagged
        # Of each submission; of a thousand they would only fill the memory.
        self._batch.summary.graded.clear()
        self._batch.summary.flagged.clear()
        try:
            self._pages.release(student)
        except Exception as error:
            raise NotGraded(f"It is graded, and its page could not be made: {error}") from error
        return flagged

    def settle(self, student: str) -> None:
        """Let the best attempt count, where it does: put it back, if this one is not better.

        Raises:
            OSError: it could not be put back; `start` does it the next time.
            SQLAlchemyError: likewise.
        """
        best = BestKept(self.coursedir, student)
        if not best.arrival:
            return
        made = self._made(student)
        graded = self._folder(self.coursedir.autograded_directory, student)
        digests = {
            Remarks.read(nbformat.read(path, as_version=4)).digest
            for path in graded.glob("*.ipynb")
        }
        if made and made[self._attempts.best(made) - 1].submission in digests:
            best.forget()
        else:
            best.restore()

    def settle_all(self, done: Container[str]) -> None:
        """Settle what an earlier grader had no time to, where it had come to its end."""
        for student in students_kept(self._assignment):
            if BestKept(self.coursedir, student).arrival in done:
                self.settle(student)

    def take_back(self, under_way: UnderWay) -> None:
        """Leave a submission as it was, to be graded after a restart."""
        if under_way.prepared is not None:
            with suppress(OSError, SQLAlchemyError):
                under_way.prepared.attempt.take_back()

    def _check_turn(self, arrival: Arrival) -> None:
        """Raise NotTaken or TooSoon where it is not to be graded, or not yet; tell the student."""
        folder = self._folder(self.coursedir.submitted_directory, arrival.student)
        collected = self.coursedir.get_existing_timestamp(str(folder))
        if collected is not None and arrival.handed_in is not None:
            if collected == arrival.handed_in:
                return  # an earlier grader had begun with it
            if collected > arrival.handed_in:
                self._pages.notify(arrival, "older_heading", "older")
                raise NotTaken("What was collected before says that it is newer.")
        made = self._made(arrival.student) if self._attempts.is_limited else []
        if self._attempts.are_used_up(made):
            most = self._attempts.most
            self._pages.notify(arrival, "used_up_heading", "used_up", most=most)
            raise NotTaken(f"{most} attempts have been graded, and there are no more.")
        start = self._attempts.next_from(made)
        seconds = (start - datetime.now(UTC)).total_seconds() if start else 0.0
        if start and seconds > 0:
            minutes = f"{self._attempts.minutes_apart:g}"
            self._pages.notify(
                arrival, "heading", "too_soon", minutes=minutes, start=shown_time(start)
            )
            raise TooSoon(seconds)

    def _collect(self, arrival: Arrival) -> None:
        duedate = self._duedate() if self._collector.before_duedate else None
        folder = self._folder(self.coursedir.submitted_directory, arrival.student)
        if duedate and arrival.handed_in and arrival.handed_in > duedate:
            collected = self.coursedir.get_existing_timestamp(str(folder))
            if collected is not None and collected <= duedate:
                raise NotTaken("It came after the deadline, and one from before it counts.")
        self._collector.collect_one(self._inbound, arrival.name)

    def _duedate(self) -> datetime | None:
        with (
            suppress(MissingEntry),
            Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook,
        ):
            duedate: datetime | None = gradebook.find_assignment(self._assignment).duedate
            return duedate
        return None

    def _made(self, student: str) -> list[Made]:
        return attempts_of(self._log, student, self._assignment)

    def _raise_failure(self, student: str) -> None:
        if (why := self._batch.failed.pop(student, "")) != "":
            raise NotGraded(why)

    def _folder(self, step: str, student: str) -> Path:
        return Path(self.coursedir.format_path(step, student, self._assignment))


def inbound_of(app: NbGrader) -> Path:
    """Return the exchange's folder of submissions.

    Raises:
        ExchangeError: there is none that can be read, or no instructor has made it.
    """
    collector = CourseCollect(coursedir=app.coursedir, parent=app)
    collector.init_dest()
    folder = Path(collector.root, app.coursedir.course_id, "inbound")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ExchangeError(
            f"{folder} is not there, or not yours to read; nbgrader release_assignment makes it."
        )
    return folder
