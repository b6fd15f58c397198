"""The language in which helpers speak: the one that the assignment's folder names.

A file `language.txt` beside the notebook holds a language's code; without it the language is
English. The texts in this package are English; `translate` looks them up in the file in `words`
that the code names, as gettext would. Titles and labels that the lesson's own cells give are in it
too, because the editions have the same cells.
"""

import functools
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from .errors import HelperError

FILE = "language.txt"
_WORDS = Path(__file__).with_name("words")
LANGUAGES = ("en", *sorted(path.stem for path in _WORDS.glob("*.toml")))
"""The codes of the languages; another file makes another language."""


class LanguageError(HelperError):
    """The assignment's folder names a language that helpers do not speak."""


def language() -> str:
    """Return the code of the assignment's language.

    The file is looked for in the working directory, then beside this package.

    Raises:
        LanguageError: the file names a language that is none of `LANGUAGES`.
    """
    for folder in (Path.cwd(), Path(__file__).parents[2]):
        path = folder / FILE
        if path.is_file():
            named = path.read_text(encoding="utf-8").strip()
            if named not in LANGUAGES:
                raise LanguageError(
                    f"{path} names the language {named!r}; it should hold {' or '.join(LANGUAGES)}."
                )
            return named
    return "en"


def translate(text: str, /, **values: object) -> str:
    """Return `text` in the assignment's language; a text without translation stays as it is.

    Args:
        text: an English text, perhaps with {places}.
        values: what stands in the places. Without any, the text keeps its braces.
    """
    translated = str(_file(language()).get(text, text))
    return translated.format(**values) if values else translated


class TranslatedError(HelperError):
    """An error whose message is in the assignment's language; it takes what `translate` takes."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(translate(text, **values))


def fonts() -> list[str]:
    """Return fonts that have the language's characters; none for one that every font can show."""
    named: list[str] = _file(language()).get("figures", {}).get("fonts", [])
    return named


@functools.cache
def _file(code: str) -> dict[str, Any]:
    path = _WORDS / f"{code}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def pad(text: str, width: int, right: bool = False) -> str:
    """Fill `text` with spaces up to `width` columns, before the text where `right` is set."""
    spaces = " " * max(0, width - columns(text))
    return spaces + text if right else text + spaces


def columns(text: str) -> int:
    """Return how many columns `text` takes: two for each full-width character, one for others."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
