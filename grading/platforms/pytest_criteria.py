"""A pytest plugin for the tests in `test_notebook.py`: they judge the notebook that is named.

`grade-notebook NOTEBOOK` starts pytest with them, one test for each criterion. pytest loads this
file in every run, so it imports the rest of the course only where it is asked to grade.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grading.errors import GradingError

if TYPE_CHECKING:
    from grading.platforms.one_notebook import Request, Result

TESTS = "grading.platforms.test_notebook"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name what is graded."""
    group = parser.getgroup("grading a notebook")
    group.addoption("--graded-notebook", metavar="FILE", help="the notebook to judge")
    group.addoption("--graded-assignment", metavar="NAME", default="")
    group.addoption("--graded-course", metavar="FOLDER", default="")
    group.addoption("--graded-unsandboxed", action="store_true")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse to grade where pytest has been told to look for settings and a conftest.py.

    They would be the student's in the folder of a submission. This comes before any is run.

    Raises:
        pytest.UsageError: pytest was not started by `grade-notebook`.
    """
    given = early_config.known_args_namespace
    asked = given.graded_notebook is not None or TESTS in given.file_or_dir
    alone = given.noconftest and early_config.inipath == Path(os.devnull)
    if asked and not alone:
        raise pytest.UsageError(
            "A notebook is graded by `grade-notebook NOTEBOOK`. Started by itself, pytest would "
            "run settings and plugins from the folder it is in, which may be a student's."
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every criterion that the assignment has."""
    if "graded_criterion" in metafunc.fixturenames:
        try:
            criteria = _request(metafunc.config).criteria
        except GradingError as error:
            pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
        metafunc.parametrize("graded_criterion", criteria)


@pytest.fixture(scope="session")
def graded_results(request: pytest.FixtureRequest) -> "dict[str, Result]":
    """How the named notebook does by each criterion.

    Where it cannot be graded, through no fault of its own, the run ends without any verdict.
    """
    from grading.course.commands import CommandFailed
    from grading.platforms.one_notebook import NothingToGrade, grade

    try:
        results = grade(_request(request.config))
    except NothingToGrade as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    except CommandFailed as error:
        pytest.exit(f"{error}\n{error.output}", pytest.ExitCode.INTERNAL_ERROR)
    return {result.verdict.criterion: result for result in results}


def _request(config: pytest.Config) -> "Request":
    from grading.platforms.one_notebook import COURSE_ROOT, Request

    return Request(
        Path(config.getoption("--graded-notebook")).absolute(),
        config.getoption("--graded-assignment"),
        Path(config.getoption("--graded-course") or COURSE_ROOT).absolute(),
        config.getoption("--graded-unsandboxed"),
    )
