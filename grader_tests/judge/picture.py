"""Draws the evidence: each layer's weights beside the distribution that the rule asks for.

The picture holds no words but the layers' names, so that it serves in every language; its
caption stands among the words. It has a light ground of its own and so can be read in a dark theme
too. Weights and rule differ in form as well as in color: filled against dashed, circle against
square. The colors are Okabe and Ito's (2008), which people with any kind of color vision can tell
apart.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..observation import ObservationError
from .criteria.weights import read_layers
from .records import FunctionObservation, read
from .statistics.moments import Layer
from .table import TABLE
from .verdict import Finding

_FOUND, _WANTED = "#0072B2", "#D55E00"
_GROUND, _INK = "#fbfbfb", "#222222"
_COLUMNS = 3
_BINS = 60
# Deviations on either side that are shown, of the weights and of the rule.
_WIDTH = 3.5
# A peak that is this many times the other one is cut off, so that both can be seen.
_HEIGHT = 4.0
_DPI = 100


def evidence(criterion: str, observation: object) -> bytes | None:
    """Return a picture of the weights of an observation, which is not trusted.

    It is a PNG of some 30 kB, or None where there are no weights to show.
    """
    if not TABLE[criterion].picture:
        return None
    try:
        layers = read_layers(read(criterion, observation, FunctionObservation))
    except ObservationError:
        return None
    return None if isinstance(layers, Finding) else draw(layers)


def draw(layers: Sequence[Layer]) -> bytes:
    """Return a PNG with a histogram for each layer."""
    rows = -(-len(layers) // _COLUMNS)
    figure = Figure(figsize=(7.2, 1.55 * rows), dpi=_DPI, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    # One coordinate system for all panels: each more would cost 30 ms, mostly for its ticks.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-0.05, 1.1 * _COLUMNS - 0.05)
    axes.set_ylim(-1.75 * (rows - 1) - 0.48, 1.27)
    for number, layer in enumerate(layers):
        row, column = divmod(number, _COLUMNS)
        with np.errstate(all="ignore"):
            _draw_layer(axes, layer, 1.1 * column, -1.75 * row)
    file = BytesIO()
    # Without the program's name and version: equal weights give equal files.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw_layer(axes: Axes, layer: Layer, left: float, base: float) -> None:
    """Draw a histogram, one unit wide and high, with its lower left corner at (left, base)."""
    mean, deviation, wanted = layer.mean, layer.deviation, layer.expected
    low = min(mean - _WIDTH * deviation, -_WIDTH * wanted)
    high = max(mean + _WIDTH * deviation, _WIDTH * wanted)
    counts, edges = np.histogram(layer.weights, _BINS, (low, high))
    density = counts / (layer.weights.size * (edges[1] - edges[0]))
    peak = (2 * np.pi) ** -0.5 / wanted
    largest = max(float(density.max()), 1e-9 * peak)
    top = min(max(largest, peak), _HEIGHT * min(largest, peak))
    grid = np.linspace(low, high, 301)
    target = peak * np.exp(-((grid / wanted) ** 2) / 2) / top

    def place(value: Any) -> Any:
        return left + (value - low) / (high - low)

    heights = np.minimum(density / top, 1.05)
    axes.stairs(heights + base, place(edges), baseline=base, fill=True, color=_FOUND, alpha=0.55)
    axes.plot(place(grid), base + np.minimum(target, 1.05), "--", color=_WANTED, lw=1.5)
    axes.plot([left, left + 1], [base, base], color=_INK, lw=0.6)
    # Below the histogram: mean and deviation of the weights, and under them those of the rule.
    for centre, spread, depth, color, marker in (
        (mean, deviation, 0.1, _FOUND, "o"),
        (0.0, wanted, 0.22, _WANTED, "s"),
    ):
        ends = np.array([centre - spread, centre + spread])
        axes.plot(place(ends), [base - depth] * 2, "-|", color=color, lw=1.6, ms=6)
        axes.plot(place(centre), base - depth, marker, color=color, ms=4)
    axes.text(left + 0.5, base + 1.1, layer.title, fontsize=8, color=_INK, ha="center")
    # Numbers that would stand on top of each other are left out.
    ticks = [-wanted, 0, wanted] if high - low < 15 * wanted else [0, mean + deviation]
    for tick in ticks:
        text = f"{tick:.3g}"
        axes.text(place(tick), base - 0.42, text, fontsize=7, color=_INK, ha="center")
