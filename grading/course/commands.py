"""Runs nbgrader's own commands, each in a process of its own.

Importing nbgrader takes about two seconds, and a demonstration or a test of the whole way of a
submission runs dozens of commands. So one server process imports it once and forks a child for
each command; what runs there is the command line that `nbgrader ...` would have run.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

from grading.errors import GradingError

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["nbgrader.apps"])


class CommandFailed(GradingError):
    """An nbgrader command ended with another exit code than 0."""

    def __init__(self, arguments: Sequence[str], code: int | None, output: str) -> None:
        super().__init__(f"`nbgrader {' '.join(arguments)}` ended with exit code {code}.")
        self.code = code
        self.output = output


def run_nbgrader(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run `nbgrader ARGUMENTS` in `folder` and return what it printed, log lines included.

    Args:
        arguments: the command line after the word `nbgrader`.
        folder: the working directory: the course root, or a student's folder.
        environment: variables to set on top of this process's.
        on_line: called with each line as it is printed, for progress and logs.

    Raises:
        CommandFailed: the exit code was not 0; the exception carries the output.
    """
    variables = {**os.environ, **(environment or {})}
    # nbgrader calls `alembic` by name when it makes a database.
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables["PATH"]])
    receiving, sending = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(
        target=_child, args=(list(arguments), str(folder), variables, sending)
    )
    process.start()
    sending.close()
    lines: list[str] = []
    with receiving:
        for line in _lines(receiving, process.sentinel):
            lines.append(line)
            if on_line is not None:
                on_line(line)
    process.join()
    output = "\n".join(lines)
    if process.exitcode != 0:
        raise CommandFailed(arguments, process.exitcode, output)
    return output


def _child(
    arguments: list[str], folder: str, environment: dict[str, str], output: Connection
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(output.fileno(), stream.fileno())
    from nbgrader.apps import NbGraderApp

    sys.argv = ["nbgrader", *arguments]
    NbGraderApp.launch_instance(arguments)


def _lines(receiving: Connection, sentinel: int) -> Iterator[str]:
    """Yield lines until the process has ended and everything it wrote is read.

    The end of the process decides, not the end of the pipe: a kernel may outlive the command
    and hold the pipe open.
    """
    descriptor = receiving.fileno()
    os.set_blocking(descriptor, False)
    rest = b""
    while True:
        ended = sentinel in wait([descriptor, sentinel])
        while True:
            try:
                chunk = os.read(descriptor, 65536)
            except BlockingIOError:
                break
            if not chunk:
                ended = True
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")
        if ended:
            break
    if rest:
        yield rest.decode(errors="replace")
