"""Tests of the engine's sentences: every language has them all, and the code uses them all."""

import re
from string import Formatter

import pytest

from grading.words import LANGUAGES, say, words
from tests.scratch_course import COURSE_ROOT

ENGLISH = {(table, key): text for table, of in words("en").items() for key, text in of.items()}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_none_lacks_what_another_has(language: str) -> None:
    texts = {
        (table, key): text for table, of in words(language).items() for key, text in of.items()
    }
    # In the same order too, so that two files can be read side by side.
    assert list(texts) == list(ENGLISH)
    for key, text in texts.items():
        assert fields(text) == fields(ENGLISH[key]), key
        assert text != ENGLISH[key] or not re.search("[A-Za-z]{3}", re.sub(r"{.*?}", "", text)), key


def code() -> str:
    paths = [
        path
        for path in (COURSE_ROOT / "grading").rglob("*")
        if path.suffix in (".py", ".j2", ".js") and path.is_file()
    ]
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_sentence_is_used() -> None:
    text = code()
    unused = {
        key for table, key in ENGLISH if not re.search(rf"[\"'.]{key.replace('_', '[_ ]')}\b", text)
    }
    assert unused == set()


def test_what_the_code_says_exists() -> None:
    said = re.findall(r'"(feedback|judge|remarks|report|answers|check)\.(\w+)"', code())
    assert said
    assert set(said) - {("report", "css")} <= set(ENGLISH)  # which is a file
    assert {("check", key) for key in re.findall(r'\bOpening\(\s*"(\w+)"', code())} <= set(ENGLISH)
    assert {("remarks", key) for key in re.findall(r'\bremark\(\s*"(\w+)"', code())} <= set(ENGLISH)


def test_an_unknown_language_or_sentence_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("xx", "remarks.order")
    with pytest.raises(KeyError):
        say("en", "remarks.none")
