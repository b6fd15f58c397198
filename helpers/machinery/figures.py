"""Puts figures on the screen: with a description in a notebook, in a window, or not at all."""

import base64
import contextlib
import functools
import html
import io
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .language import columns, fonts, language, translate
from .notebook import show_forms
from .recall import recalled

# Okabe and Ito's palette (2008), which people with any kind of color vision can tell apart,
# without its yellow, too pale for a line. Styles and markers repeat what the colors say.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
STYLES = ["-", "--", "-.", ":"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]

# Points of an image per inch, and of a page (CSS counts 96 to the inch): an image with more
# points than the page gives it stays sharp on a fine screen.
_IMAGE_DPI, _PAGE_DPI = 125, 96

_FONT = "DejaVu Sans"  # comes with matplotlib


def families() -> list[str] | None:
    """Return fonts that show the assignment's language, or None where none of them is installed."""
    wanted = tuple(fonts())
    own = _first_installed(wanted)
    return None if wanted and own is None else [_FONT, *([own] if own else [])]


@functools.cache
def _first_installed(wanted: tuple[str, ...]) -> str | None:
    """Return the first of these fonts that is installed, None if none is.

    matplotlib lists a machine's fonts once, in a file. Where none of them is wanted, the list may
    be older than a font, so the fonts that it lacks are read.
    """
    manager = font_manager.fontManager
    if wanted and not any(font.name in wanted for font in manager.ttflist):
        listed = {font.fname for font in manager.ttflist}
        for path in sorted(set(font_manager.findSystemFonts()) - listed):
            # As matplotlib passes over a file that is no font, whatever it stumbles on there.
            with contextlib.suppress(Exception):
                manager.addfont(path)
    installed = {font.name for font in manager.ttflist}
    return next((name for name in wanted if name in installed), None)


@functools.cache
def _say_that_figures_are_english() -> None:
    print(
        translate(
            "The figures are in English: no font with this language's characters is installed. "
            "Install one, Noto Sans CJK SC for example, and restart the kernel."
        )
    )


def label(text: str, /, **values: object) -> str:
    """Do as `translate` does, but in English where no font could show the assignment's language."""
    if families() is not None:
        return translate(text, **values)
    return text.format(**values) if values else text


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw with a font for the assignment's language and letters that stay readable when small."""
    settings: dict[Any, Any] = {
        "font.family": families() or [_FONT],
        "font.size": 11,
        "axes.titlesize": 11,
        "axes.grid": False,
        "legend.fontsize": 10,
    }
    with matplotlib.rc_context(settings):
        yield


def show(
    draw: Callable[..., Figure],
    *inputs: object,
    description: str,
    display_id: str | None = None,
) -> None:
    """Draw a figure, show it once and forget it; in a plain script without a window only draw it.

    Args:
        draw: draws the figure from `inputs` and nothing else.
        inputs: text, numbers, arrays, and collections of these.
        description: says in a sentence or two what the figure shows, for readers who do not see
            it and for pages that do not load it.
        display_id: replace what was shown in the notebook under this name, if anything was.
    """
    if families() is None and "NBGRADER_EXECUTION" not in os.environ:
        _say_that_figures_are_english()
    with drawing():
        backend = matplotlib.get_backend().lower()
        if "inline" in backend:
            image = recalled(
                "figure",
                partial(_png, draw, inputs),
                inputs=(draw.__qualname__, language(), *inputs),
                package=Path(__file__).parents[1],
            )
            _display(image, description, display_id)
            return
        figure = draw(*inputs)
        if backend != "agg":
            # matplotlib warns when a backend that draws only into files is asked to show something.
            plt.show()
        plt.close(figure)


def _png(draw: Callable[..., Figure], inputs: Sequence[object]) -> bytes:
    figure = draw(*inputs)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_IMAGE_DPI)
    plt.close(figure)
    return file.getvalue()


def legend_below(figure: Figure, axes: Axes) -> None:
    """Put the legend of `axes` below the figure, where it covers no line."""
    handles, names = axes.get_legend_handles_labels()
    # Two columns where the names are short enough to stand side by side.
    longest = max(columns(name) for name in names)
    figure.legend(handles, names, loc="outside lower center", ncols=2 if longest < 26 else 1)


def _display(image: bytes, description: str, display_id: str | None) -> None:
    """Show an image in a notebook with an alternative text.

    Jupyter has no place for the alternative text of a plain image, so the image also comes as
    HTML, which pages prefer.
    """
    # A PNG file's width stands in its first chunk (PNG specification, 11.2.1).
    pixels = int.from_bytes(image[16:20], "big")
    width = round(pixels / _IMAGE_DPI * _PAGE_DPI)
    encoded = base64.b64encode(image).decode()
    tag = (
        f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(description)}" '
        f'width="{width}" style="max-width: 100%; height: auto">'
    )
    bundle = {"text/html": tag, "image/png": encoded, "text/plain": description}
    metadata = {"image/png": {"width": width, "alt": description}}
    show_forms(bundle, display_id, metadata=metadata)
