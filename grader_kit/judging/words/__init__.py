"""What judges say: an assignment's own sentences, one file a language, and those that all share."""

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..verdict import Message

SHARED = Path(__file__).parent
"""The folder of the sentences that any judge needs."""

_LISTED = 4


class Words:
    """The sentences of an assignment, in every language that its folder has a file for.

    A file has the tables `titles`, by grade id; `sentences`; `mistakes`, each with `explanation`
    and `hint`; `page`, with the caption `picture` where there are pictures.
    """

    def __init__(self, *folders: Path) -> None:
        """Read from folders; where two have the same sentence, the later one counts."""
        self.folders = folders
        self.languages = tuple(sorted(path.stem for path in folders[-1].glob("*.toml")))
        self.catalogue = cache(self._read)

    def _read(self, language: str) -> dict[str, dict[str, Any]]:
        """Return the tables of one of the `languages`, braces unfilled.

        Raises:
            KeyError: there is no such language.
        """
        if language not in self.languages:
            raise KeyError(language)
        tables: dict[str, dict[str, Any]] = {}
        for folder in self.folders:
            text = (folder / f"{language}.toml").read_text(encoding="utf-8")
            for name, table in tomllib.loads(text).items():
                tables.setdefault(name, {}).update(table)
        return tables

    def title(self, grade_id: str, language: str) -> str:
        """Return what a person calls a part of the assignment."""
        return str(self.catalogue(language).get("titles", {}).get(grade_id, grade_id))

    def say(self, messages: Iterable[Message], language: str) -> str:
        """Return findings as text.

        Raises:
            KeyError: there is no such language, or no such sentence in it.
        """
        sentences = self.catalogue(language)["sentences"]
        parts = [self._fill(sentences[item.key], item, language) for item in messages]
        return self._mark("sentences", language).join(parts)

    def explain(self, mistake: Message, language: str) -> tuple[str, str]:
        """Return the explanation of a mistake, and a hint.

        Raises:
            KeyError: there is no such language, or no such mistake in it.
        """
        words = self.catalogue(language)
        entry = words["mistakes"][mistake.key]
        hint = words["hints"][entry["shared_hint"]] if "shared_hint" in entry else entry["hint"]
        explanation = self._fill(entry["explanation"], mistake, language)
        return explanation, self._fill(hint, mistake, language)

    def whole(self, finding: str, explanation: str, hint: str, language: str) -> str:
        """Return all that a student reads on one criterion."""
        said = self._mark("hint", language).format(hint=hint) if hint else ""
        return self._mark("sentences", language).join(filter(None, (finding, explanation, said)))

    def _mark(self, name: str, language: str) -> str:
        return str(self.catalogue(language)["punctuation"][name])

    def _fill(self, template: str, item: Message, language: str) -> str:
        values = {
            key: self._join(value, language) if isinstance(value, list) else value
            for key, value in item.values.items()
        }
        return template.format(**values)

    def _join(self, entries: Sequence[object], language: str) -> str:
        """Return a list in words: each number, since two may be equal; a few other things."""
        comma = self._mark("comma", language)
        if all(isinstance(entry, float) for entry in entries):
            return comma.join(f"{entry:.4g}" for entry in entries)
        different = list(dict.fromkeys(map(str, entries)))
        more = len(different) - _LISTED
        listed = comma.join(different[:_LISTED])
        return listed + (self._mark("more", language).format(count=more) if more > 0 else "")
