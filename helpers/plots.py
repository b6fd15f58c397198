"""Draws what the lesson shows: histograms, images, the losses of a comparison."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .machinery.figures import COLORS, STYLES, label, legend_below, show
from .machinery.language import translate

# Losses that lie further apart than this factor cannot be read on one linear axis.
_LINEAR_RANGE = 30


def hist_dist(
    title: str, values: ArrayLike, hist_range: tuple[float, float] | None = (-4, 4)
) -> None:
    """Draw a histogram of `values` with half as many bins as there are values.

    Args:
        title: what stands above the picture.
        values: numbers in an array or tensor of any shape; one at least.
        hist_range: (lowest, highest) value shown; None shows all.

    Raises:
        ValueError: there are no values.
    """
    detach = getattr(values, "detach", None)
    numbers = np.asarray(detach().cpu() if detach else values, dtype=float).ravel()
    if numbers.size == 0:
        raise ValueError(
            translate("hist_dist was given no values; hand it an array or tensor with some.")
        )
    bins = max(1, numbers.size // 2)
    counts, edges = np.histogram(numbers, bins=bins, range=hist_range)
    show(
        _draw_histogram,
        title,
        counts,
        edges,
        description=translate(
            "Histogram: {title}. {bins} bins; the values lie between {lowest:.2f} and "
            "{highest:.2f}, and the fullest bin holds {most:.0f} of them."
        ).format(
            title=translate(title),
            bins=bins,
            lowest=numbers.min(),
            highest=numbers.max(),
            most=np.max(counts),
        ),
    )


def _draw_histogram(title: str, counts: np.ndarray, edges: np.ndarray) -> Figure:
    figure, axes = plt.subplots(figsize=(5.8, 3.3), layout="constrained")
    # One outline in place of hundreds of bars, which take ten times as long to draw.
    axes.stairs(counts, edges, fill=True, color=COLORS[0])
    axes.set(title=label(title), xlabel=label("value"), ylabel=label("values in the bin"))
    return figure


def show_batch(images: ArrayLike, labels: Sequence[int], classes: Sequence[str]) -> None:
    """Show the first 20 images of a batch in two rows, each with the name of its class.

    Args:
        images: grey values in [0, 1], shape (batch, 1, 28, 28).
        labels: class index of each image.
        classes: name of each class.
    """
    pictures = np.asarray(images)[:20]
    names = [classes[int(index)] for index in labels[: len(pictures)]]
    show(
        _draw_batch,
        pictures,
        names,
        description=translate("{count} images of clothing in two rows: {names}.").format(
            count=len(names), names=translate(", ").join(translate(name) for name in names)
        ),
    )


def _draw_batch(pictures: np.ndarray, names: Sequence[str]) -> Figure:
    figure, axes = plt.subplots(2, 10, figsize=(7.6, 2.2), layout="constrained")
    for place in axes.flat:
        place.axis("off")
    for place, picture, name in zip(axes.flat, pictures, names, strict=False):
        place.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1)
        # Two lines where a name has two parts: a picture is narrow.
        shown = label(name).replace("/", "/\n").replace(" ", "\n")
        place.set_title(shown, fontsize=9, linespacing=1.1)
    return figure


def plot_losses(title: str, losses: Mapping[str, np.ndarray]) -> None:
    """Draw a line of losses for each label, on a logarithmic axis where they differ widely.

    Args:
        title: what stands above the picture.
        losses: label to the loss of each batch shown, shape (batches,), or to those of several
            runs, shape (runs, batches): then a line for their mean, and a band from the lowest
            to the highest.
    """
    ends = [
        translate("{label}: from {first:.3g} to {last:.3g}").format(
            label=translate(name),
            first=np.mean(values[..., 0]),
            last=np.mean(values[..., -1]),
        )
        for name, values in losses.items()
    ]
    batches = max(np.shape(values)[-1] for values in losses.values())
    show(
        _draw_comparison,
        title,
        losses,
        description=translate(
            "{title}: training loss over the first {batches} batches. {ends}."
        ).format(title=translate(title), batches=batches, ends=translate("; ").join(ends)),
    )


def _draw_comparison(title: str, losses: Mapping[str, np.ndarray]) -> Figure:
    figure, axes = plt.subplots(figsize=(5.8, 4.1), layout="constrained")
    draw_losses(axes, losses)
    axes.set_title(label(title))
    legend_below(figure, axes)
    return figure


def draw_losses(axes: Axes, losses: Mapping[str, np.ndarray]) -> None:
    """Draw a line of losses for each label into `axes`, as `plot_losses` describes."""
    looks = zip(cycle(COLORS), cycle(STYLES), strict=False)
    for (name, values), (color, style) in zip(losses.items(), looks, strict=False):
        runs = np.atleast_2d(values)
        batches = np.arange(1, runs.shape[1] + 1)
        if len(runs) > 1:
            axes.fill_between(batches, runs.min(0), runs.max(0), color=color, alpha=0.2, lw=0)
        axes.plot(batches, runs.mean(0), style, color=color, label=label(name), lw=1.6)
    axes.set(xlabel=label("batch"), ylabel=label("training loss"))
    shown = np.concatenate([np.ravel(values) for values in losses.values()])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if shown.size and shown.max() > _LINEAR_RANGE * shown.min():
        axes.set_yscale("log")
        axes.set_ylabel(label("training loss (logarithmic)"))
    axes.grid(alpha=0.3)
