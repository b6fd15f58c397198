"""Runs a notebook in a sandbox: notebook and files in, executed notebook out.

What comes out is untrusted: a notebook whose outputs the submission may have made up, read from a
pipe in a bounded amount. A sandbox imports PyTorch once, which takes seconds, and then runs one
submission after the other (`inside/server.py`), each in a kernel and folders of its own.
"""

import atexit
import contextlib
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode, from_dict

from grading.sandbox import isolation
from grading.sandbox.inside.limited_output import VARIABLE as LIMITED_OUTPUT_VARIABLE
from grading.sandbox.isolation import SandboxUnavailable, Surroundings, check_available

__all__ = [
    "Execution",
    "Limits",
    "SandboxFailed",
    "SandboxUnavailable",
    "check_available",
    "close",
    "execute",
]

_MEBIBYTE = 2**20
_START_SECONDS = 120  # until the kernel answers; a slow disk loads PyTorch in about 30 s
_END_SECONDS = 30  # until everything has ended
_MESSAGE_BYTES = 4096


class SandboxFailed(Exception):
    """The sandbox broke down before or beside the student's code: a fault of the machine."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: float = 120
    """Wall time of one cell; the cell is then interrupted, and the next one runs."""
    notebook_seconds: float = 600
    """Wall time of all cells together."""
    processor_seconds: float = 900
    """Processor time of all processes and cores together."""
    memory_bytes: int = 6 * 1024 * _MEBIBYTE
    """Resident memory of all processes together. PyTorch and the data take about 0.9 GiB."""
    processes: int = 64
    """Processes at one time; threads do not count."""
    disk_bytes: int = 512 * _MEBIBYTE
    """Size of the working folder, and of /tmp, which are in memory."""
    output_bytes: int = 20 * _MEBIBYTE
    """All outputs together. The lesson's figures are about 0.5 MiB."""


@dataclass(frozen=True)
class Execution:
    """What came out of a run.

    `notebook` has the outputs of every cell that ran to its end; the others have none. `died` is
    the index of the cell in which the kernel's process ended by itself, `limit` the name of the
    limit that struck first and `limit_cell` the cell it struck in. `statuses` holds what the kernel
    replied on each cell that it ran, by index: "ok", "error" or "aborted".
    """

    notebook: NotebookNode
    seconds: float
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    complete: bool = False
    statuses: Mapping[int, str | None] = field(default_factory=dict)


@dataclass
class _Progress:
    """The events of a run so far."""

    ready: bool = False
    complete: bool = False
    over: bool = False
    running: int | None = None
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    cells: dict[int, tuple[list[Any], int | None]] = field(default_factory=dict)
    statuses: dict[int, str | None] = field(default_factory=dict)

    def strike(self, limit: str, cell: int | None) -> None:
        if self.limit is None:
            self.limit, self.limit_cell = limit, cell

    def take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "ready":
                self.ready = True
            case "start":
                self.running = event["cell"]
            case "cell":
                self.cells[event["cell"]] = (event["outputs"], event["execution_count"])
                self.statuses[event["cell"]] = event["status"]
            case "limit":
                cell = event["cell"]
                self.strike(event["limit"], self.running if cell is None else cell)
            case "died":
                self.died = event["cell"]
            case "end":
                self.complete = True
            case "over":
                self.over = True


