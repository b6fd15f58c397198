"""Keeps drawn figures, so that the same one is not drawn again.

A figure is a pure function of the code that draws it, of what is drawn, and of matplotlib with its
settings and fonts. Drawing is most of what grading a right submission costs once its trainings are
recalled.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np

from .folder import digest, folder, machine, write_whole

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def figure(draw: Callable[[], bytes], *, inputs: object, package: Path) -> bytes:
    """Return what `draw` returns, from the folder if it is there.

    Args:
        draw: returns the figure as a PNG file.
        inputs: everything that `draw` depends on besides code and matplotlib: text, numbers,
            arrays, and sequences, mappings and dataclasses of these.
        package: the folder of the code that draws, with its texts.

    Raises:
        TypeError: there is something else among the inputs.
    """
    kept = folder()
    if kept is None:
        return draw()
    settings = repr(dict(matplotlib.rcParams))
    name = digest([machine(), _library(), *_sources(package), settings, *_described(inputs)])
    path = kept / f"{name}.png"
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if not content.startswith(_SIGNATURE):
        content = draw()
        write_whole(path, content)
    return content


def _described(value: object) -> Iterator[str | bytes]:
    """Yield what tells a value from every other one."""
    if value is None or isinstance(value, str | bool | int | float):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield f"array {value.dtype} {value.shape}"
        yield value.tobytes()
    elif isinstance(value, list | tuple):
        yield f"sequence {len(value)}"
        for element in value:
            yield from _described(element)
    elif isinstance(value, Mapping):
        yield "mapping"
        yield from _described([list(pair) for pair in value.items()])
    elif is_dataclass(value):
        yield type(value).__qualname__
        yield from _described([getattr(value, field.name) for field in fields(value)])
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
def _sources(package: Path) -> tuple[str, ...]:
    """Return the code and the texts of a package: any of them may decide how a figure looks."""
    paths = sorted(package.rglob("*"))
    return tuple(
        path.read_text(encoding="utf-8") for path in paths if path.suffix in {".py", ".toml"}
    )
