"""Draws evidence: panels side by side, on a light ground of their own, without words but titles."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

GIVEN, EXPECTED = "#0072B2", "#D55E00"
"""Colors of Okabe and Ito (2008): of what was found, and of what was to be."""


def panels(draws: Mapping[str, Callable[[Any], object]]) -> bytes:
    """Return a PNG with a panel for each title; each is drawn on matplotlib's axes."""
    # matplotlib takes a second to import.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.2), dpi=100, facecolor="#fbfbfb", layout="constrained")
    axes = figure.subplots(1, len(draws), squeeze=False)[0]
    for place, (title, draw) in zip(axes, draws.items(), strict=True):
        draw(place)
        place.set_title(title, fontsize=9)
        place.tick_params(labelsize=7)
    file = BytesIO()
    # Without the program's name and version: equal work gives equal files.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
