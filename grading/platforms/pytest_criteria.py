"""A pytest plugin for the tests in `grader_tests`: they judge the notebook that is named.

`grade-notebook NOTEBOOK` starts pytest with them, one test for each criterion. pytest loads this
file in every run, so it imports the rest of the course only where it is asked to grade.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grading.platforms.one_notebook import Result

_COURSE_ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name what is graded."""
    group = parser.getgroup("weight initialization")
    group.addoption(
        "--submission", metavar="NOTEBOOK", type=Path, help="the notebook that grader_tests judge"
    )
    group.addoption(
        "--assignment", default="weight_initialization", help="its name (default: %(default)s)"
    )
    group.addoption(
        "--course",
        metavar="FOLDER",
        type=Path,
        default=_COURSE_ROOT,
        help="with source/, helpers/ and nbgrader_config.py (default: where this is installed)",
    )
    group.addoption(
        "--allow-unsandboxed",
        action="store_true",
        help="where there is no sandbox, run the notebook with your own rights",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse to grade where pytest has been told to look for settings and a conftest.py.

    They would be the student's in the folder of a submission. This comes before any is run.

    Raises:
        pytest.UsageError: pytest was not started by `grade-notebook`.
    """
    given = early_config.known_args_namespace
    asked = given.submission is not None or "grader_tests" in given.file_or_dir
    alone = given.noconftest and early_config.inipath == Path(os.devnull)
    if asked and not alone:
        raise pytest.UsageError(
            "A notebook is graded by `grade-notebook NOTEBOOK`. Started by itself, pytest would "
            "run settings and plugins from the folder it is in, which may be a student's."
        )


@pytest.fixture(scope="session")
def submission_results(request: pytest.FixtureRequest) -> "dict[str, Result]":
    """How the named notebook does by each criterion.

    Where it cannot be graded, through no fault of its own, the run ends without any verdict.
    """
    from grading.course.commands import CommandFailed
    from grading.platforms import one_notebook

    option = request.config.getoption
    try:
        results = one_notebook.grade(
            option("--submission").absolute(),
            option("--assignment"),
            option("--course").absolute(),
            allow_unsandboxed=option("--allow-unsandboxed"),
        )
    except one_notebook.NothingToGrade as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    except CommandFailed as error:
        pytest.exit(f"{error}\n{error.output}", pytest.ExitCode.INTERNAL_ERROR)
    return {result.verdict.criterion: result for result in results}
