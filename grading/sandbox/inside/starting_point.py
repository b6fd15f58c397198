"""Runs the cells that every submission begins with once, in the process that is forked for each.

It happens in a shell of the kernel's own kind, without sockets or threads, which a fork would not
take along: what the shell would send is recorded instead, and the driver replays it for each
submission. Whoever is forked then goes on with the same shell (`begun_kernel`).

It is done only where nobody could tell the difference. `Unfit` says what would differ: a cell that
fails or waits, something that forked processes would share or lack (`traces`), a look at a variable
that each submission has its own value of, an output or random numbers that are not the same again.
"""

import asyncio
import builtins
import gc
import hashlib
import json
import os
import pickle
import random
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

from ipykernel.compiler import XCachingCompiler
from ipykernel.iostream import IOPubThread
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.shellapp import InteractiveShellApp
from jupyter_client.session import Session
from traitlets.config import Config

from .limited_output import LimitedOutStream
from .traces import OpenFile, Traces, Unfit

# The number that a kernel has in its namespace: the first process that process 1 there starts.
_KERNELS_NUMBER = 2
_ARGUMENTS = ("ipykernel_launcher.py", "-f", "/tmp/jupyter/kernel.json")


@dataclass(frozen=True)
class Executed:
    """A cell that has run.

    Attributes:
        source: its code.
        messages: what the kernel would have sent, type and content, in order.
    """

    source: str
    messages: list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class StartingPoint:
    """Where submissions begin.

    Attributes:
        cells: those that have run.
        shell: the one they ran in.
        streams: by name, what took the place of standard output and error meanwhile.
        environment: variables that the cells have set or, with None, removed.
        random_states: of the generators that the cells have used or seeded, by name. Python seeds
            its own anew in a forked process.
        files: that the cells have left open.
    """

    cells: list[Executed]
    shell: ZMQInteractiveShell
    streams: dict[str, LimitedOutStream]
    environment: dict[str, str | None]
    random_states: dict[str, Any]
    files: list[OpenFile]

    def digest(self) -> str:
        """Return a hash of all that shows: what was sent, variables, and random states."""
        shown = [(cell.source, cell.messages) for cell in self.cells]
        text = json.dumps([shown, self.environment])
        return hashlib.sha256(text.encode() + pickle.dumps(self.random_states)).hexdigest()

    def restore_generators(self) -> None:
        """Let random numbers go on where the cells have left them, and else be new."""
        for name, generator in _generators().items():
            if name in self.random_states:
                generator.set(self.random_states[name])
            else:
                generator.seed()


class _Recorder(Session):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, *_: Any, **__: Any) -> None:
        """Keep a message as it would arrive."""
        if isinstance(msg_or_type, dict):
            msg_or_type, content = msg_or_type["msg_type"], msg_or_type["content"]
        self.sent.append((msg_or_type, self.unpack(self.pack(content))))


class _NoThread(IOPubThread):
    """Stands where a stream expects the thread that sends."""

    def __init__(self) -> None:
        self.thread = threading.Thread()
        self.io_loop = None  # type: ignore[assignment]  # nobody waits


class _Stream(LimitedOutStream):
    """A stream that is flushed where the kernel would flush it, and at no certain time."""

    def _schedule_flush(self) -> None:
        """Do nothing: there is no thread to do it later."""


class _Watched(dict[Any, Any]):
    """The environment's variables; it notes when one is looked at that it lacks on purpose."""

    def __init__(self, content: Any, keys: set[Any]) -> None:
        super().__init__(content)
        self._keys = keys
        self.was_asked = False

    def __getitem__(self, key: Any) -> Any:
        self.was_asked |= key in self._keys
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        self.was_asked |= key in self._keys
        return super().__contains__(key)


def reach(given: dict[str, Any], files: str) -> StartingPoint:
    """Run the given cells in this process.

    Args:
        given: "cells", their sources in order; "environment", variables as every submission has
            them; "own", names of variables of which each has its own value.
        files: the folder with the files that lie in the working folder.

    Raises:
        Unfit: somebody could tell; this process must not be forked for a submission any more.
    """
    os.environ.update(given["environment"])
    shutil.copytree(files, os.getcwd(), dirs_exist_ok=True)
    with _as_the_kernel():
        recorder = _Recorder()
        streams: dict[str, LimitedOutStream] = {
            name: _Stream(recorder, _NoThread(), name, watchfd=False) for name in _STREAMS
        }
        before = dict(os.environ)
        sys.stdout, sys.stderr = streams["stdout"], streams["stderr"]
        shell = _shell(recorder, files)
        traces, seeded = Traces.now(), {}
        for name, generator in _generators().items():
            generator.seed()
            seeded[name] = pickle.dumps(generator.get())
        with _watched(set(given["own"])):
            cells = [_run(shell, source, recorder) for source in given["cells"]]
        gc.collect()
        files_open = traces.compare()
    after = dict(os.environ)
    changed = {name: after.get(name) for name in {*before, *after}}
    changes = {name: now for name, now in changed.items() if now != before.get(name)}
    states = {name: generator.get() for name, generator in _generators().items()}
    used = {name: it for name, it in states.items() if pickle.dumps(it) != seeded.get(name)}
    return StartingPoint(cells, shell, streams, changes, used, files_open)


