"""A pytest plugin for the tests in `test_submission`: they judge the notebook that is named.

`grade-notebook NOTEBOOK` starts pytest with them, one test for each criterion. pytest loads this
file in every run, so it imports the rest of the course only where it is asked to grade.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grading.platforms.grade_notebook import TESTS
from grading.platforms.options import add_options_to_pytest

if TYPE_CHECKING:
    from grading.platforms.one_notebook import Result

RESULTS: "pytest.StashKey[list[Result]]" = pytest.StashKey()
"""Where pytest's settings hold how the notebook does by each criterion."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name what is graded."""
    add_options_to_pytest(parser.getgroup("grade-notebook"))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Refuse to grade where pytest has been told to look for settings and a conftest.py.

    They would be the student's in the folder of a submission. This comes before any is run.

    Raises:
        pytest.UsageError: pytest was not started by `grade-notebook`.
    """
    given = early_config.known_args_namespace
    asked = given.grade_submission is not None or TESTS in given.file_or_dir
    alone = given.noconftest and early_config.inipath == Path(os.devnull)
    if asked and not alone:
        raise pytest.UsageError(
            "A notebook is graded by `grade-notebook NOTEBOOK`. Started by itself, pytest would "
            "run settings and plugins from the folder it is in, which may be a student's."
        )


def pytest_collection(session: pytest.Session) -> None:
    """Grade the named notebook before its tests are made.

    Where it cannot be graded, through no fault of its own, the run ends without any verdict.
    """
    option = session.config.getoption
    if option("--grade-submission") is None:
        return
    # nbgrader takes two seconds to import, which no other run of pytest should wait for.
    from grading.platforms import one_notebook

    try:
        session.config.stash[RESULTS] = one_notebook.grade(
            option("--grade-submission"),
            option("--grade-assignment"),
            option("--grade-course"),
            allow_unsandboxed=option("--grade-allow-unsandboxed"),
        )
    except one_notebook.NothingToGrade as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    except one_notebook.NotGraded as error:
        pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)
