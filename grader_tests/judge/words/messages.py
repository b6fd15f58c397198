"""Puts messages into words; the words stand in one catalogue for each language."""

from collections.abc import Iterable, Sequence
from types import ModuleType

from ..verdict import Message
from . import messages_en, messages_zh

LANGUAGES: dict[str, ModuleType] = {"en": messages_en, "zh": messages_zh}
"""The catalogues. Each has SENTENCES by key, MISTAKES by key (explanation and hint), and JOINTS."""

_LISTED = 4


def say(messages: Iterable[Message], language: str) -> str:
    """Return findings as text.

    Raises:
        KeyError: there is no such language, or no such message in it.
    """
    catalogue = LANGUAGES[language]
    parts = [_fill(catalogue.SENTENCES[item.key], item, catalogue.JOINTS) for item in messages]
    return catalogue.JOINTS["sentences"].join(parts)


def explain(mistake: Message, language: str) -> tuple[str, str]:
    """Return the explanation of a mistake, and a hint.

    Raises:
        KeyError: there is no such language, or no such mistake in it.
    """
    catalogue = LANGUAGES[language]
    explanation, hint = catalogue.MISTAKES[mistake.key]
    return _fill(explanation, mistake, catalogue.JOINTS), _fill(hint, mistake, catalogue.JOINTS)


def whole(finding: str, explanation: str, hint: str, language: str) -> str:
    """Return all that a student reads on one criterion."""
    joints = LANGUAGES[language].JOINTS
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
