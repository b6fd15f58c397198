"""Tests what counts as an attempt, and the limits on them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grading.recording import audit
from grading.recording.attempts import Attempts, Made, attempts_of
from grading.words import LANGUAGES, words

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def log(path: Path, *gradings: tuple[str, int, str, str, float]) -> Path:
    """Write an audit log of gradings: student, minute, notebook's digest, seed, score."""
    for student, minute, digest, seed, score in gradings:
        when = (NOON + timedelta(minutes=minute)).isoformat(timespec="seconds")
        names = {"student": student, "assignment": "one", "notebook": "nb", "when": when}
        audit.append(
            path,
            names | {"submission": digest, "seed": seed, "scores": {"a": score, "b": None}},
        )
    return path


def made(*scores: float) -> list[Made]:
    return [
        Made(NOON + timedelta(minutes=number), f"d{number}", score)
        for number, score in enumerate(scores, 1)
    ]


def test_a_regrade_of_the_same_work_is_none(tmp_path: Path) -> None:
    path = log(
        tmp_path / "log",
        ("ada", 1, "d1", "s1", 3.0),
        ("bob", 2, "d1", "s2", 9.0),
        ("ada", 3, "d2", "s3", 5.0),
        ("ada", 4, "d1", "s1", 4.0),
        ("ada", 5, "", "", 0.0),  # a fault of the machine
        ("ada", 6, "d2", "s4", 6.0),  # the same notebook beside another file
    )
    assert attempts_of(path, "ada", "one") == [
        Made(NOON + timedelta(minutes=1), "d1", 4.0),
        Made(NOON + timedelta(minutes=3), "d2", 5.0),
        Made(NOON + timedelta(minutes=6), "d2", 6.0),
    ]
    assert len(attempts_of(path, "bob", "one")) == 1
    assert attempts_of(path, "ada", "two") == []
    assert attempts_of(path, "ad", "one") == []
    assert attempts_of(tmp_path / "none", "ada", "one") == []


def test_by_default_there_is_no_limit() -> None:
    attempts = Attempts()
    assert not attempts.is_limited
    assert not attempts.are_used_up(made(*range(1000)))
    assert attempts.next_from(made(1)) is None
    assert attempts.sentence(made(1), "d1", words("en")["feedback"]) == ""
    assert attempts.sentence(made(1, 2), "d2", words("en")["feedback"]) == "This is attempt 2."


def test_limits() -> None:
    attempts = Attempts(most=3, minutes_apart=10)
    assert not attempts.are_used_up(made(1, 2))
    assert attempts.are_used_up(made(1, 2, 3))
    assert attempts.next_from([]) is None
    assert attempts.next_from(made(1, 2)) == NOON + timedelta(minutes=12)


@pytest.mark.parametrize(("scores", "best"), [((1, 3, 2), 2), ((3, 1, 3), 1), ((0,), 1)])
def test_the_earlier_of_two_that_are_alike_is_the_best(
    scores: tuple[float, ...], best: int
) -> None:
    assert Attempts.best(made(*scores)) == best


def test_a_page_says_which_attempt_it_is_of() -> None:
    said = words("en")["feedback"]
    attempts = Attempts(most=5, minutes_apart=4)
    assert attempts.sentence(made(1, 2), "d2", said) == (
        "This is attempt 2 of 5. The next can be graded from 2026-01-02 12:06 UTC."
    )
    assert attempts.sentence(made(1, 2), "unknown", said) == ""
    best = Attempts(counts="best", most=2)
    assert best.sentence(made(7, 2), "d2", said) == (
        "This is attempt 2 of 2. It was the last one. "
        "The tests gave more for attempt 1: 7 points. That one counts."
    )
    assert best.sentence(made(7, 8), "d2", said) == "This is attempt 2 of 2. It was the last one."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_sentences(language: str) -> None:
    said = words(language)["feedback"]
    sentence = Attempts(most=4, minutes_apart=4, counts="best").sentence(made(9, 2), "d2", said)
    for told in ("2", "4", "2026-01-02 12:06 UTC", "9"):
        assert told in sentence
    assert "{" not in sentence
