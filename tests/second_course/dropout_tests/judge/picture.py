"""Draws the evidence: which units were dropped, and what came out for what went in."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from grader_kit.judging.calls import Measured
from grader_kit.judging.picture import EXPECTED, GIVEN, panels


def masks(calls: Sequence[Measured]) -> bytes:
    """Draw the upper left corner of each batch: dark where a unit was dropped."""
    return panels({_title(call): partial(_mask, call) for call in calls[::2]})


def outputs(calls: Sequence[Measured]) -> bytes:
    """Draw outputs against inputs as dots, and dashed the lines on which they should lie."""
    return panels({_title(call): partial(_outputs, call) for call in calls[::2]})


def _title(call: Measured) -> str:
    return f"p = {call.given['p']}"


def _mask(call: Measured, axes: Any) -> None:
    axes.imshow(call.y[:40, :60] == 0, cmap="cividis_r", vmin=0, vmax=1)


def _outputs(call: Measured, axes: Any) -> None:
    axes.plot(call.x.flat[:300], call.y.flat[:300], ".", color=GIVEN, ms=3)
    for factor in (0, 1 / (1 - call.given["p"])):
        axes.plot([-2, 2], [-2 * factor, 2 * factor], "--", color=EXPECTED, lw=1)
