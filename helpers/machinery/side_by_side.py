"""Computes things side by side on idle cores, in processes forked from this one.

It is what a `DataLoader` with workers does. A training on one thread gives the same figures in
whichever process it runs, so side by side is only sooner.
"""

import contextlib
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

import numpy as np
import torch

from . import progress

Result = TypeVar("Result")
Job = Callable[[], Result]

# A forked process that takes this many times as long as this one did, and these seconds more,
# got stuck.
_PATIENCE = 3.0
_GRACE = 5.0


def run_side_by_side(jobs: Sequence[Job[Result]], cores: int) -> list[Result]:
    """Return what each job returns, in their order.

    The first jobs run here, the others in processes of their own: on Linux, without a GPU in use.
    What a job changes besides what it returns may be lost. Jobs whose process fails or gets stuck
    are run here, so that what they raise is raised here.

    Args:
        jobs: functions without arguments, whose results can be pickled.
        cores: how many jobs may run at once.
    """
    # macOS's own libraries do not survive a fork, and a GPU's context does not either.
    may_fork = sys.platform == "linux" and not torch.cuda.is_initialized()
    parts = _parts(jobs, cores if may_fork else 1)
    # The first part stays here, so that the progress that is seen is that of the first jobs.
    started = [_start(part) for part in parts[1:]]
    begun = time.monotonic()
    try:
        results = _run(parts[0])
        patience = _PATIENCE * (time.monotonic() - begun) + _GRACE
        for part, (_, receiver) in zip(parts[1:], started, strict=True):
            found = None
            with contextlib.suppress(EOFError, OSError):
                if receiver.poll(patience):
                    found = receiver.recv()
            results += _run(part) if found is None else found
    finally:
        for process, receiver in started:
            process.kill()
            process.join()
            receiver.close()
    return results


def _parts(jobs: Sequence[Job[Result]], cores: int) -> list[Sequence[Job[Result]]]:
    """Split jobs into one part for each core, equally, the longer parts first."""
    places = np.array_split(range(len(jobs)), max(1, min(len(jobs), cores)))
    return [[jobs[place] for place in part] for part in places]


def _run(jobs: Sequence[Job[Result]]) -> list[Result]:
    return [job() for job in jobs]


def _start(jobs: Sequence[Job[Result]]) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_results, args=(jobs, sender), daemon=True)
    with warnings.catch_warnings():
        # Python 3.12 warns that a lock which another thread holds stays locked in a fork. That is
        # what the patience above is for.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return process, receiver


def _send_results(jobs: Sequence[Job[Result]], sender: Connection) -> None:
    progress.hide()
    # Whatever goes wrong goes wrong again where it is seen.
    with contextlib.suppress(BaseException):
        sender.send(_run(jobs))
