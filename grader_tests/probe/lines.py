"""Follows which lines of a student's function run, where it failed or changed nothing."""

import inspect
import linecache
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType, FrameType
from typing import Any

from torch import nn

from grader_kit.observing.probing import attempt

_LINES = 60
TEXT = 300
"""Characters of a text that are sent."""


def code_of(function: object) -> CodeType | None:
    """Return the code that a function, a partial of one, or a callable object stands for."""
    while isinstance(function, partial):
        function = function.func
    call: Any = function
    if not hasattr(function, "__code__"):
        call = getattr(type(function), "__call__", None)  # noqa: B004  # its code is wanted
    # A decorator such as torch.no_grad() wraps the student's code in its own.
    code = getattr(inspect.unwrap(call) if callable(call) else call, "__code__", None)
    return code if isinstance(code, CodeType) else None


def call_with(function: Callable[[nn.Module], object], module: nn.Module) -> None:
    """Call a student's function. What it returns is of no interest."""
    result = function(module)
    if inspect.iscoroutine(result):
        # Unless told, it would complain that nobody waited for it.
        result.close()


def follow_lines(function: Callable[[nn.Module], object]) -> list[dict[str, object]]:
    """Apply a function to a small network, and return its lines, each with whether it ran.

    Returns:
        JSON objects with `text` and `ran`, in order, without the lines that hold no instructions
        of their own; empty where there is no code to follow.
    """
    code = code_of(function)
    if code is None:
        return []
    numbers = {number for _, _, number in code.co_lines() if number} - {code.co_firstlineno}
    ran: set[int] = set()

    def visit(module: nn.Module) -> None:
        call_with(function, module)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line":
            ran.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    try:
        # What it raises is observed elsewhere; how far it comes is all that is asked here.
        attempt(lambda: network.apply(visit))
    finally:
        sys.settrace(before)
    return [
        {
            "text": linecache.getline(code.co_filename, number).strip()[:TEXT],
            "ran": number in ran,
        }
        for number in sorted(numbers)[:_LINES]
    ]
