"""Every sentence of the judge, one file a language, named by the language's code."""

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..verdict import Message

_FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""The codes of the languages; another file makes another language."""

_LISTED = 4


@cache
def catalogue(language: str) -> dict[str, dict[str, Any]]:
    """Return the tables of one of the `LANGUAGES`, braces unfilled.

    Raises:
        KeyError: there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def say(messages: Iterable[Message], language: str) -> str:
    """Return findings as text.

    Raises:
        KeyError: there is no such language, or no such sentence in it.
    """
    sentences = catalogue(language)["sentences"]
    parts = [_fill(sentences[item.key], item, language) for item in messages]
    return _mark("sentences", language).join(parts)


def explain(mistake: Message, language: str) -> tuple[str, str]:
    """Return the explanation of a mistake, and a hint.

    Raises:
        KeyError: there is no such language, or no such mistake in it.
    """
    words = catalogue(language)
    entry = words["mistakes"][mistake.key]
    hint = words["hints"][entry["shared_hint"]] if "shared_hint" in entry else entry["hint"]
    return _fill(entry["explanation"], mistake, language), _fill(hint, mistake, language)


def whole(finding: str, explanation: str, hint: str, language: str) -> str:
    """Return all that a student reads on one criterion."""
    said = _mark("hint", language).format(hint=hint) if hint else ""
    return _mark("sentences", language).join(filter(None, (finding, explanation, said)))


def _mark(name: str, language: str) -> str:
    return catalogue(language)["punctuation"][name]


def _fill(template: str, item: Message, language: str) -> str:
    values = {
        key: _join(value, language) if isinstance(value, list) else value
        for key, value in item.values.items()
    }
    return template.format(**values)


def _join(entries: Sequence[object], language: str) -> str:
    """Return a list in words: every number, since two layers may share one; a few other things."""
    comma = _mark("comma", language)
    if all(isinstance(entry, float) for entry in entries):
        return comma.join(f"{entry:.4g}" for entry in entries)
    different = list(dict.fromkeys(map(str, entries)))
    more = len(different) - _LISTED
    listed = comma.join(different[:_LISTED])
    return listed + (_mark("more", language).format(count=more) if more > 0 else "")
