"""Tests that mistakes are named where functions run, in the sandbox, as they are beside it."""

import pytest

from grader_tests.observation import FUNCTION_CRITERIA
from tests.corpus import Submission, load
from tests.corpus.in_sandbox import grade_in_sandbox
from tests.sandboxes import skip_without_sandbox

pytestmark = pytest.mark.slow


def sample() -> tuple[list[Submission], dict[str, list[str]]]:
    """Return a way for every mistake of the corpus, and the criterion that names it there."""
    ways, criteria, named = [], {}, set()
    for way in load("wrong"):
        for criterion in FUNCTION_CRITERIA:
            for mistake in way.mistakes.get(criterion, ())[:1]:
                if mistake and mistake not in named and way.name not in criteria:
                    named.add(mistake)
                    ways.append(way)
                    criteria[way.name] = [criterion]
    return ways, criteria


def test_every_mistake_is_named_in_the_sandbox() -> None:
    skip_without_sandbox()
    ways, criteria = sample()
    assert len(ways) >= 60
    found = grade_in_sandbox(ways, 20240311, criteria)
    for way in ways:
        for criterion, verdict in found[way.name].items():
            expected = way.mistakes[criterion]
            assert (verdict.passed, verdict.mistake in expected) == (False, True), verdict.sentence


def test_wrong_signatures_are_named_in_the_sandbox() -> None:
    skip_without_sandbox()
    ways = [
        way for way in load("wrong") if way.mistakes.get("test_normal_std") == ("wrong_signature",)
    ]
    assert len(ways) >= 5
    found = grade_in_sandbox(ways, 20240311, {way.name: ["test_normal_std"] for way in ways})
    assert {verdicts["test_normal_std"].mistake for verdicts in found.values()} == {
        "wrong_signature"
    }
