"""A plugin of pytest: nbgrader's tests meet the course's settings and a list of differences.

A test that is listed must fail, and one that is not must pass, so that neither a new difference nor
one that has gone is missed.
"""

import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nbgrader import api
from nbgrader.apps import autogradeapp
from nbgrader.apps.baseapp import NbGrader
from traitlets.config import Config

from grading.assignment import course_config
from grading.autograde import CourseAutograde
from grading.submission import Submission
from tests.peer.listed import kinds

_COURSE = os.environ["PEER"] == "course"
_initialize = NbGrader.initialize
_grade_notebook = CourseAutograde.grade_notebook
# What ran by the course's code, here and in the processes that ran tests side by side.
_ran: Counter[str] = Counter()

# A second of work for every new gradebook, always with the same result.
api.get_alembic_version = cache(api.get_alembic_version)


def course_settings() -> Config:
    """Return the settings that every command finds in Jupyter's folder."""
    return course_config(Path(os.environ["JUPYTER_CONFIG_DIR"]))


def _initialize_and_check(self: NbGrader, *arguments: Any, **options: Any) -> None:
    """Prepare a command; end all tests where it would be plain nbgrader that runs."""
    _initialize(self, *arguments, **options)
    if self.subapp is not None:
        return  # only the innermost command of several reads settings
    if autogradeapp.Autograde is not CourseAutograde or "Assignments" not in self.config:
        pytest.exit("The course's settings are not in force.", returncode=1)
    _ran["commands"] += 1


def _grade_and_count(self: CourseAutograde, *arguments: Any, **options: Any) -> Submission:
    graded = _grade_notebook(self, *arguments, **options)
    _ran["graded"] += 1
    return graded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is expected to fail."""
    if not _COURSE:
        return
    NbGrader.initialize = _initialize_and_check
    CourseAutograde.grade_notebook = _grade_and_count  # type: ignore[method-assign] # to count
    reasons = {
        test: f"{name}: {kind.reason}" for name, kind in kinds().items() for test in kind.tests
    }
    for item in items:
        if reason := reasons.get(item.nodeid):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        module = item.getparent(pytest.Module)
        if module is not None and module.name == "test_api.py":
            # These tests hand their settings over as formgrader does, instead of reading files.
            module.obj.Config = course_settings


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a process counted that ran some of the tests; one that was killed says nothing."""
    _ran.update(getattr(node, "workeroutput", {}).get("peer", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what ran by the course's code."""
    if _COURSE:
        text = f"{_ran['commands']} commands with the course's settings; it graded"
        terminalreporter.write_line(f"{text} {_ran['graded']} notebooks")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where commands were to autograde, and the course's autograder graded nothing."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peer"] = dict(_ran)
    elif _ran["commands"] > 200 and not _ran["graded"] and _COURSE:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
