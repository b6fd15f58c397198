"""The sandbox's process 1: imports PyTorch once, and forks a kernel for each submission.

Of the course, the sandbox sees this file, `sandbox_driver.py` and `forked_kernel.py`. For each
submission this process reads one line of JSON from standard input, `{"limits": {...}}`, and forks
two processes. One waits to become the kernel. The other, the driver, reads the submission, which
follows on standard input, runs it in that kernel and writes events. This process itself never
reads a submission, so no later fork can find anything of it in its memory. It watches the limits,
ends everything when the driver has ended, empties the folders, and writes, besides the driver's
events:

    {"event": "limit", "cell": null, "limit": name}    a limit of all processes together struck
    {"event": "killed"}                                the driver was killed: by the kernel, say
    {"event": "over", "reusable": true}                all is clean, and another may come

The kernel runs under the same user id. It can kill the driver, which ends its own submission. It
can neither read nor stop this process: process 1 of a process namespace receives no signal for
which it has no handler, and a process that is not dumpable can neither be traced nor have its
files opened through /proc.
"""

import ctypes
import gc
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sandbox_driver  # beside this file in the sandbox's own folder of modules

# What takes long to import; not matplotlib's inline backend, which on import ties itself to the
# running kernel. No parallel region of OpenMP may run in this process: its threads
# would be missing in the forked ones, which then wait for them for ever.
_IMPORTS = (
    "torch",
    "torch.optim",
    "torch.utils.data",
    "torchvision.datasets",
    "torchvision.transforms",
    "numpy",
    "matplotlib.pyplot",
    "tqdm",
    "ipykernel.kernelapp",
    "IPython.core.interactiveshell",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "tornado.queues",
    # For figures and tracebacks.
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "stack_data",
    "pygments.formatters",
)
_FOLDERS = ("/work", "/tmp", "/dev/shm")
_FILES = "/files"  # as `isolation.FILES`
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_WATCH_SECONDS = 0.1


def main() -> None:
    """Serve one submission after the other until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _set_dumpable(False)
    events = os.dup(1)
    # The kernel inherits standard output; what it writes there must not look like an event.
    os.dup2(2, 1)
    for name in _IMPORTS:
        importlib.import_module(name)
    _leave_out_debugger()
    # Collecting garbage would write to pages that all forks could share.
    gc.collect()
    gc.freeze()
    while line := _read_line():
        _serve(json.loads(line)["limits"], events)


def _leave_out_debugger() -> None:
    """Let ipykernel find no debugger for JupyterLab, which every kernel would import anew."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # what makes an import fail
    importlib.import_module("ipykernel.debugger")
    del sys.modules["debugpy"]


def _serve(limits: dict[str, float], events: int) -> None:
    reading, writing = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        os.close(writing)
        os.close(events)
        _become_kernel(reading, limits)
    os.close(reading)
    driver = os.fork()
    if driver == 0:
        _in_child(sandbox_driver.run, (kernel, writing), limits, events)
    os.close(writing)
    struck, status = _watch(driver, limits)
    kill_others()
    # What the driver wrote last may have been cut short, so an empty line comes first.
    if struck is not None:
        _send(events, event="limit", cell=None, limit=struck)
    elif os.WIFSIGNALED(status):
        _send(events, event="killed")
    _send(events, event="over", reusable=_clean())


def _become_kernel(pipe: int, limits: dict[str, float]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with os.fdopen(pipe, encoding="utf-8") as file:
        text = file.read()
    if not text:
        os._exit(1)
    order = json.loads(text)
    # As a process of the same user otherwise is; packages read their own files in /proc.
    _set_dumpable(True)
    most = int(limits["disk_bytes"])
    # Backstops for each process by itself. Message queues would outlast the submission.
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, most),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(what, (value, value))
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    # A notebook that leaves its folder, or empties it, still finds what was given with it.
    sys.path.append(_FILES)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    sys.modules["numpy"].random.seed()
    sys.argv = ["ipykernel_launcher.py", *order["arguments"]]
    gc.enable()
    from ipykernel.kernelapp import launch_new_instance
    from ipykernel.zmqshell import ZMQInteractiveShell

    # After a cell with quit() a notebook's reader would go on, and so do the cells after it.
    ZMQInteractiveShell.ask_exit = _stay  # type: ignore[method-assign]  # as meant

    _in_child(launch_new_instance, order["arguments"])


