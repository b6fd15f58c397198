"""Tests of the verdicts: every way of the corpus scores what it should."""

import pytest

from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE
from tests.corpus import Submission, load
from tests.corpus.grading import grade, misnamed, scored_as_expected

RIGHT, WRONG = load("right"), load("wrong")


def by_name(submissions: list[Submission]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("submission", submissions, ids=lambda item: item.name)


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240229")


# nn.init.normal warns that it is deprecated; a warning is not a mistake.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@by_name(RIGHT)
def test_right_ways_get_full_points(submission: Submission) -> None:
    for verdict in grade(submission).values():
        assert verdict.passed, verdict.sentence
        assert (verdict.score, verdict.outcome) == (1.0, "correct")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@by_name(WRONG)
def test_wrong_ways_fail_where_they_should(submission: Submission) -> None:
    found = grade(submission)
    passed = {criterion for criterion, verdict in found.items() if verdict.passed}
    said = "\n".join(f"{v.criterion}: {v.outcome}: {v.sentence}" for v in found.values())
    assert scored_as_expected(submission, found), said
    assert all(found[criterion].score == 0 for criterion in found if criterion not in passed)
    assert len(passed) < len(FUNCTION_CRITERIA)
    assert misnamed(submission, found) == {}, said
