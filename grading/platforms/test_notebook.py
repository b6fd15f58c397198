"""One test for each criterion of a notebook, for `grade-notebook NOTEBOOK`.

`pytest_criteria` runs the notebook in the sandbox, has it judged outside, and says which criteria
there are. These tests say what came of it.
"""

from collections.abc import Callable
from typing import Any

import pytest


def test_criterion(
    graded_criterion: str,
    graded_results: dict[str, Any],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    """Pass where the criterion is met; else say what was found, and what to think about."""
    result = graded_results[graded_criterion]
    # JUnit's schema knows properties of a suite alone.
    record_testsuite_property(f"{graded_criterion}.points", result.points)
    record_testsuite_property(f"{graded_criterion}.most_points", result.most)
    if result.verdict.mistake:
        record_testsuite_property(f"{graded_criterion}.mistake", result.verdict.mistake)
    if not result.verdict.passed:
        pytest.fail(result.told, pytrace=False)
    print(result.told)
