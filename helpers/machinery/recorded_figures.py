"""Keeps drawn figures beside the recorded training runs, so that the same one is not drawn again.

A figure is a pure function of the code that draws it, of what is drawn, and of matplotlib with its
settings and fonts. A hash of exactly these names a PNG file in the folder that the environment
variable RECORDED_RUNS names (`recorded`). Drawing is most of what grading a right submission costs
once its training runs are found.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np

from .language import language
from .recorded import ENVIRONMENT_VARIABLE, feed, machine, write_whole

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def recorded_png(draw: Callable[[], bytes], what: str, inputs: object) -> bytes:
    """Return what `draw` returns, from the folder if it is there.

    Args:
        draw: returns the figure as a PNG file.
        what: says which drawing it is.
        inputs: everything that `draw` depends on besides its code and matplotlib: text, numbers,
            arrays, and sequences, mappings and dataclasses of these.

    Raises:
        TypeError: there is something else among the inputs.
    """
    folder = os.environ.get(ENVIRONMENT_VARIABLE)
    if not folder:
        return draw()
    hashed = hashlib.sha256()
    settings = repr(dict(matplotlib.rcParams))
    for thing in (machine(), _library(), *_sources(), settings, language(), what):
        feed(hashed, thing.encode())
    _feed_value(hashed, inputs)
    path = Path(folder) / f"{hashed.hexdigest()}.png"
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if not content.startswith(_SIGNATURE):
        content = draw()
        write_whole(path, content)
    return content


def _feed_value(hashed: "hashlib._Hash", value: object) -> None:
    """Add a value to a hash so that no two different values run together."""
    if value is None or isinstance(value, str | bool | int | float):
        feed(hashed, f"{type(value).__name__} {value!r}".encode())
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        feed(hashed, f"array {value.dtype} {value.shape}".encode())
        feed(hashed, value.tobytes())
    elif isinstance(value, list | tuple):
        feed(hashed, f"sequence {len(value)}".encode())
        for element in value:
            _feed_value(hashed, element)
    elif isinstance(value, Mapping):
        feed(hashed, b"mapping")
        _feed_value(hashed, [list(pair) for pair in value.items()])
    elif is_dataclass(value):
        feed(hashed, type(value).__qualname__.encode())
        _feed_value(hashed, [getattr(value, field.name) for field in fields(value)])
    else:
        raise TypeError(
            f"A figure's inputs are text, numbers, arrays and collections of these; one is a "
            f"{type(value).__name__}."
        )


@cache
def _library() -> str:
    """Name matplotlib and the fonts that it finds here."""
    from matplotlib.font_manager import fontManager

    fonts = sorted(f"{font.name} {font.fname}" for font in fontManager.ttflist)
    return f"matplotlib {matplotlib.__version__} {fonts}"


@cache
def _sources() -> tuple[str, ...]:
    """Return the code and the texts of this package: any of them may decide how a figure looks."""
    paths = sorted(Path(__file__).parents[1].rglob("*"))
    return tuple(
        path.read_text(encoding="utf-8") for path in paths if path.suffix in {".py", ".json"}
    )
