"""Grades what students hand in as it arrives, until it is stopped; run in the course root.

A submission is collected from the exchange, graded, and its page released, with the course's own
collect, autograde and release. What is stopped or killed goes on where it was: nothing is graded
twice, nothing lost.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from nbgrader.apps import NbGrader
from nbgrader.converters import NbGraderException
from nbgrader.exchange import ExchangeError
from sqlalchemy.exc import OperationalError

from grading.batch import positive
from grading.course.names import shown
from grading.course.settings import course_settings
from grading.errors import GradingError
from grading.intake.collect import Refused
from grading.recording.attempts import Attempts
from grading.running.workers import Runs, Workers, threads
from grading.serving import journal, only_one, status
from grading.serving.arrivals import Arrival, Inbound, Settling, Submitted
from grading.serving.grader import AssignmentGrader, NotTaken, TooSoon, UnderWay, inbound_of
from grading.serving.waiting import Turn, Waiting, names
from grading.stop_signals import StopSignals

_PAUSE = 0.5  # seconds between two looks at the exchange
_SELDOM = 5.0  # seconds between two looks at the course's own folder
_TELL = 1.0  # seconds between two statuses


class Server:
    """Serves assignments, one round after the other.

    Args:
        app: with the course's settings.
        assignments: their names.
        workers: who runs submissions.
        stop_signals: wait while something is recorded.
        settled: seconds after which what is not known to be whole is taken.
    """

    def __init__(
        self,
        app: NbGrader,
        assignments: Sequence[str],
        workers: Workers,
        stop_signals: StopSignals,
        settled: float,
    ) -> None:
        inbound = inbound_of(app)
        self._workers, self._signals = workers, stop_signals
        self._journal = journal.Journal(Path(journal.FILE))
        self._graders = {
            name: AssignmentGrader(app, name, inbound, workers, stop_signals)
            for name in assignments
        }
        self._inbound = Inbound(inbound, assignments, self._journal.names, Settling(settled))
        self._submitted = [
            Submitted(grader.coursedir, Settling(settled)) for grader in self._graders.values()
        ]
        self._waiting = Waiting(each=Attempts(parent=app).counts == "best")
        self._under_way: dict[Future[Runs], tuple[Turn, UnderWay]] = {}
        self._status = status.Status(list(assignments), status.utc_now())
        self._looked = self._told = float("-inf")

    def warm_up(self) -> None:
        """Start every worker's sandbox, and have the instructor's training runs recorded."""
        for grader in self._graders.values():
            grader.settle_all(self._journal.names)
            wait(grader.warm_up())

    def serve(self) -> None:
        """Go on until a signal comes; what is under way then is as it was before."""
        try:
            while True:
                self.round()
        finally:
            for _, under_way in self._under_way.values():
                self._graders[under_way.arrival.assignment].take_back(under_way)
            self._under_way.clear()
            self._tell(at_once=True)

    def round(self) -> None:
        """Look for what has arrived, start what has its turn, and end what has been run."""
        self._look()
        while len(self._under_way) < self._workers.number() + 1:
            if (turn := self._waiting.next()) is None:
                break
            self._start(turn)
        self._tell()
        if not self._under_way:
            time.sleep(_PAUSE)
            return
        for future in wait(self._under_way, _PAUSE, FIRST_COMPLETED).done:
            with self._signals.held():
                self._finish(future)

    def _look(self) -> None:
        try:
            for arrival in self._inbound.arrivals():
                self._waiting.add(arrival)
            if time.monotonic() - self._looked >= _SELDOM:
                for submitted in self._submitted:
                    busy = self._waiting.students(submitted.assignment)
                    for arrival in submitted.arrivals(busy):
                        self._waiting.add(arrival)
                self._looked = time.monotonic()
        except OSError as error:
            say(f"The exchange cannot be read, and is tried again: {error}")
            time.sleep(_SELDOM)

    def _start(self, turn: Turn) -> None:
        arrival = turn.arrival
        try:
            under_way = self._graders[arrival.assignment].start(arrival)
        except (Refused, NotTaken) as error:
            self._end_without_grade(turn, str(error))
        except TooSoon as error:
            self._waiting.again(turn, error.seconds)
            say(f"{_who(arrival)}: {error}")
        except Exception as error:
            # Whatever one submission brings about, the others have their turn.
            self._put_back(turn, _why(error))
        else:
            self._under_way[under_way.runs] = (turn, under_way)

    def _finish(self, future: "Future[Runs]") -> None:
        turn, under_way = self._under_way.pop(future)
        arrival, grader = turn.arrival, self._graders[turn.arrival.assignment]
        try:
            flagged = grader.finish(under_way)
            self._journal.add([arrival.name, *names(turn.superseded)])
            grader.settle(arrival.student)
        except Exception as error:
            self._put_back(turn, _why(error))
            return
        waited = max(0.0, time.time() - arrival.arrived)
        self._status.end(waited, flagged)
        self._waiting.done(arrival)
        look = "; a person should look at it" if flagged else ""
        say(
            f"{_who(arrival)}: page released after {waited:.1f} s{look} "
            f"({len(self._waiting)} waiting)"
        )

    def _end_without_grade(self, turn: Turn, why: str) -> None:
        try:
            self._journal.add([turn.arrival.name, *names(turn.superseded)])
        except OSError as error:
            self._put_back(turn, str(error))
            return
        self._waiting.done(turn.arrival)
        self._note_failure(turn.arrival, why, None)

    def _put_back(self, turn: Turn, why: str) -> None:
        self._note_failure(turn.arrival, why, self._waiting.again(turn))

    def _note_failure(self, arrival: Arrival, why: str, again_in: float | None) -> None:
        self._status.failures.append(
            status.Failure(status.utc_now(), arrival.student, arrival.assignment, why, again_in)
        )
        then = f" It is tried again in {again_in:.0f} s." if again_in is not None else ""
        say(f"{_who(arrival)} was not graded: {shown(why)}{then}")

    def _tell(self, at_once: bool = False) -> None:
        if at_once or time.monotonic() - self._told >= _TELL:
            self._status.waiting = len(self._waiting)
            self._status.under_way = len(self._under_way)
            self._status.write(Path(status.FILE))
            self._told = time.monotonic()


def _ready(make: Callable[[], Server]) -> Server:
    """Make a server and warm it up, as soon as the gradebook lets it."""
    while True:
        try:
            server = make()
            server.warm_up()
            return server
        except OperationalError as error:
            say(f"The gradebook cannot be used yet, and is tried again: {error.orig}")
            time.sleep(_SELDOM)


def say(line: str) -> None:
    """Print a line at once; whoever keeps the log adds the time."""
    print(line, flush=True)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, GradingError) else f"{type(error).__name__}: {error}"


def _who(arrival: Arrival) -> str:
    return shown(f"{arrival.student}, {arrival.assignment}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grading serve", description=__doc__)
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT")
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="default: one for each core"
    )
    parser.add_argument(
        "--settled",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="for what was not put into the exchange by nbgrader submit: how long it must not have "
        "changed before it is taken",
    )
    parser.add_argument(
        "--status", action="store_true", help="tell what the grader of this course does, and end"
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Serve assignments.

    Returns:
        The exit code: 0 once it is stopped, 1 if it cannot serve, 2 if the arguments cannot be
        followed.

    Raises:
        GradingError: it cannot serve; the message says why.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.status:
        print(status.sentences(status.read(Path(status.FILE))))
        return 0
    if not options.assignments:
        parser.error("name the assignments that are to be served")
    app = course_settings()
    os.chdir(app.coursedir.root)
    signals = StopSignals()
    signals.install()
    try:
        with only_one.only_one(Path(only_one.FILE)), threads(options.workers) as workers:
            say("Getting ready ...")
            server = _ready(
                lambda: Server(app, options.assignments, workers, signals, options.settled)
            )
            say(f"Serving {', '.join(options.assignments)}.")
            server.serve()
    except KeyboardInterrupt:
        say("Stopped. Called again, this goes on with whatever has no page yet.")
        return 0
    except (NbGraderException, ExchangeError) as error:
        if isinstance(error, GradingError):
            raise
        # nbgrader's own say the rest in the log.
        print(f"Nothing can be served: {error}", file=sys.stderr)
        return 1
    return 0
