"""The language in which helpers speak: the one that the assignment's folder names.

A file `language.txt` beside the notebook holds `zh` for Chinese or `en` for English; without it
the language is English. The texts in this package are English; `translate` looks them up in the
catalog `chinese.json`, as gettext would. Titles and labels that the lesson's own cells give are in
the catalog too, because the editions have the same cells.
"""

import functools
import json
import unicodedata
from pathlib import Path

FILE = "language.txt"
_CATALOG = Path(__file__).with_name("chinese.json")


class LanguageError(Exception):
    """The assignment's folder names a language that helpers do not speak."""


def language() -> str:
    """Return the assignment's language, "en" or "zh".

    The file is looked for in the working directory, then beside this package.

    Raises:
        LanguageError: the file names another language.
    """
    for folder in (Path.cwd(), Path(__file__).parents[2]):
        path = folder / FILE
        if path.is_file():
            named = path.read_text(encoding="utf-8").strip()
            if named not in ("en", "zh"):
                raise LanguageError(
                    f"{path} names the language {named!r}; it should hold en or zh."
                )
            return named
    return "en"


def translate(text: str) -> str:
    """Return `text` in the assignment's language; a text without translation comes back as it is.

    Args:
        text: an English text, with its {places} still to be filled by `str.format`.
    """
    return _chinese().get(text, text) if language() == "zh" else text


@functools.cache
def _chinese() -> dict[str, str]:
    catalog: dict[str, str] = json.loads(_CATALOG.read_text(encoding="utf-8"))
    return catalog


def pad(text: str, width: int, right: bool = False) -> str:
    """Fill `text` with spaces up to `width` columns of a font with characters of equal width.

    Args:
        text: what to fill; a Chinese character takes two columns.
        width: number of columns.
        right: put the spaces before the text, so that it ends where its column ends.
    """
    taken = columns(text)
    spaces = " " * max(0, width - taken)
    return spaces + text if right else text + spaces


def columns(text: str) -> int:
    """Return how many columns `text` takes: two for each full-width character, one for others."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
