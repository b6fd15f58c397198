"""Grades a submission of the corpus as a notebook does: one hidden test after the other."""

import json
from collections.abc import Mapping

from grader_tests.judge.verdict import Verdict
from grader_tests.judge.verdicts import judge
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import observe
from grading.judging.stored_verdicts import StoredVerdict
from tests.corpus import Submission


def grade(submission: Submission) -> dict[str, Verdict]:
    """Return the verdict on each criterion, reached by way of JSON.

    The networks come from the seed in the environment.
    """
    function = submission.function()
    return {
        criterion: judge(criterion, json.loads(json.dumps(observe(criterion, function))))
        for criterion in FUNCTION_CRITERIA
    }


def scored_as_expected(
    submission: Submission, verdicts: Mapping[str, Verdict | StoredVerdict]
) -> bool:
    """Tell whether every criterion passes, fails, or counts as not attempted as it should."""
    passed = {criterion for criterion, verdict in verdicts.items() if verdict.passed}
    skipped = {c for c, verdict in verdicts.items() if verdict.outcome == "not attempted"}
    either = submission.either
    return passed - either == submission.passes - either and skipped == submission.skips


def misnamed(
    submission: Submission, verdicts: Mapping[str, Verdict | StoredVerdict]
) -> dict[str, str]:
    """Return the mistakes found where another was expected, by criterion."""
    return {
        criterion: verdict.mistake
        for criterion, verdict in verdicts.items()
        if not verdict.passed and verdict.mistake not in submission.mistakes.get(criterion, ())
    }
