"""Runs a notebook inside the sandbox, as its process 1, and reports each cell to the outside.

Of the course, this file alone is shown to the sandbox, so it imports nothing of ours. It reads
the job, one line of JSON, from standard input, and writes events, one line of JSON each, to
standard output:

    {"event": "ready"}                                 the kernel answers
    {"event": "start", "cell": i}                      cell i begins
    {"event": "cell", "cell": i, "outputs": [...], "execution_count": n}
    {"event": "limit", "cell": i, "limit": name}       a limit struck; see LIMITS
    {"event": "died", "cell": i}                       the kernel's process ended
    {"event": "end"}                                   the last cell has run

The kernel runs under the same user id, but can neither read nor stop this process: process 1 of
a process namespace receives no signal for which it has no handler, and a process that is not
dumpable can neither be traced nor have its files opened through /proc.
"""

import ctypes
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any, TextIO

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

LIMITS = ("cell time", "processor time", "memory", "processes", "output")

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_WATCH_SECONDS = 0.1
_RELEASE_SECONDS = 5  # for an interrupted cell to let go of the kernel
# A reply in place of an exception, so that the cells after it still run.
_TIMEOUT = {"ename": "CellTimeoutError", "evalue": "", "traceback": []}
_EXECUTED = ("stream", "display_data", "update_display_data", "execute_result", "error")


class _Events:
    """Writes events, from the thread of the notebook and from the one that watches."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        with self._lock:
            self._stream.write(json.dumps({"event": event, **fields}) + "\n")
            self._stream.flush()


class _Client(NotebookClient):
    """A notebook client that collects outputs up to a number of bytes for the whole notebook."""

    bytes_left: int = 0
    watch: "_Watch"
    timed_out: bool = False

    def note_timeout(self, execute_reply: dict[str, Any], **_: Any) -> None:
        """Remember that a cell was stopped at its limit: nbclient's reply then says so."""
        self.timed_out = execute_reply["content"].get("ename") == _TIMEOUT["ename"]

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] in _EXECUTED:
            self.bytes_left -= len(json.dumps(msg["content"]))
            if self.bytes_left < 0:
                # At once: what is printed faster than it is read fills the memory.
                self.watch.strike("output")
                return None
        return super().process_message(msg, cell, cell_index)


class _Watch(threading.Thread):
    """Adds up what all processes of the sandbox use, and stops them where it is too much.

    Limits of the kernel (setrlimit) hold for each process by itself, and the number of processes
    cannot be limited that way for the user who owns the sandbox.
    """

    def __init__(self, events: _Events, limits: dict[str, float]) -> None:
        super().__init__(daemon=True)
        self._events = events
        self._limits = limits
        self.cell = 0
        self.struck: str | None = None

    def run(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        page = os.sysconf("SC_PAGE_SIZE")
        seconds: dict[tuple[int, int], float] = {}
        while self.struck is None:
            time.sleep(_WATCH_SECONDS)
            count = resident = 0
            for process in _others():
                statistics = _statistics(process)
                if statistics is None:
                    continue
                count += 1
                # Fields of /proc/PID/stat (proc(5)), counted from the state, which is the third.
                began, pages = int(statistics[19]), int(statistics[21])
                # Also the time of children that have ended and were waited for.
                used = sum(int(field) for field in statistics[11:15]) / ticks
                seconds[process, began] = max(used, seconds.get((process, began), 0.0))
                resident += pages * page
            if count > self._limits["processes"]:
                self.strike("processes")
            elif resident > self._limits["memory_bytes"]:
                self.strike("memory")
            elif sum(seconds.values()) > self._limits["processor_seconds"]:
                self.strike("processor time")

    def strike(self, limit: str) -> None:
        """Say which limit struck, once, and end everything."""
        if self.struck is not None:
            return
        self.struck = limit
        self._events.send("limit", cell=self.cell, limit=limit)
        kill_others()


def _others() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _statistics(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name, in parentheses, may hold anything, so the fields after it are counted.
    return text.rpartition(")")[2].split()


def kill_others() -> None:
    """Kill every other process of the namespace, those included that they start meanwhile."""
    for _ in range(100):
        living = [
            process
            for process in _others()
            if (statistics := _statistics(process)) is not None and statistics[0] not in "ZX"
        ]
        if not living:
            return
        try:
            # From process 1, -1 means everybody else in the namespace, at once.
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def main() -> None:
    """Read the job and run it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    # The kernel inherits standard output; what it writes there must not look like an event.
    events = _Events(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    limits = job["limits"]
    folder = os.getcwd()
    shutil.copytree(job["files"], folder, dirs_exist_ok=True)
    # Backstops for each process by itself: dumping core, files, and data.
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["disk_bytes"]),
    ):
        resource.setrlimit(what, (most, most))
    notebook = nbformat.from_dict(job["notebook"])
    client = _Client(
        notebook,
        # Sockets in the file system, outside of the working folder. Loopback would do as well; a
        # socket's file says who may connect.
        km=AsyncKernelManager(kernel_name="python3", transport="ipc", ip="/tmp/kernel"),
        timeout=limits["cell_seconds"],
        interrupt_on_timeout=True,
        error_on_timeout=_TIMEOUT,
        allow_errors=True,
        iopub_timeout=_RELEASE_SECONDS,
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.outstream_class=limited_output.LimitedOutStream"],
    )
    client.owns_km = True
    client.on_cell_executed = client.note_timeout
    client.bytes_left = limits["output_bytes"]
    watch = client.watch = _Watch(events, limits)
    with client.setup_kernel():
        watch.start()
        events.send("ready")
        if _run_cells(client, events, watch):
            events.send("end")


def _run_cells(client: _Client, events: _Events, watch: _Watch) -> bool:
    """Run the cells in order; return whether the last one was reached."""
    for index, cell in enumerate(client.nb.cells):
        if cell.cell_type != "code":
            continue
        watch.cell = index
        events.send("start", cell=index)
        client.timed_out = False
        try:
            client.execute_cell(cell, index, store_history=True)
        except DeadKernelError:
            # Where a limit struck, it was said already, and is the reason.
            if watch.struck is None:
                events.send("died", cell=index)
            return False
        events.send(
            "cell",
            cell=index,
            outputs=cell.outputs,
            execution_count=cell.execution_count,
        )
        if watch.struck is not None:
            return False
        if client.timed_out:
            events.send("limit", cell=index, limit="cell time")
            if not _answers(client):
                kill_others()
                return False
    return True


def _answers(client: _Client) -> bool:
    """Say whether the kernel is idle again, after it was interrupted."""
    assert client.kc is not None
    request = client.kc.kernel_info()
    receive = run_sync(client.kc.get_shell_msg)  # type: ignore[attr-defined]
    deadline = time.monotonic() + _RELEASE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            # The late reply of the interrupted cell may come first.
            if receive(timeout=left)["parent_header"].get("msg_id") == request:
                return True
        except Empty:
            break
    return False


if __name__ == "__main__":
    main()
