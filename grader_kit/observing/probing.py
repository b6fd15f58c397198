"""Calls student code in settings of the probe's own, and describes what it raised."""

import linecache
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
import torch
from IPython.core.getipython import get_ipython

from .format import Format, Record

TEXT = 300
"""Characters of a text that are sent."""

_Looked = TypeVar("_Looked")


@contextmanager
def observing(form: Format, criterion: str) -> Iterator[tuple[np.random.Generator, Record]]:
    """Give the generator of a criterion's settings, and the head of its observation.

    Every global generator is seeded meanwhile (`own_settings`).

    Raises:
        UnknownCriterion: there is no such criterion.
    """
    seed = form.seed()
    ours, theirs = form.streams(seed, criterion)
    with own_settings(theirs):
        yield ours, form.head(criterion, seed)


@contextmanager
def own_settings(seeds: np.random.SeedSequence) -> Iterator[None]:
    """Seed every global generator; afterwards leave them and PyTorch's settings as they were.

    One thread serves: what a probe makes is too small for two, which would wait for each other.
    """
    first, second = (int(word) for word in seeds.generate_state(2))
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    threads = torch.get_num_threads()
    torch.manual_seed(first)
    np.random.seed(second)
    random.seed(first)
    reset_settings()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        torch.set_num_threads(threads)


def reset_settings() -> set[str]:
    """Set PyTorch's settings to what is observed with; return the names of those that differed."""
    left = set()
    if not torch.is_grad_enabled():
        left.add("gradients")
    if torch.get_default_dtype() != torch.float32:
        left.add("dtype")
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    return left


def attempt(look: Callable[[], _Looked]) -> _Looked | None:
    """Return what `look` returns, or None if it raises."""
    try:
        return look()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None


def type_name(value: object) -> str:
    """Return the name of a value's class."""
    return type(value).__name__[:TEXT]


def call(function: Callable[..., object], *arguments: object) -> tuple[object, Record | None]:
    """Call student code; return what it returned, and a description of what it raised."""
    try:
        return function(*arguments), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, describe_error(error)


def describe_error(error: BaseException, others: Sequence[Path] = ()) -> Record:
    """Return an exception's type and message, and the innermost line of the student's.

    Args:
        error: what student code raised.
        others: folders whose code is not the student's, from the working folder on.
    """
    line, where = "", ""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        # What `exec` runs has no line to show; then the line that calls it is quoted.
        if _is_students(code.co_filename, others) and (
            quoted := linecache.getline(code.co_filename, step.tb_lineno).strip()
        ):
            line, where = quoted, code.co_name
        step = step.tb_next
    return {
        "type": type_name(error),
        "message": (attempt(lambda: str(error)) or "")[:TEXT],
        "line": line[:TEXT],
        "function": where[:TEXT],
    }


def _is_students(file: str, ours: Sequence[Path]) -> bool:
    """Tell whether code is a cell's, or a module's that lies beside the notebook and is no helper.

    Everything else is somebody else's, wherever a sandbox mounts it.
    """
    shell = get_ipython()
    if shell is not None and attempt(lambda: shell.compile.format_code_name(file)) is not None:
        return True
    if file.startswith("<"):
        # Where no kernel runs, a cell is what left its lines there itself.
        return shell is None and file in linecache.cache
    folder = attempt(Path.cwd)
    if folder is None:
        return False
    path = folder / file
    # An environment may lie within the folder: what its packages bring is not the student's.
    others = [Path(entry) for entry in sys.path if entry and Path(entry) != folder]
    others += [*(folder / other for other in ours), Path(__file__).parents[1]]
    return path.is_relative_to(folder) and not any(
        other.is_relative_to(folder) and path.is_relative_to(other) for other in others
    )
