"""Draws what the lesson shows: histograms, images, and the losses of a comparison."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

# Okabe and Ito's palette (2008), which people with any kind of color vision can tell apart,
# without its yellow, too pale for a line. Styles repeat what the colors say.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
STYLES = ["-", "--", "-.", ":"]

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
        raise ValueError("hist_dist was given no values; hand it an array or tensor with some.")
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.hist(numbers, bins=max(1, numbers.size // 2), range=hist_range, color=COLORS[0])
    axes.set(title=title, xlabel="value", ylabel="values in the bin")
    show(figure)


def show_batch(images: ArrayLike, labels: Sequence[int], classes: Sequence[str]) -> None:
    """Show the first 20 images of a batch in two rows, each with the name of its class.

    Args:
        images: grey values in [0, 1], shape (batch, 1, 28, 28).
        labels: class index of each image.
        classes: name of each class.
    """
    pictures = np.asarray(images)[:20]
    figure, axes = plt.subplots(2, 10, figsize=(10, 2.9), layout="constrained")
    for place in axes.flat:
        place.axis("off")
    for place, picture, label in zip(axes.flat, pictures, labels, strict=False):
        place.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1)
        place.set_title(classes[int(label)], fontsize=9)
    show(figure)


def plot_losses(title: str, losses: dict[str, np.ndarray]) -> None:
    """Draw one line of losses for each label, on a logarithmic axis where they differ widely.

    Args:
        title: what stands above the picture.
        losses: label to the loss of each batch shown.
    """
    figure, axes = plt.subplots(figsize=(6.8, 4.2), layout="constrained")
    looks = zip(cycle(COLORS), cycle(STYLES), strict=False)
    for (label, values), (color, style) in zip(losses.items(), looks, strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, style, color=color, label=label, lw=1.6)
    axes.set(title=title, xlabel="batch", ylabel="training loss")
    shown = np.concatenate(list(losses.values()))
    shown = shown[np.isfinite(shown) & (shown > 0)]
    if shown.size and shown.max() > _LINEAR_RANGE * shown.min():
        axes.set_yscale("log")
        axes.set_ylabel("training loss (logarithmic)")
    axes.grid(alpha=0.3)
    axes.legend()
    show(figure)


def show(figure: Figure) -> None:
    """Show a figure once, in a notebook or a window, and forget it; in a plain script do nothing.

    matplotlib warns when a backend that draws only into files is asked to show something.
    """
    if matplotlib.get_backend().lower() != "agg":
        plt.show()
    plt.close(figure)
