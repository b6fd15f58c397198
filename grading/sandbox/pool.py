"""Runs a notebook in a sandbox: notebook and files in, executed notebook out.

A sandbox imports what takes seconds once, and then runs one submission after the other
(`inside/server.py`), each in a kernel and folders of its own. Each thread keeps two sandboxes: in
one, submissions begin at the beginning, in the other, where the given cells end.
"""

import atexit
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode, from_dict

from grading.sandbox import isolation
from grading.sandbox.errors import SandboxFailed
from grading.sandbox.given import Given
from grading.sandbox.inside.limited_output import VARIABLE as LIMITED_OUTPUT_VARIABLE
from grading.sandbox.process import Sandbox
from grading.sandbox.progress import Progress
from grading.submission import Limits, Run, Surroundings


def execute(
    notebook: NotebookNode,
    files: Path,
    surroundings: Surroundings | None = None,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    given: int = 0,
) -> Run:
    """Run every code cell of `notebook` in a sandbox; the argument itself is not changed.

    The sandbox stays for the next call in this thread with the same surroundings, until the thread
    ends or `close` is called. Threads run side by side, each in a sandbox of its own.

    Args:
        notebook: what to run, with a Python kernel whatever its metadata say.
        files: a folder; its contents lie in the working folder when the run begins.
        surroundings: what the sandbox holds besides.
        environment: further variables for the kernel.
        limits: what the run may use.
        given: how many of its first code cells are the same as in other notebooks, as are all of
            `files` then. From the second such notebook on they are run once for all, where that
            changes nothing that anybody could see.

    Raises:
        SandboxUnavailable: no sandbox can be started here.
        SandboxFailed: the sandbox broke down; the next call starts another. It says how far the
            run came.
    """
    limits = limits or Limits()
    blank = _without_outputs(notebook)
    common, own = {LIMITED_OUTPUT_VARIABLE: str(limits.output_bytes)}, environment or {}
    job = {"notebook": blank, "files": isolation.FILES, "environment": {**common, **own}}
    began = time.monotonic()
    surroundings = surroundings or Surroundings()
    start = Given.of(blank, given, files, common, own, limits)
    if start is not None and not _is_worth_it(start):
        start = None
    sandbox = _sandbox(surroundings, start)
    begins = start is not None and sandbox.begun is None
    try:
        progress = sandbox.run(job, files, limits, start)
    except BaseException as error:
        # Whatever it was, it may have left something behind.
        close()
        failed = error.progress if isinstance(error, SandboxFailed) else None
        if begins and start is not None and failed is not None and not failed.ready:
            _unfit[start.digest] = str(error)
            return execute(notebook, files, surroundings, environment, limits)
        if isinstance(error, SandboxFailed) and failed is not None:
            error.run = _run(blank, time.monotonic() - began, failed)
        raise
    return _run(blank, time.monotonic() - began, progress)


def _is_worth_it(start: Given) -> bool:
    """Say whether given cells are to be run once for all: they were met before, and are fit."""
    met: set[str] = _thread.__dict__.setdefault("met", set())
    is_met = start.digest in met
    met.add(start.digest)
    return is_met and start.digest not in _unfit


def _run(blank: NotebookNode, seconds: float, progress: Progress) -> Run:
    """Return what came of a notebook, with its outputs in place."""
    for index, (outputs, count) in progress.cells.items():
        cell = blank.cells[index]
        cell.outputs = [from_dict(output) for output in _joined(outputs)]
        cell.execution_count = count
    return Run(
        blank,
        seconds,
        progress.died,
        progress.limit,
        progress.limit_cell,
        progress.complete,
        progress.statuses,
    )


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    """Return a copy that no cell has run in."""
    blank = from_dict(notebook)
    for cell in blank.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return blank


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
    """End this thread's sandboxes, if it has any."""
    for kept in list(_of_thread()):
        _end(kept)


def _end(kept: "_Kept") -> None:
    _of_thread().remove(kept)
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
    sandbox: Sandbox


# Each thread has its own: bubblewrap's --die-with-parent ends a sandbox together with the thread
# that started it.
_thread = threading.local()
_lock = threading.Lock()
_all: set[Sandbox] = set()
_stopped = False
atexit.register(_close_all)


# Digests of given cells that submissions are not to begin after, and why.
_unfit: dict[str, str] = {}


def _of_thread() -> "list[_Kept]":
    kept: list[_Kept] = _thread.__dict__.setdefault("kept", [])
    return kept


def _sandbox(surroundings: Surroundings, start: Given | None) -> Sandbox:
    """Return this thread's sandbox for such submissions, starting it in place of any other.

    Args:
        surroundings: what it holds.
        start: where submissions begin; None for the beginning. One in which they have begun there
            so far can be made to begin anywhere, once.
    """
    wanted = start.digest if start else None
    for kept in list(_of_thread()):
        if kept.surroundings != surroundings or not kept.sandbox.lives():
            _end(kept)
    begun = {kept.sandbox.begun: kept for kept in _of_thread()}
    if wanted is not None and wanted not in begun:
        for elsewhere in begun.keys() - {None}:
            _end(begun[elsewhere])
    fit = begun.get(wanted) or begun.get(None)
    if fit is not None:
        return fit.sandbox
    with _lock:
        if _stopped:
            raise SandboxFailed("Grading has been stopped.")
        sandbox = Sandbox(surroundings)
        _all.add(sandbox)
    _of_thread().append(_Kept(surroundings, sandbox))
    return sandbox
