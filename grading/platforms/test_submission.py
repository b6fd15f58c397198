"""One test for each criterion of a notebook, for `grade-notebook NOTEBOOK`.

The notebook is run in the sandbox and judged outside before there are any tests: what it was graded
by makes them. They say what came of it.
"""

from collections.abc import Callable

import pytest

from grading.platforms.one_notebook import NotGraded, NothingToGrade, Result, grade


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each criterion.

    Where a notebook cannot be graded, through no fault of its own, the run ends without a verdict.
    """
    option = metafunc.config.getoption
    try:
        results = grade(
            option("--grade-submission"),
            option("--grade-assignment"),
            option("--grade-course"),
            allow_unsandboxed=option("--grade-allow-unsandboxed"),
        )
    except NothingToGrade as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    except NotGraded as error:
        pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)
    criteria = [result.verdict.criterion for result in results]
    metafunc.parametrize("result", results, ids=criteria)


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
