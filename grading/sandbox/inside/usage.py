"""Watches what all processes of a submission use together, and ends them; for process 1 alone."""

import contextlib
import os
import select
import signal
from pathlib import Path

_WATCH_SECONDS = 0.1


def watch(driver: int, limits: dict[str, float]) -> str | None:
    """Wait for the driver to end; return the limit that struck meanwhile.

    Limits of the kernel (setrlimit) hold for each process by itself, and the number of processes
    cannot be limited that way for the user who owns the sandbox.
    """
    ended = os.pidfd_open(driver)
    try:
        usage = _Usage(driver)
        while not select.select([ended], [], [], _WATCH_SECONDS)[0]:
            if struck := usage.beyond(limits):
                return struck
    finally:
        os.close(ended)
    return None


class _Usage:
    """Adds up what a submission's processes use, and what the driver has collected of it."""

    def __init__(self, driver: int) -> None:
        self._driver = driver
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._seconds: dict[tuple[int, int], float] = {}
        self._driver_at_first: int | None = None

    def beyond(self, limits: dict[str, float]) -> str | None:
        """Return the name of the limit that is exceeded, None if all are kept."""
        collected = resident = 0
        processes = []
        for process in _others():
            statistics = _statistics(process)
            if statistics is None:
                continue
            # Fields of /proc/PID/stat (proc(5)), counted from the state, which is the third.
            parent, began, pages = (int(statistics[place]) for place in (1, 19, 21))
            if process == self._driver:
                self._driver_at_first = self._driver_at_first or pages
                collected = max(0, pages - self._driver_at_first) * self._page
            if parent == 1:
                # The driver, and process 1 of the submission's namespace.
                continue
            processes.append(process)
            resident += pages * self._page
            # Also the time of children that have ended and were waited for.
            used = sum(int(field) for field in statistics[11:15]) / self._ticks
            key = (process, began)
            self._seconds[key] = max(used, self._seconds.get(key, 0.0))
        if len(processes) > limits["processes"]:
            return "processes"
        # What processes share counts for each of them so far. To tell them apart takes longer.
        if (
            collected + resident > limits["memory_bytes"]
            and collected + sum(map(self._proportional, processes)) > limits["memory_bytes"]
        ):
            return "memory"
        if sum(self._seconds.values()) > limits["processor_seconds"]:
            return "processor time"
        return None

    def _proportional(self, process: int) -> int:
        """Return a process's memory in bytes, with its part of what it shares with others."""
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            # A process may refuse; then what it shares counts wholly.
            statistics = _statistics(process)
            return int(statistics[21]) * self._page if statistics else 0


def kill_others() -> None:
    """Kill every other process of the sandbox, those included that they start meanwhile."""
    while _others():
        with contextlib.suppress(ProcessLookupError):
            # From process 1, -1 means everybody else, those in namespaces within included.
            os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _others() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _statistics(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything, so the fields after it are counted.
    return text.rpartition(")")[2].split()
