"""Works on what students wrote in a child process, with limits of time and memory for each piece.

Parsers of HTML and Markdown are quadratic, or worse, in what nobody writes by hand. A text that
reaches a limit has no result; the others have theirs, and the process that holds the gradebook
neither waits nor grows.
"""

import contextlib
import gc
import os
import resource
import selectors
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

_MEBIBYTE = 2**20
_LENGTH = struct.Struct("<q")  # of a result in bytes; -1 where there is none
_MOST_RESULT = 200 * _MEBIBYTE
# A loaded machine gives a child a part of a core; this long it may take for a second of work.
_PATIENCE = 12

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class WorkLimits:
    """What work may use.

    Attributes:
        seconds: processor time of one piece.
        all_seconds: processor time of all pieces together; what is left then has no result.
        mebibytes: memory on top of what this process has.
    """

    seconds: float = 5
    all_seconds: float = 20
    mebibytes: int = 1024


def work_through(
    work: Callable[[Piece], str], pieces: Sequence[Piece], limits: WorkLimits | None = None
) -> list[str | None]:
    """Return the result for each piece in order; None where it raised or a limit struck.

    Args:
        work: called in a child, which sees all that this process holds and changes none of it.
        pieces: what it is called with.
        limits: what it may use.
    """
    limits = limits or WorkLimits()
    results: list[str | None] = []
    left = limits.all_seconds
    while len(results) < len(pieces) and left > 0:
        child = _Child(work, pieces[len(results) :], replace(limits, all_seconds=left))
        try:
            results += child.results()
        finally:
            left -= child.end()
        if len(results) < len(pieces):
            # The piece under which the child ended.
            results.append(None)
    return results + [None] * (len(pieces) - len(results))


class _Child(Generic[Piece]):
    """A fork of this process that works through pieces until it ends, of itself or by a limit."""

    def __init__(
        self, work: Callable[[Piece], str], pieces: Sequence[Piece], limits: WorkLimits
    ) -> None:
        self._count = len(pieces)
        self._patience = _PATIENCE * limits.seconds
        self._pipe, writing = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                os.close(self._pipe)
                _serve(work, pieces, limits, writing)
            finally:
                os._exit(0)
        os.close(writing)

    def results(self) -> list[str | None]:
        """Return the results that it writes in time."""
        found: list[str | None] = []
        with contextlib.suppress(EOFError, TimeoutError):
            while len(found) < self._count:
                deadline = time.monotonic() + self._patience
                (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
                if length > _MOST_RESULT:
                    break
                text = None if length < 0 else self._read(length, deadline).decode()
                found.append(text)
        return found

    def _read(self, count: int, deadline: float) -> bytes:
        content = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe, selectors.EVENT_READ)
            while len(content) < count:
                if not selector.select(deadline - time.monotonic()):
                    raise TimeoutError
                chunk = os.read(self._pipe, min(_MEBIBYTE, count - len(content)))
                if not chunk:
                    raise EOFError
                content += chunk
        return bytes(content)

    def end(self) -> float:
        """End it; return the processor time that it took, in seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)
        _, _, usage = os.wait4(self._process, 0)
        os.close(self._pipe)
        return usage.ru_utime + usage.ru_stime


def _serve(
    work: Callable[[Piece], str], pieces: Sequence[Piece], limits: WorkLimits, pipe: int
) -> None:
    # What a library says when it runs out of memory is nobody's to read.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    # Nothing that this process got with the fork is collected here, and so none of it is closed.
    gc.freeze()
    _limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):  # where there is no /proc, only time is limited
        _limit(resource.RLIMIT_AS, _address_space() + limits.mebibytes * _MEBIBYTE)
    for piece in pieces:
        used = time.process_time()
        allowed = min(used + limits.seconds, limits.all_seconds)
        _limit(resource.RLIMIT_CPU, int(allowed) + 1)
        try:
            result = work(piece).encode("utf-8", "replace")
        # Whatever happens to one text, the next one has its turn.
        except Exception:
            _write(pipe, _LENGTH.pack(-1))
            continue
        _write(pipe, _LENGTH.pack(len(result)))
        _write(pipe, result)


def _limit(what: int, value: int) -> None:
    _, most = resource.getrlimit(what)
    resource.setrlimit(what, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _write(pipe: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(pipe, view[:_MEBIBYTE]) :]


def _address_space() -> int:
    """Return how large this process's address space is, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
