"""Tests of the verdicts: every right way of the corpus gets full points.

The wrong ways are graded once, for their verdicts and their feedback pages:
`test_feedback_corpus`.
"""

import pytest

from grader_tests.probe import SEED_VARIABLE
from tests.corpus import Submission, load
from tests.corpus.grading import grade


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240229")


# nn.init.normal warns that it is deprecated; a warning is not a mistake.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("submission", load("right"), ids=lambda item: item.name)
def test_right_ways_get_full_points(submission: Submission) -> None:
    for verdict in grade(submission).values():
        assert verdict.passed, verdict.sentence
        assert (verdict.passed, verdict.outcome) == (True, "correct")
