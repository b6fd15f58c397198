"""Puts messages into words, which stand in one file for each language, named by its code."""

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
def words(language: str) -> dict[str, Any]:
    """Return the file of a language: sentences and mistakes by key, joints, titles, what pages add.

    Raises:
        KeyError: there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def say(messages: Iterable[Message], language: str) -> str:
    """Return findings as text.

    Raises:
        KeyError: there is no such language, or no such message in it.
    """
    sentences, joints = words(language)["sentences"], words(language)["joints"]
    return str(joints["sentences"]).join(
        _fill(sentences[item.key], item, joints) for item in messages
    )


def explain(mistake: Message, language: str) -> tuple[str, str]:
    """Return the explanation of a mistake, and a hint.

    Raises:
        KeyError: there is no such language, or no such mistake in it.
    """
    texts, joints = words(language)["mistakes"][mistake.key], words(language)["joints"]
    return _fill(texts["explanation"], mistake, joints), _fill(texts["hint"], mistake, joints)


def whole(finding: str, explanation: str, hint: str, language: str) -> str:
    """Return all that a student reads on one criterion."""
    joints: dict[str, str] = words(language)["joints"]
    parts = [finding, explanation, joints["hint"].format(hint) if hint else ""]
    return joints["sentences"].join(part for part in parts if part)


def _fill(template: str, item: Message, joints: dict[str, str]) -> str:
    values = {
        key: _join(value, joints) if isinstance(value, list) else value
        for key, value in item.values.items()
    }
    return template.format(**values)


def _join(entries: Sequence[object], joints: dict[str, str]) -> str:
    """Return a list in words: every number, since two layers may share one; a few other things."""
    if all(isinstance(entry, float) for entry in entries):
        return joints["comma"].join(f"{entry:.4g}" for entry in entries)
    different = list(dict.fromkeys(map(str, entries)))
    more = len(different) - _LISTED
    listed = joints["comma"].join(different[:_LISTED])
    return listed + (joints["more"].format(more) if more > 0 else "")
