"""Tells how many cores of the machine have nothing to do."""

import contextlib
import os
import statistics
import time
from pathlib import Path

import torch

_SAMPLES = 5
_PAUSE = 0.01
_LOAD = Path("/proc/loadavg")
_TASKS = Path("/proc/self/task")


def idle_cores() -> int:
    """Return on how many cores this process may compute: its own, and those that others leave.

    It is never more than PyTorch has threads for, which OMP_NUM_THREADS limits, and at least 1.
    Whoever computes on a core that is taken waits for the other at every product.
    """
    threads = torch.get_num_threads()
    return max(1, threads - busy_cores()) if threads > 1 else 1


def busy_cores() -> int:
    """Return how many cores others use at this moment.

    Linux tells how many threads run or want to run. That changes from moment to moment, so the
    median of a few samples counts. Elsewhere the load of the last minute has to do, in which this
    process itself counts as 1.
    """
    try:
        samples = [_others_running() for _ in range(_SAMPLES)]
    except (OSError, IndexError, ValueError):
        return _load()
    return int(statistics.median(samples))


def _others_running() -> int:
    """Return how many threads of other processes run; see proc(5) for what the files hold."""
    time.sleep(_PAUSE)
    running = int(_LOAD.read_text(encoding="ascii").split()[3].split("/")[0])
    own = 0
    for task in _TASKS.iterdir():
        # PyTorch's own threads go on running for a while after they had something to do.
        with contextlib.suppress(FileNotFoundError):
            state = (task / "stat").read_text(encoding="utf-8").rpartition(") ")[2]
            own += state.startswith("R")
    return max(0, running - own)


def _load() -> int:
    try:
        return max(0, round(os.getloadavg()[0] - 1))
    except (AttributeError, OSError):
        # Windows does not tell.
        return 0
