"""One test for each criterion of a notebook, for `grade-notebook NOTEBOOK`.

The notebook is run in the sandbox and judged outside before there are any tests: what it was graded
by makes them. They say what came of it.
"""

from collections.abc import Callable

import pytest

from grading.platforms.one_notebook import Result
from grading.platforms.pytest_criteria import RESULTS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each criterion that the notebook was graded by."""
    results = metafunc.config.stash.get(RESULTS, [])
    metafunc.parametrize("result", results, ids=[each.verdict.criterion for each in results])


def test_criterion(
    result: Result, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Pass where the criterion is met; else say what was found, and what to think about."""
    criterion = result.verdict.criterion
    # JUnit's schema knows properties of a suite alone.
    record_testsuite_property(f"{criterion}.points", result.points)
    record_testsuite_property(f"{criterion}.most_points", result.most)
    if result.verdict.mistake:
        record_testsuite_property(f"{criterion}.mistake", result.verdict.mistake)
    if not result.verdict.passed:
        pytest.fail(result.told, pytrace=False)
    print(result.told)
