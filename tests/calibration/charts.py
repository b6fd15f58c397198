"""Draws the pictures of the calibration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from grader_tests.judge.verdicts import LEVEL
from tests.calibration.power import deviation_power

CRITERIA = ("mean", "deviation", "shape", "default model")
"""The criteria among the tests whose p-values were measured."""

# Okabe and Ito's colors, with a style each, for every kind of color vision.
_LOOKS = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#CC79A7", ":"))


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasSVG(figure)
    # Without a date and with fixed names: equal figures give equal files.
    with matplotlib.rc_context({"svg.hashsalt": "calibration"}):
        figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")


def false_alarms(p_values: Mapping[str, list[float]], path: Path) -> None:
    """Draw the measured rate of each criterion's false alarms against the level."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    levels = np.geomspace(1e-4, 1, 81)
    axes.plot(levels, levels, color="#999999", lw=1, label="rate = level")
    for test, (color, style) in zip(CRITERIA, _LOOKS, strict=True):
        values = np.sort(p_values[test])
        measured = np.searchsorted(values, levels) / values.size
        measured[measured == 0] = np.nan
        axes.plot(levels, measured, style, color=color, label=test)
    axes.set(xscale="log", yscale="log", xlabel="level", ylabel="rate of false alarms")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def power(curves: Mapping[str, Any], path: Path) -> None:
    """Draw the probability to fail against how wrong the weights are."""
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    labels = {
        "deviation": "deviation / right deviation",
        "mean": "mean / right deviation",
        "shape": "share of uniform weights",
    }
    for axes, (name, label), (color, style) in zip(panels, labels.items(), _LOOKS, strict=False):
        places, shares = zip(*curves[name], strict=True)
        simulated = "o" if name == "deviation" else f"{style}o"
        axes.plot(places, shares, simulated, color=color, ms=4, label="100 gradings each")
        if name == "deviation":
            grid = np.linspace(min(places), max(places), 201)
            computed = [deviation_power(float(ratio))[0] for ratio in grid]
            axes.plot(grid, computed, style, color=color, lw=1.2, label="computed")
        axes.set(xlabel=label, title=f"criterion: {name}")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    panels[0].set_ylabel(f"probability to fail (level {LEVEL:.0e})")
    _save(figure, path)


def confusion(counts: Mapping[tuple[str, str], int], path: Path) -> None:
    """Draw which mistake was named where which was expected."""
    names = sorted({name for pair in counts for name in pair})
    matrix = np.zeros((len(names), len(names)))
    for (expected, found), count in counts.items():
        matrix[names.index(expected), names.index(found)] = count
    side = 2.2 + 0.14 * len(names)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shown = np.ma.masked_equal(matrix, 0)
    scale = LogNorm(1, max(2.0, matrix.max()))
    # As vectors, thousands of empty cells would take megabytes.
    mesh = axes.pcolormesh(shown, cmap="cividis", norm=scale, rasterized=True)
    places = np.arange(len(names)) + 0.5
    words = [name or "(none)" for name in names]
    axes.set_xticks(places, words, rotation=90, fontsize=6)
    axes.set_yticks(places, words, fontsize=6)
    axes.invert_yaxis()
    axes.set(xlabel="named", ylabel="expected")
    axes.grid(alpha=0.15)
    figure.colorbar(mesh, ax=axes, shrink=0.4, label="gradings")
    _save(figure, path)
