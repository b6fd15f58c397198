"""Runs one notebook inside the sandbox, and reports each cell to the outside.

`server.py` forks this process for each submission. It reads the job, one line of JSON,
from standard input, and writes events, one line of JSON each:

    {"event": "ready"}                                 the kernel answers
    {"event": "start", "cell": i}                      cell i begins
    {"event": "cell", "cell": i, "outputs": [...], "execution_count": n,
     "status": text}                                what the kernel replied; null without reply
    {"event": "limit", "cell": i, "limit": name}       a limit struck: cell time or output
    {"event": "died", "cell": i}                       the kernel's process ended
    {"event": "end"}                                   the last cell has run
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from queue import Empty
from typing import Any, TextIO

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from . import forked_kernel, messages
from .starting_point import Executed

_RELEASE_SECONDS = 5  # for an interrupted cell to let go of the kernel
# A reply in place of an exception, so that the cells after it still run.
_TIMEOUT = {"ename": "CellTimeoutError", "evalue": "", "traceback": []}
_EXECUTED = ("stream", "display_data", "update_display_data", "execute_result", "error")


class _Events:
    """Writes events."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.cell = 0

    def send(self, event: str, **fields: Any) -> None:
        self._stream.write(json.dumps({"event": event, **fields}) + "\n")
        self._stream.flush()


class _Client(NotebookClient):
    """A notebook client that collects outputs up to a number of bytes.

    Those of test cells are counted by themselves: what a test reports is none of the student's
    output, and what a student prints leaves a test room to report.
    """

    bytes_left: dict[bool, int]
    events: _Events
    in_test: bool = False
    status: str | None = None
    timed_out: bool = False

    def note_reply(self, execute_reply: dict[str, Any], **_: Any) -> None:
        """Remember how a cell ended; nbclient's reply also tells one stopped at its limit."""
        content = execute_reply["content"]
        self.status = content.get("status")
        self.timed_out = content.get("ename") == _TIMEOUT["ename"]

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] in _EXECUTED:
            self.count(len(json.dumps(msg["content"])) * self._places(msg["content"]))
        return super().process_message(msg, cell, cell_index)

    def replay(self, cell: Any, cell_index: int, executed: Executed) -> None:
        """Take what a cell has sent when it was run before."""
        if cell.source != executed.source:
            raise ValueError(f"Cell {cell_index} is not the one that was run.")
        cell.metadata["execution"], self.clear_before_next_output = {}, False
        self.code_cells_executed += 1
        for kind, content in executed.messages:
            self.process_message(messages.recorded(kind, content), cell, cell_index)
        self.status = "ok"

    def count(self, size: int) -> None:
        """Count bytes of output, and end the run where they are too many."""
        self.bytes_left[self.in_test] -= size
        if self.bytes_left[self.in_test] < 0:
            # At once: what is printed faster than it is read fills the memory.
            self.events.send("limit", cell=self.events.cell, limit="output")
            os._exit(0)

    def _places(self, content: dict[str, Any]) -> int:
        """Return how many outputs have the same content then: a display may name earlier ones."""
        name = content.get("transient", {}).get("display_id")
        cells = self._display_id_map.get(name, {})
        return max(1, sum(map(len, cells.values())))


def run(
    kernel: socket.socket, limits: dict[str, float], events: int, given: Sequence[Executed]
) -> None:
    """Run the notebook that comes on standard input.

    Args:
        kernel: on which the process that is to be the kernel waits.
        limits: those of `grading.sandbox.Limits`, by name.
        events: where to write events.
        given: the first cells, where the kernel has run them already.
    """
    stream = _Events(os.fdopen(events, "w", encoding="utf-8"))
    job = json.loads(sys.stdin.readline())
    os.environ.update(job["environment"])
    folder = os.getcwd()
    shutil.copytree(job["files"], folder, dirs_exist_ok=True)
    forked_kernel.register()
    forked_kernel.ForkedKernel.waiting = kernel
    client = _Client(
        nbformat.from_dict(job["notebook"]),
        # Sockets in the file system, outside of the working folder. Loopback would do as well; a
        # socket's file says who may connect.
        km=AsyncKernelManager(
            kernel_name="python3",
            transport="ipc",
            ip="/tmp/kernel",
            client_factory=messages.Client,
        ),
        timeout=limits["cell_seconds"],
        interrupt_on_timeout=True,
        error_on_timeout=_TIMEOUT,
        allow_errors=True,
        iopub_timeout=_RELEASE_SECONDS,
        resources={"metadata": {"path": folder}},
        extra_arguments=[
            f"--IPKernelApp.outstream_class={__package__}.limited_output.LimitedOutStream",
            f"--IPKernelApp.kernel_class={__package__}.steady_kernel.SteadyKernel",
        ],
    )
    client.owns_km = True
    client.on_cell_executed = client.note_reply
    client.bytes_left = dict.fromkeys((False, True), int(limits["output_bytes"]))
    client.events = stream
    messages.count_dropped(client.count)
    run_sync(client.async_start_new_kernel)()
    run_sync(client.async_start_new_kernel_client)()
    stream.send("ready")
    if _run_cells(client, stream, list(given)):
        stream.send("end")
    # The kernel is not asked to leave: process 1 ends everything now.


def _run_cells(client: _Client, events: _Events, given: list[Executed]) -> bool:
    """Run the cells in order; return whether the last one was reached."""
    for index, cell in enumerate(client.nb.cells):
        if cell.cell_type != "code":
            continue
        events.cell = index
        client.in_test = _is_test(cell)
        events.send("start", cell=index)
        # An empty cell is not sent to the kernel: there is nothing in it that could fail.
        client.status, client.timed_out = None if cell.source.strip() else "ok", False
        try:
            if given:
                client.replay(cell, index, given.pop(0))
            else:
                client.execute_cell(cell, index, store_history=True)
        except DeadKernelError:
            events.send("died", cell=index)
            return False
        events.send(
            "cell",
            cell=index,
            outputs=cell.outputs,
            execution_count=cell.execution_count,
            status=client.status,
        )
        if client.timed_out:
            events.send("limit", cell=index, limit="cell time")
            if not _answers(client):
                return False
    return True


def _is_test(cell: Any) -> bool:
    """Tell whether a cell is a test of the instructor's: what it says is taken from the release."""
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


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