def _stay(shell: Any) -> None:
    """Take the place of what ends a kernel."""


def _in_child(function: Any, *arguments: Any) -> None:
    """Call a function and end the process, whatever happens, without this file's way back."""
    code = 1
    try:
        function(*arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _watch(driver: int, limits: dict[str, float]) -> tuple[str | None, int]:
    """Wait for the driver to end; return the limit that struck meanwhile, and its status.

    Limits of the kernel (setrlimit) hold for each process by itself, and the number of processes
    cannot be limited that way for the user who owns the sandbox.
    """
    ended = os.pidfd_open(driver)
    try:
        usage = _Usage(driver)
        while True:
            over, _, _ = select.select([ended], [], [], _WATCH_SECONDS)
            struck = None if over else usage.beyond(limits)
            if struck is not None:
                os.kill(driver, signal.SIGKILL)
            for process, status in _reap(block_for=driver if over or struck else None):
                if process == driver:
                    return struck, status
    finally:
        os.close(ended)


def _reap(block_for: int | None) -> Sequence[tuple[int, int]]:
    """Collect processes that have ended, those included that others left behind."""
    found = [] if block_for is None else [os.waitpid(block_for, 0)]
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if process == 0:
            return found
        found.append((process, status))


class _Usage:
    """Adds up what all processes of the sandbox use, but for process 1 and the driver."""

    def __init__(self, driver: int) -> None:
        self._driver = driver
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._seconds: dict[tuple[int, int], float] = {}
        self._driver_at_first: int | None = None

    def beyond(self, limits: dict[str, float]) -> str | None:
        """Return the name of the limit that is exceeded, None if all are kept."""
        count = resident = 0
        processes = _others()
        for process in processes:
            statistics = _statistics(process)
            if statistics is None:
                continue
            # Fields of /proc/PID/stat (proc(5)), counted from the state, which is the third.
            began, pages = int(statistics[19]), int(statistics[21])
            if process == self._driver:
                # Of the driver what it collects counts, not what it was forked with.
                self._driver_at_first = self._driver_at_first or pages
                resident += max(0, pages - self._driver_at_first) * self._page
                continue
            count += 1
            resident += pages * self._page
            # Also the time of children that have ended and were waited for.
            used = sum(int(field) for field in statistics[11:15]) / self._ticks
            key = (process, began)
            self._seconds[key] = max(used, self._seconds.get(key, 0.0))
        if count > limits["processes"]:
            return "processes"
        # What processes share counts for each of them so far. To tell them apart takes longer.
        if (
            resident > limits["memory_bytes"]
            and sum(map(self._proportional, processes)) > limits["memory_bytes"]
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
    """Kill every other process of the namespace, those included that they start meanwhile."""
    while _others():
        try:
            # From process 1, -1 means everybody else in the namespace, at once.
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        # With its parent dead, each of them becomes a child of process 1.
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            continue
        _reap(block_for=None)


def _clean() -> bool:
    """Empty the folders that a kernel can write to; return whether nothing of it is left."""
    # In a child, so that not even the names of files pass through this process's memory.
    cleaner = os.fork()
    if cleaner == 0:
        _in_child(_empty_folders)
    _, status = os.waitpid(cleaner, 0)
    return status == 0


def _empty_folders() -> None:
    for folder in _FOLDERS:
        for parent, names, _ in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                if not os.path.islink(path):
                    # A folder's mode may forbid to look into it.
                    os.chmod(path, 0o700)
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
    # Shared memory and the like of System V has no folder.
    for kind in ("shm", "sem", "msg"):
        with open(f"/proc/sysvipc/{kind}", encoding="ascii") as lines:
            if len(lines.readlines()) > 1:
                raise SystemExit(1)


def _others() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _statistics(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything, so the fields after it are counted.
    return text.rpartition(")")[2].split()


def _set_dumpable(value: bool) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(value), 0, 0, 0)


def _send(events: int, **fields: Any) -> None:
    # Longer than PIPE_BUF it would not be written at once; it never is.
    os.write(events, b"\n" + json.dumps(fields).encode() + b"\n")


def _read_line() -> bytes:
    """Read one line byte by byte: what follows is for the driver."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


if __name__ == "__main__":
    main()
