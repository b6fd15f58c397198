"""One test for each criterion of a notebook, for `grade-notebook NOTEBOOK`.

The fixture `submission_results` is the plugin's that comes with the course; it runs the notebook in
the sandbox and judges it outside. These tests say what came of it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from .observation import CRITERIA


@pytest.mark.parametrize("criterion", CRITERIA)
def test_criterion(
    criterion: str,
    submission_results: dict[str, Any],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    """Pass where the criterion is met; else say what was found, and what to think about."""
    result = submission_results[criterion]
    # JUnit's schema knows properties of a suite alone.
    record_testsuite_property(f"{criterion}.points", result.points)
    record_testsuite_property(f"{criterion}.most_points", result.most)
    if result.verdict.mistake:
        record_testsuite_property(f"{criterion}.mistake", result.verdict.mistake)
    if not result.verdict.passed:
        pytest.fail(result.told, pytrace=False)
    print(result.told)
