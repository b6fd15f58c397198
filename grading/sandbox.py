"""Runs a notebook in a bubblewrap sandbox: notebook and files in, executed notebook out.

A run sees the interpreter and its packages, the data, the assignment's own files and the modules
that hidden tests import, all read-only; a folder of its own to work in; no network, no home, no
course, no environment of ours. What comes out is untrusted: a notebook whose outputs the
submission may have made up, read from a pipe in a bounded amount.
"""

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode, from_dict

from grading.limited_output import VARIABLE as LIMITED_OUTPUT_VARIABLE

_DRIVER = Path(__file__).with_name("sandbox_driver.py")
_LIMITED_OUTPUT = Path(__file__).with_name("limited_output.py")
# Where things are inside.
_PACKAGES = "/packages"
_MODULES = "/modules"
_DATA = "/data"
_FILES = "/files"
_WORK = "/work"
_INTERPRETER = "/python"
# System folders with the libraries that the interpreter and its packages are linked to, the
# fonts, and what the dynamic linker needs.
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/fonts")
_MEBIBYTE = 2**20
_START_SECONDS = 120  # until the kernel answers; a slow disk loads PyTorch in about 30 s
_MESSAGE_BYTES = 4096


class SandboxUnavailable(Exception):
    """bubblewrap is missing, or may not run here."""


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
    limit that struck first and `limit_cell` the cell it struck in.
    """

    notebook: NotebookNode
    seconds: float
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    complete: bool = False


@dataclass
class _Progress:
    """The events of a run so far."""

    ready: bool = False
    complete: bool = False
    running: int | None = None
    died: int | None = None
    limit: str | None = None
    limit_cell: int | None = None
    cells: dict[int, tuple[list[Any], int | None]] = field(default_factory=dict)

    def strike(self, limit: str, cell: int | None) -> None:
        if self.limit is None:
            self.limit, self.limit_cell = limit, cell


def check_available() -> None:
    """Make sure that a sandbox can be started.

    Raises:
        SandboxUnavailable: it cannot; the message says what to install or to allow.
    """
    if shutil.which("bwrap") is None:
        raise SandboxUnavailable(
            "Submissions are graded in a sandbox, and bubblewrap, which makes it, is not "
            "installed. Install it (on Debian and Ubuntu: apt-get install bubblewrap); it runs on "
            "Linux only."
        )
    command = [*_isolation(), *_mounts_of_system(), "--", "/usr/bin/env", "true"]
    trial = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if trial.returncode != 0:
        raise SandboxUnavailable(
            f"bubblewrap is installed but may not run here: {trial.stderr.strip()} It needs user "
            "namespaces; in a container, allow them, or grade outside of it."
        )


def execute(
    notebook: NotebookNode,
    files: Path,
    *,
    modules: Sequence[Path] = (),
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Execution:
    """Run every code cell of `notebook` in a sandbox; the argument itself is not changed.

    Args:
        notebook: what to run, with a Python kernel whatever its metadata say.
        files: a folder; its contents lie in the working folder when the run begins.
        modules: files to be importable, under the name of the folder each lies in: the hidden
            tests' `grader_tests/__init__.py`, say.
        data: the folder that FASHION_MNIST names inside.
        environment: further variables for the kernel.
        limits: what the run may use.

    Raises:
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down, which is no fault of the submission.
    """
    limits = limits or Limits()
    blank = from_dict(notebook)
    for cell in blank.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    command = [
        *_isolation(),
        *_mounts_of_system(),
        *_mounts_of_interpreter(),
        *_mounts_of_run(files, modules, data, limits),
        *_variables(data, environment or {}, limits),
        *("--chdir", _WORK, "--"),
        *(_interpreter(), "-s", "/driver.py"),
    ]
    job = {"notebook": blank, "files": _FILES, "limits": asdict(limits)}
    began = time.monotonic()
    progress = _run(command, json.dumps(job) + "\n", limits)
    for index, (outputs, count) in progress.cells.items():
        cell = blank.cells[index]
        cell.outputs = [from_dict(output) for output in outputs]
        cell.execution_count = count
    return Execution(
        blank,
        time.monotonic() - began,
        progress.died,
        progress.limit,
        progress.limit_cell,
        progress.complete,
    )


def _isolation() -> list[str]:
    return [
        "bwrap",
        *("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--disable-userns", "--new-session", "--as-pid-1"),
        *("--die-with-parent", "--clearenv", "--hostname", "sandbox"),
    ]


def _mounts_of_system() -> list[str]:
    mounts = ["--dev", "/dev", "--proc", "/proc"]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            # On a merged /usr: /lib is a link to usr/lib.
            mounts += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            mounts += ["--ro-bind", str(path), str(path)]
    return mounts


def _mounts_of_interpreter() -> list[str]:
    base = Path(sys.base_prefix).resolve()
    mounts = [] if base == Path("/usr") else ["--ro-bind", str(base), _INTERPRETER]
    # Not the virtual environment but its packages alone: without its .pth files, which make this
    # course importable, and without its path, which may name a person.
    packages = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    for number, package in enumerate(packages):
        mounts += ["--ro-bind", package, f"{_PACKAGES}/{number}"]
    return mounts


def _mounts_of_run(
    files: Path, modules: Sequence[Path], data: Path | None, limits: Limits
) -> list[str]:
    mounts = ["--ro-bind", str(_DRIVER), "/driver.py", "--ro-bind", str(files), _FILES]
    mounts += ["--ro-bind", str(_LIMITED_OUTPUT), f"{_MODULES}/{_LIMITED_OUTPUT.name}"]
    if data is not None:
        mounts += ["--ro-bind", str(data), _DATA]
    for module in modules:
        mounts += ["--ro-bind", str(module), f"{_MODULES}/{module.parent.name}/{module.name}"]
    for folder in ("/tmp", _WORK):
        mounts += ["--size", str(limits.disk_bytes), "--tmpfs", folder]
    return [*mounts, "--remount-ro", "/"]


def _variables(data: Path | None, environment: Mapping[str, str], limits: Limits) -> list[str]:
    number_of_packages = len({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    packages = [f"{_PACKAGES}/{number}" for number in range(number_of_packages)]
    variables = {
        "PATH": f"{_INTERPRETER}/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": ":".join([_MODULES, *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LD_LIBRARY_PATH": f"{_INTERPRETER}/lib",
        "JUPYTER_RUNTIME_DIR": "/tmp/jupyter",
        "NBGRADER_EXECUTION": "autograde",
        "OMP_WAIT_POLICY": "PASSIVE",
        LIMITED_OUTPUT_VARIABLE: str(limits.output_bytes),
        **environment,
    }
    if data is not None:
        variables["FASHION_MNIST"] = _DATA
    return [word for item in variables.items() for word in ("--setenv", *item)]


def _interpreter() -> str:
    base = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"/usr/bin/{name}" if base == Path("/usr") else f"{_INTERPRETER}/bin/{name}"


def _run(command: list[str], job: str, limits: Limits) -> _Progress:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        listener = _Listener(process, limits)
        try:
            listener.send(job)
            listener.listen()
        finally:
            # Its process 1 ends with it, and with that everything inside.
            process.kill()
    progress = listener.progress
    errors = listener.errors.decode(errors="replace").strip() or "it said nothing"
    if not progress.ready:
        raise SandboxFailed(f"The sandbox did not start: {errors}")
    if not (progress.complete or progress.died is not None or progress.limit is not None):
        raise SandboxFailed(f"The sandbox ended during cell {progress.running}: {errors}")
    return progress


class _Listener:
    """Talks with the driver, and watches the limits that hold for the run as a whole."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.progress = _Progress()
        self.errors = bytearray()
        self._input = process.stdin
        self._events = process.stdout
        self._messages = process.stderr
        self._limits = limits
        # Outputs, and as much again for their JSON.
        self._bytes_left = 2 * limits.output_bytes + _MEBIBYTE

    def send(self, job: str) -> None:
        """Hand the job over; a driver that ended at once says why on standard error."""
        with contextlib.suppress(BrokenPipeError), self._input:
            self._input.write(job.encode())

    def listen(self) -> None:
        """Take events until the driver ends or a limit strikes."""
        deadline = time.monotonic() + _START_SECONDS
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._events, selectors.EVENT_READ)
            selector.register(self._messages, selectors.EVENT_READ)
            while self._events in (key.fileobj for key in selector.get_map().values()):
                left = deadline - time.monotonic()
                if left <= 0:
                    if self.progress.ready:
                        self.progress.strike("notebook time", self.progress.running)
                    return
                for key, _ in selector.select(left):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._messages:
                        # Also what the kernel writes past Jupyter: read, lest it block, and cut.
                        self.errors += chunk[: _MESSAGE_BYTES - len(self.errors)]
                    else:
                        was_ready = self.progress.ready
                        *lines, rest = (rest + chunk).split(b"\n")
                        for line in lines:
                            self._take(json.loads(line))
                        if self.progress.ready and not was_ready:
                            deadline = time.monotonic() + self._limits.notebook_seconds
                        self._bytes_left -= len(chunk)
                if self._bytes_left < 0:
                    self.progress.strike("output", self.progress.running)
                    return

    def _take(self, event: dict[str, Any]) -> None:
        progress = self.progress
        match event["event"]:
            case "ready":
                progress.ready = True
            case "start":
                progress.running = event["cell"]
            case "cell":
                progress.cells[event["cell"]] = (event["outputs"], event["execution_count"])
            case "limit":
                progress.strike(event["limit"], event["cell"])
            case "died":
                progress.died = event["cell"]
            case "end":
                progress.complete = True
