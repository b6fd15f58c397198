"""Every sentence of the engine, one file a language, named by the language's code."""

import tomllib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""The codes of the languages; another file makes another language."""


def say(language: str, key: str, /, **values: object) -> str:
    """Return a sentence.

    Args:
        language: one of `LANGUAGES`.
        key: its table and its name there, with a dot between them.
        values: what stands in its braces.

    Raises:
        KeyError: there is no such language or no such sentence.
    """
    table, _, name = key.partition(".")
    return str(words(language)[table][name]).format(**values)


@cache
def words(language: str) -> dict[str, dict[str, str]]:
    """Return the sentences of one of the `LANGUAGES`, by table and name, braces unfilled.

    Raises:
        KeyError: there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
