"""Tests of what the grader says: in every language the same messages, with the same figures."""

import ast
import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest

from grader_tests.judge import verdicts as criteria
from grader_tests.judge.mistakes.rules import RULES
from grader_tests.judge.verdict import Message, message
from grader_tests.judge.words import messages
from grader_tests.judge.words.messages import LANGUAGES
from tests.grader_tests.test_grader_tests import ROOM

OTHERS = [language for language in LANGUAGES if language != "en"]
ENGLISH = messages.words("en")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def texts(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a file with its full key, in the file's order."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from texts(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


@pytest.mark.parametrize("language", OTHERS)
class TestLanguages:
    def test_none_lacks_what_another_has(self, language: str) -> None:
        # In the same order too, so that two files can be read side by side.
        assert [key for key, _ in texts(messages.words(language))] == [
            key for key, _ in texts(ENGLISH)
        ]

    def test_placeholders_are_equal(self, language: str) -> None:
        english = dict(texts(ENGLISH))
        for key, text in texts(messages.words(language)):
            assert fields(text) == fields(english[key]), key

    def test_everything_is_translated(self, language: str) -> None:
        english = dict(texts(ENGLISH))
        for key, text in texts(messages.words(language)):
            if key != "sentences.no_observation":
                assert text != english[key], key


def keys_in_the_code() -> set[str]:
    """Return every text of the room's code that could be a key, rules and symptoms included."""
    found = {rule.mistake for rule in RULES}
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # Tests are called "beyond 2 deviations"; their first word is the key.
                found.add(node.value.split(" ")[0])
    return found | {f"layer_{state}" for state in ("resized", "replaced", "removed")}


def test_every_message_is_used() -> None:
    keys = ENGLISH["sentences"].keys() | ENGLISH["mistakes"].keys()
    assert keys <= keys_in_the_code()


def test_every_message_of_the_code_exists() -> None:
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "message":
                continue
            key = node.args[0]
            if isinstance(key, ast.Constant):
                assert key.value in {**ENGLISH["sentences"], **ENGLISH["mistakes"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_hints_do_not_give_the_answer_away(language: str) -> None:
    for key, mistake in messages.words(language)["mistakes"].items():
        assert not re.search(r"sqrt|in_features|normal_\(|\*\*|std=", mistake["hint"]), key


class TestWords:
    def test_numbers_are_all_listed_and_names_once(self) -> None:
        means = message("mean_not_zero", means=[0.5, 0.5, 0.25])
        assert "0.5, 0.5, 0.25" in messages.explain(means, "en")[0]
        kept = message("layers_skipped", layers=["Linear(2, 3)"] * 2 + list("abcde"))
        assert "Linear(2, 3), a, b, c and 2 more." in messages.explain(kept, "en")[0]

    def test_braces_of_a_student_are_no_placeholders(self) -> None:
        line = message("line", line="m.weight = {y}")
        assert messages.say([line], "en") == "Your line: `m.weight = {y}`."

    def test_unknown_language(self) -> None:
        with pytest.raises(KeyError):
            criteria.judge("test_normal_mean", {}, "xx")
        with pytest.raises(KeyError):
            messages.say([Message("no_function")], "xx")
