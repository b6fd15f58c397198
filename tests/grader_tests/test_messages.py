"""Tests of what the grader says: in every language the same messages, with the same figures."""

import ast
import re
from string import Formatter

import pytest

from grader_tests.judge import verdicts as criteria
from grader_tests.judge.mistakes.rules import RULES
from grader_tests.judge.table import TABLE
from grader_tests.judge.verdict import Message, message
from grader_tests.judge.words import LANGUAGES, catalogue, explain, say
from grader_tests.observation import OBSERVED
from tests.grader_tests.test_grader_tests import ROOM

OTHERS = [language for language in LANGUAGES if language != "en"]
ENGLISH = catalogue("en")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def mistakes(language: str) -> dict[str, tuple[str, str]]:
    """Return each mistake's explanation and hint, braces unfilled."""
    words = catalogue(language)
    return {
        key: (
            entry["explanation"],
            words["hints"][entry["shared_hint"]] if "shared_hint" in entry else entry["hint"],
        )
        for key, entry in words["mistakes"].items()
    }


@pytest.mark.parametrize("language", OTHERS)
class TestCatalogues:
    def test_none_is_missing(self, language: str) -> None:
        other = catalogue(language)
        assert list(other) == list(ENGLISH)
        for table, entries in ENGLISH.items():
            # In the same order too, so that two catalogues can be read side by side.
            assert list(other[table]) == list(entries)
        for key, entry in ENGLISH["mistakes"].items():
            assert list(other["mistakes"][key]) == list(entry)

    def test_placeholders_are_equal(self, language: str) -> None:
        other = catalogue(language)
        for table, entries in ENGLISH.items():
            if table != "mistakes":
                for key, template in entries.items():
                    assert fields(other[table][key]) == fields(template), key
        for key, parts in mistakes("en").items():
            for part, translated in zip(parts, mistakes(language)[key], strict=True):
                assert fields(translated) == fields(part), key

    def test_everything_is_translated(self, language: str) -> None:
        other = catalogue(language)
        for key, (explanation, hint) in mistakes(language).items():
            english = mistakes("en")[key]
            assert explanation != english[0], key
            assert hint != english[1], key
        for table in ("titles", "page", "sentences", "hints"):
            for key, template in other[table].items():
                if key != "no_observation":
                    assert template != ENGLISH[table][key], key


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
    keys = set(ENGLISH["sentences"]) | set(ENGLISH["mistakes"])
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
    for key, (_, hint) in mistakes(language).items():
        assert not re.search(r"sqrt|in_features|normal_\(|\*\*|std=", hint), key


class TestWords:
    def test_numbers_are_all_listed_and_names_once(self) -> None:
        means = message("mean_not_zero", means=[0.5, 0.5, 0.25])
        assert "0.5, 0.5, 0.25" in explain(means, "en")[0]
        kept = message("layers_skipped", layers=["Linear(2, 3)"] * 2 + list("abcde"))
        assert "Linear(2, 3), a, b, c and 2 more." in explain(kept, "en")[0]

    def test_braces_of_a_student_are_no_placeholders(self) -> None:
        line = message("line", line="m.weight = {y}")
        assert say([line], "en") == "Your line: `m.weight = {y}`."

    def test_unknown_language(self) -> None:
        with pytest.raises(KeyError):
            criteria.judge("test_normal_mean", {}, "xx")
        with pytest.raises(KeyError):
            say([Message("no_function")], "xx")


def test_both_halves_of_the_table_and_the_titles_agree() -> None:
    assert list(TABLE) == list(OBSERVED)
    for language in LANGUAGES:
        assert set(OBSERVED) <= set(catalogue(language)["titles"])
