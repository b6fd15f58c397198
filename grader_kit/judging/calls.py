"""Reads what `grader_kit.observing.calls` reports: a student's function, call by call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from ..observing.errors import ObservationError
from ..observing.format import Format
from ..observing.plan import Plan
from .records import Head, Problem, Text
from .verdict import Finding, incorrect, message, not_attempted


class Called(Head, frozen=True, kw_only=True):
    """An observation of student code that was called: what it was, what it raised.

    Attributes:
        type: the class of what was called.
        callable: whether it can be called.
        error: what it raised, which ended the observation.
    """

    type: Text
    callable: bool
    error: Problem | None = None


class Returned(Struct, frozen=True):
    """What one call returned; `changed` tells whether it wrote to its input."""

    type: Text
    changed: bool
    output: np.ndarray | None = None
    gradient: np.ndarray | None = None


class CallsSeen(Called, frozen=True, kw_only=True):
    """What the probe saw of a function from tensors to tensors."""

    results: Annotated[tuple[Returned, ...], Meta(max_length=1000)] = ()


@dataclass(frozen=True)
class Measured:
    """A call as planned, and what came of it.

    Attributes:
        x: the input, float32.
        given: the other arguments.
        y: the output, of the shape of x, finite.
        gradient: that of the sum of y by x; None where there is none, or none was asked for.
        changed: whether the input was written to.
    """

    x: np.ndarray
    given: Mapping[str, Any]
    y: np.ndarray
    gradient: np.ndarray | None
    changed: bool


def not_called(seen: object) -> Finding | None:
    """Return what is to be said of student code that could not be called to the end."""
    if not isinstance(seen, Called):
        return None
    if not seen.callable:
        if seen.type == "NoneType":
            return not_attempted(message("not_there"))
        return incorrect(message("not_callable", type=seen.type))
    if seen.error is None:
        return None
    outcome = not_attempted if seen.error.type == "NotImplementedError" else incorrect
    said = [message("stopped", error=seen.error.said)]
    return outcome(*said, *([message("line", line=seen.error.line)] if seen.error.line else []))


def measured(form: Format, plan: Plan) -> Callable[[CallsSeen], list[Measured] | Finding]:
    """Return what makes of an observation its calls, or the finding why they cannot be judged.

    The arguments come from the seed; outputs have to be tensors of the input's shape.
    """

    def look(seen: CallsSeen) -> list[Measured] | Finding:
        if finding := not_called(seen):
            return finding
        calls = plan(form.streams(int(seen.seed), seen.criterion)[0], seen.criterion)
        if len(calls) != len(seen.results):
            raise ObservationError(f"It should report {len(calls)} results.")
        if all(result.type == "NoneType" for result in seen.results):
            return not_attempted(message("nothing_returned"))
        taken = []
        for call, result in zip(calls, seen.results, strict=True):
            y = result.output
            if y is None:
                return incorrect(message("no_tensor", type=result.type))
            if y.shape != call.x.shape:
                return incorrect(message("other_shape", shape=y.shape, expected=call.x.shape))
            if not np.isfinite(y).all():
                return incorrect(message("not_finite"))
            taken.append(Measured(call.x, call.given, y, result.gradient, result.changed))
        return taken

    return look