@dataclass(frozen=True)
class _Generator:
    get: Callable[[], Any]
    set: Callable[[Any], None]
    seed: Callable[[], None]


def _generators() -> dict[str, _Generator]:
    """Return the generators that a kernel seeds when it starts."""
    found = {"random": _Generator(random.getstate, random.setstate, random.seed)}
    if numpy := sys.modules.get("numpy"):
        of = numpy.random
        found["numpy"] = _Generator(of.get_state, of.set_state, of.seed)
    return found


_STREAMS = ("stdout", "stderr")


@contextmanager
def _as_the_kernel() -> Iterator[None]:
    """Let cells meet what they meet in a kernel: its arguments, number, input and running loop."""
    streams = {name: getattr(sys, name) for name in _STREAMS}
    getpid, ask = os.getpid, builtins.input
    loop = asyncio.new_event_loop()
    job, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.argv = list(_ARGUMENTS)
    os.getpid = lambda: _KERNELS_NUMBER
    builtins.input = _refuse  # nobody answers
    # Not `run_until_complete`, whose task would keep context variables to itself.
    asyncio._set_running_loop(loop)
    try:
        yield
        if asyncio.all_tasks(loop) or loop._ready or loop._scheduled:  # type: ignore[attr-defined]
            raise Unfit("something waits in the event loop")
    finally:
        asyncio._set_running_loop(None)
        loop.close()
        os.getpid, builtins.input = getpid, ask
        os.dup2(job, 0)
        os.close(job)
        for name, stream in streams.items():
            setattr(sys, name, stream)


def _refuse(*_: object) -> NoReturn:
    raise Unfit("a cell asks for input")


@contextmanager
def _watched(names: set[str]) -> Iterator[None]:
    """Run with the environment's variables watched.

    Raises:
        Unfit: one of these was looked at.
    """
    environment: Any = os.environ
    plain = environment._data
    watched = _Watched(plain, {environment.encodekey(name) for name in names})
    environment._data = watched
    try:
        yield
    finally:
        plain.clear()
        plain.update(watched)
        environment._data = plain
    if watched.was_asked:
        raise Unfit("a cell looks at what each submission has of its own")


def _shell(recorder: _Recorder, files: str) -> ZMQInteractiveShell:
    """Make a shell as ipykernel's application and kernel make it, but for history on disk."""
    sys.path.append(files)
    config = Config({"HistoryManager": {"enabled": False}})
    shell: ZMQInteractiveShell = ZMQInteractiveShell.instance(
        config=config, compiler_class=XCachingCompiler
    )
    del shell.config["HistoryManager"]
    hook: Any = shell.displayhook
    publisher: Any = shell.display_pub
    hook.session = publisher.session = recorder
    InteractiveShellApp.init_path(SimpleNamespace(ignore_cwd=False))  # type: ignore[arg-type]
    extensions: Any = shell.extension_manager
    extensions.load_extension("storemagic")
    shell.user_ns_hidden.update(shell.user_ns)
    shell._sys_modules_keys = set(sys.modules)
    return shell


def _run(shell: ZMQInteractiveShell, source: str, recorder: _Recorder) -> Executed:
    """Run a cell as the kernel does.

    Raises:
        Unfit: it fails, or has to wait for something.
    """
    if not source.strip():
        return Executed(source, [])
    recorder.sent = [("execute_input", {"execution_count": shell.execution_count})]
    try:
        transformed = shell.transform_cell(source)
    except Exception as error:
        raise Unfit(f"a cell is no code: {error}") from None
    if shell.should_run_async(source, transformed_cell=transformed):
        raise Unfit("a cell waits")
    result = shell.run_cell(source, store_history=True)
    if not result.success or shell._last_traceback_during_displayhook:
        raise Unfit(f"a cell fails: {result.error_before_exec or result.error_in_exec}")
    shell.payload_manager.clear_payload()  # type: ignore[union-attr]
    sys.stdout.flush()
    sys.stderr.flush()
    return Executed(source, recorder.sent)