def execute(
    notebook: NotebookNode,
    files: Path,
    *,
    modules: Sequence[Path] = (),
    data: Path | None = None,
    runs: Path | None = None,
    record: bool = False,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Execution:
    """Run every code cell of `notebook` in a sandbox; the argument itself is not changed.

    The sandbox stays for the next call in this thread with the same modules, data and runs, until
    the thread ends or `close` is called. Threads run side by side, each in a sandbox of its own.

    Args:
        notebook: what to run, with a Python kernel whatever its metadata say.
        files: a folder; its contents lie in the working folder when the run begins.
        modules: files to be importable, under the name of the folder each lies in: the hidden
            tests' `grader_tests/__init__.py`, say.
        data: the folder that FASHION_MNIST names inside.
        runs: the folder of recorded training runs (`grading.sandbox.inside.recall`).
        record: let the notebook add runs to that folder. For the instructor's own notebook.
        environment: further variables for the kernel.
        limits: what the run may use.

    Raises:
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down, which is no fault of the submission; the next call
            starts another.
    """
    limits = limits or Limits()
    blank = from_dict(notebook)
    for cell in blank.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    surroundings = Surroundings(tuple(modules), data, runs, record)
    job = {
        "notebook": blank,
        "files": isolation.FILES,
        "environment": {LIMITED_OUTPUT_VARIABLE: str(limits.output_bytes), **(environment or {})},
    }
    began = time.monotonic()
    sandbox = _sandbox(surroundings)
    try:
        progress = sandbox.run(job, files, limits)
    except BaseException:
        # Whatever it was, it may have left something behind.
        close()
        raise
    for index, (outputs, count) in progress.cells.items():
        cell = blank.cells[index]
        cell.outputs = [from_dict(output) for output in _joined(outputs)]
        cell.execution_count = count
    return Execution(
        blank,
        time.monotonic() - began,
        progress.died,
        progress.limit,
        progress.limit_cell,
        progress.complete,
        progress.statuses,
    )


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join what was printed in a row: how many pieces it comes in depends on the machine's load.

    nbconvert's CoalesceStreamsPreprocessor takes quadratic time for as many or as long pieces as a
    submission may print.
    """
    joined: list[dict[str, Any]] = []
    kinds = [(output["output_type"], output.get("name")) for output in outputs]
    for (kind, _), group in groupby(zip(kinds, outputs, strict=True), key=itemgetter(0)):
        members = [output for _, output in group]
        if kind == "stream":
            members = [members[0] | {"text": "".join(str(output["text"]) for output in members)}]
        joined += members
    return joined


def close() -> None:
    """End this thread's sandbox, if it has one."""
    kept: _Kept | None = getattr(_thread, "kept", None)
    if kept is not None:
        del _thread.kept
        kept.sandbox.close()
        with _lock:
            _all.discard(kept.sandbox)


def stop() -> None:
    """End the sandboxes of all threads, also those at work, and let no thread start another.

    For a process that is to end: what runs in them ends with SandboxFailed.
    """
    global _stopped
    with _lock:
        _stopped = True
        for sandbox in _all:
            sandbox.kill()


def _close_all() -> None:
    """Remove what the sandboxes of all threads have left, when no thread works any more."""
    stop()
    for sandbox in _all:
        sandbox.close()


@dataclass(frozen=True)
class _Kept:
    surroundings: Surroundings
    sandbox: "_Sandbox"


# Each thread has its own: bubblewrap's --die-with-parent ends a sandbox together with the thread
# that started it.
_thread = threading.local()
_lock = threading.Lock()
_all: set["_Sandbox"] = set()
_stopped = False
atexit.register(_close_all)


def _sandbox(surroundings: Surroundings) -> "_Sandbox":
    """Return this thread's sandbox with these surroundings, starting it in place of any other."""
    kept: _Kept | None = getattr(_thread, "kept", None)
    if kept is not None and kept.surroundings == surroundings and kept.sandbox.lives():
        return kept.sandbox
    close()
    with _lock:
        if _stopped:
            raise SandboxFailed("Grading has been stopped.")
        sandbox = _Sandbox(surroundings)
        _all.add(sandbox)
    _thread.kept = _Kept(surroundings, sandbox)
    return sandbox


class _Sandbox:
    """A running sandbox."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-")
        # Read by another user id inside; outside, the folder around it keeps everybody else away.
        self._files = Path(self._folder.name) / "files"
        try:
            self._files.mkdir()
            self._files.chmod(0o755)
            isolation.lend(surroundings.runs)
            self._process = subprocess.Popen(
                isolation.command(surroundings, self._files),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except BaseException:
            self._folder.cleanup()
            raise

    def lives(self) -> bool:
        """Say whether it can take another submission."""
        return self._process.poll() is None

    def run(self, job: dict[str, Any], files: Path, limits: Limits) -> _Progress:
        """Run one submission, and end the sandbox unless it says that nothing is left of it."""
        shutil.copytree(files, self._files, dirs_exist_ok=True)
        for path in (self._files, *self._files.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        header = json.dumps({"limits": asdict(limits)})
        listener = _Listener(self._process, limits, f"{header}\n{json.dumps(job)}\n".encode())
        progress = listener.progress
        try:
            listener.listen()
        finally:
            for entry in self._files.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            if not progress.over:
                self.close()
        errors = listener.errors.decode(errors="replace").strip() or "it said nothing"
        if not progress.ready:
            raise SandboxFailed(f"The sandbox did not start: {errors}")
        if not (progress.complete or progress.died is not None or progress.limit is not None):
            raise SandboxFailed(f"The sandbox ended during cell {progress.running}: {errors}")
        return progress

    def kill(self) -> None:
        """End it from another thread; the one that uses it sees that it has ended."""
        self._process.kill()

    def close(self) -> None:
        """End it; its process 1 ends with it, and with that everything inside."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._folder.cleanup()


class _Listener:
    """Talks with the sandbox, and watches the limits that hold for the run as a whole."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, job: bytes) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.progress = _Progress()
        self.errors = bytearray()
        self._input = process.stdin
        self._events = process.stdout
        self._messages = process.stderr
        self._limits = limits
        self._job = memoryview(job)
        self._pieces: list[bytes] = []
        # Outputs, and as much again for their JSON.
        self._bytes_left = 2 * limits.output_bytes + _MEBIBYTE

    def listen(self) -> None:
        """Hand over the job, and take events until all is over or a limit strikes."""
        progress = self.progress
        deadline = time.monotonic() + _START_SECONDS
        os.set_blocking(self._input.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._input, selectors.EVENT_WRITE)
            selector.register(self._events, selectors.EVENT_READ)
            selector.register(self._messages, selectors.EVENT_READ)
            while not progress.over and self._events in (
                key.fileobj for key in selector.get_map().values()
            ):
                left = deadline - time.monotonic()
                if left <= 0:
                    if progress.ready and not progress.complete:
                        progress.strike("notebook time", progress.running)
                    return
                was_ready, was_complete = progress.ready, progress.complete
                for key, _ in selector.select(left):
                    if not self._serve(key.fileobj):
                        selector.unregister(key.fileobj)
                if progress.ready and not was_ready:
                    deadline = time.monotonic() + self._limits.notebook_seconds
                if progress.complete and not was_complete:
                    deadline = time.monotonic() + _END_SECONDS
                if self._bytes_left < 0:
                    progress.strike("output", progress.running)
                    return
            # What has been said until now, also where the end came first.
            os.set_blocking(self._messages.fileno(), False)
            while self._serve(self._messages, again=False):
                pass

    def _serve(self, stream: Any, again: bool = True) -> bool:
        """Write or read what is ready; return whether there may be more."""
        if stream is self._input:
            # A server that has ended at once says why on standard error.
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                self._job = self._job[os.write(stream.fileno(), self._job[:65536]) :]
                return len(self._job) > 0
            return False
        try:
            chunk = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return again
        if stream is self._messages:
            # Also what the kernel writes past Jupyter: read, lest it block, and cut.
            self.errors += chunk[: max(0, _MESSAGE_BYTES - len(self.errors))]
        else:
            self._bytes_left -= len(chunk)
            *ends, rest = chunk.split(b"\n")
            # What has come of a line is joined once, when its end has come.
            for end in ends:
                line = b"".join([*self._pieces, end])
                self._pieces.clear()
                # A line is cut short where the driver was killed while it wrote.
                with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError):
                    self.progress.take(json.loads(line))
            self._pieces.append(rest)
        return bool(chunk)
