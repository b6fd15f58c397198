"""Watches what all processes of a submission use together, and ends them; for process 1 alone.

Memory is counted where it is, which holds everywhere; a control group would have to be given to us.
Of what lies in memory, a submission can have, as `system_calls` leaves it:

- pages of its processes, in memory or swapped, and the tables that say where those are;
- files in its folders, open ones without a name included, whether a process has them mapped or not;
- what waits in sockets. Of them only the number is known, so each counts with the most it can hold;
- locks on parts of files (fcntl(2)), of which there is no end; ten thousand are too many.

Pipes hold 64 MiB of a user together, and 8 KiB each beyond (pipe(7)), and are not counted.
"""

import contextlib
import ctypes
import os
import platform
import select
import signal
import socket
from pathlib import Path

from .namespaces import FOLDERS

_WATCH_SECONDS = 0.1
# Numbers for processes are the machine's: 32,768 where nobody changed it.
_TASKS_FOR_A_PROCESS = 4
_BYTES_OF_AN_INODE = 1024
_MOST_LOCKS = 10_000
_KCMP, _KCMP_VM = {"x86_64": 312, "aarch64": 272}.get(platform.machine(), -1), 1
_libc = ctypes.CDLL(None)
_BYTES_OF_LOCKS = 2**20  # as text, of which more need not be read


def most_tasks(limits: dict[str, float]) -> int:
    """Return how many threads all processes may have together, each one's first included."""
    return _TASKS_FOR_A_PROCESS * int(limits["processes"])


def watch(driver: int, limits: dict[str, float]) -> str | None:
    """Wait for the driver to end; return the limit that struck meanwhile.

    Limits of the kernel (setrlimit) hold for each process by itself, or come without a word.
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
        self._bytes_of_a_socket = _bytes_of_a_socket()
        # What the submission before has left takes the kernel a moment to clear away.
        self._sockets_at_first = _sockets()
        self._locks_at_first = _locks()

    def beyond(self, limits: dict[str, float]) -> str | None:
        """Return the name of the limit that is exceeded, None if all are kept."""
        collected = resident = tasks = 0
        processes = []
        for process in _others():
            statistics = _statistics(process)
            if statistics is None:
                continue
            # Fields of /proc/PID/stat (proc(5)), counted from the state, which is the third.
            parent, threads, began, pages = (int(statistics[place]) for place in (1, 17, 19, 21))
            if process == self._driver:
                self._driver_at_first = self._driver_at_first or pages
                collected = max(0, pages - self._driver_at_first) * self._page
            if parent == 1:
                # The driver, and process 1 of the submission's namespace.
                continue
            processes.append(process)
            tasks += threads
            resident += self._resident(process, statistics)
            # Also the time of children that have ended and were waited for.
            used = sum(int(field) for field in statistics[11:15]) / self._ticks
            key = (process, began)
            self._seconds[key] = max(used, self._seconds.get(key, 0.0))
        if len(processes) > limits["processes"] or tasks > most_tasks(limits):
            return "processes"
        if _locks() - self._locks_at_first > _MOST_LOCKS:
            return "memory"
        collected += self._in_folders() + self._in_sockets()
        # What processes share counts for each of them so far. To tell them apart takes longer.
        if (
            collected + resident > limits["memory_bytes"]
            and collected + sum(map(self._proportional, _with_own_memory(processes)))
            > limits["memory_bytes"]
        ):
            return "memory"
        if sum(self._seconds.values()) > limits["processor_seconds"]:
            return "processor time"
        return None

    def _in_folders(self) -> int:
        """Return the bytes in the submission's folders, which the driver sees as it does."""
        used = 0
        for folder in FOLDERS:
            with contextlib.suppress(OSError):
                files = os.statvfs(f"/proc/{self._driver}/root{folder}")
                used += (files.f_blocks - files.f_bfree) * files.f_frsize
                used += (files.f_files - files.f_ffree) * _BYTES_OF_AN_INODE
        return used

    def _in_sockets(self) -> int:
        return max(0, _sockets() - self._sockets_at_first) * self._bytes_of_a_socket

    def _resident(self, process: int, statistics: list[str]) -> int:
        """Return a process's memory in bytes, with all of what it shares with others."""
        task = _living(process, statistics)
        if task != str(process):
            statistics = _statistics(task) or statistics
        return int(statistics[21]) * self._page + _beside_pages(task)

    def _proportional(self, process: int) -> int:
        """Return a process's memory in bytes, with its part of what it shares with others.

        Without what it has mapped of files in memory: they are counted in their folders.
        """
        statistics = _statistics(process)
        if statistics is None:
            return 0
        task = _living(process, statistics)
        sizes = _sizes(f"/proc/{task}/smaps_rollup")
        if "Pss" in sizes:
            pages = sizes["Pss"] - sizes.get("Pss_Shmem", 0) + sizes.get("SwapPss", 0)
            return pages + _sizes(f"/proc/{task}/status").get("VmPTE", 0)
        # A kernel may not have that file; then what processes share counts wholly.
        return self._resident(process, statistics)


def _bytes_of_a_socket() -> int:
    """Return how much may wait in a socket: one more message of its size when it is almost full."""
    ours, other = socket.socketpair()
    with ours, other:
        return 2 * ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def _sockets() -> int:
    """Return the number of sockets in the sandbox, those included that no process has open."""
    # A kernel may not have that file.
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/sockstat").read_text(encoding="utf-8").splitlines():
            if line.startswith("sockets: used"):
                return int(line.split()[2])
    return 0


def _locks() -> int:
    """Return the number of locks on files in the sandbox, or a number that is too large."""
    with contextlib.suppress(OSError), open("/proc/locks", "rb") as file:
        return file.read(_BYTES_OF_LOCKS).count(b"\n")
    return 0


def _living(process: int, statistics: list[str]) -> str:
    """Return the path below /proc of a thread that tells of a process's memory.

    It is the first one, unless that has ended by itself: then it has no memory any more, and the
    others still have all of it.
    """
    if statistics[0] in "ZX" and int(statistics[17]) > 1:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{process}/task"):
                thread = _statistics(task := f"{process}/task/{name}")
                if thread is not None and thread[0] not in "ZX":
                    return task
    return str(process)


def _with_own_memory(processes: list[int]) -> list[int]:
    """Return the processes without those that work in the memory of one before.

    Such is each that starts a program, until the program runs (vfork(2)).
    """
    kept: dict[int, int] = {}
    for process in processes:
        statistics = _statistics(process)
        task = int(_living(process, statistics).rpartition("/")[2]) if statistics else process
        if not any(_libc.syscall(_KCMP, task, other, _KCMP_VM, 0, 0) == 0 for other in kept):
            kept[task] = process
    return list(kept.values())


def _beside_pages(task: str) -> int:
    """Return the bytes of a process that are swapped, and those of its page tables."""
    sizes = _sizes(f"/proc/{task}/status")
    return sizes.get("VmSwap", 0) + sizes.get("VmPTE", 0)


def _sizes(path: str) -> dict[str, int]:
    """Return what a file in /proc gives in kB, by name, in bytes; nothing if it cannot be read."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {words[0][:-1]: 1024 * int(words[1]) for words in fields if words[2:] == ["kB"]}


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


def _statistics(task: int | str) -> list[str] | None:
    try:
        text = Path(f"/proc/{task}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything, so the fields after it are counted.
    return text.rpartition(")")[2].split()
