"""Who runs a class's submissions: threads of this process, each with a sandbox of its own.

A thread only waits for its sandbox, so threads are enough, and they need neither a port nor a
folder that somebody else on the machine could use. `running.cluster` has the same two methods.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from grading import sandbox
from grading.running import jobs
from grading.running.jobs import Job
from grading.sandbox import Execution

Runs = dict[str, Execution]
"""What came of the notebooks of a submission, by their paths."""


class WorkersKilled(Exception):
    """Worker after worker ended while it ran a submission."""


class WorkersRefused(Exception):
    """The workers asked for cannot be used, or not safely; the message says what to do."""


class Workers(Protocol):
    """Runs submissions beside each other.

    Attributes:
        are_here: whether they work on this machine, by its settings.
    """

    are_here: bool

    def number(self) -> int:
        """Return how many submissions run at once, at this moment."""

    def submit(self, of_notebooks: dict[str, Job]) -> "Future[Runs]":
        """Run a submission's notebooks as soon as a worker is free.

        The future raises WorkersKilled, where there are workers that can be killed, or what
        `grading.running.jobs.run` raises.
        """

    def carry_runs(self, folder: Path) -> None:
        """Let every worker have the recorded training runs of a folder of this machine."""


class _Threads:
    are_here = True

    def __init__(self, executor: Executor, number: int) -> None:
        self._executor = executor
        self._number = number

    def number(self) -> int:
        return self._number

    def submit(self, of_notebooks: dict[str, Job]) -> "Future[Runs]":
        return self._executor.submit(run, of_notebooks)

    def carry_runs(self, folder: Path) -> None:
        """Do nothing: they are here."""


@contextmanager
def threads(number: int) -> Iterator[Workers]:
    """Give workers of this process; when it is left by an exception, what runs ends at once."""
    executor = ThreadPoolExecutor(number, thread_name_prefix="worker")
    try:
        yield _Threads(executor, number)
    except BaseException:
        sandbox.stop()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def run(of_notebooks: dict[str, Job]) -> Runs:
    """Run a submission's notebooks, one after the other."""
    return {path: jobs.run(job) for path, job in of_notebooks.items()}
