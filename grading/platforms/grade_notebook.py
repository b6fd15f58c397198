"""Grades one notebook under pytest, whatever folder this is typed in: `grade-notebook NOTEBOOK`.

pytest runs the settings, plugins and conftest.py of the folder it is started in, and Python the
modules there. So it is started in an empty folder, and told to look nowhere else.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grading.platforms import options

NO_SETTINGS = ("-c", os.devnull, "--noconftest")
"""What keeps pytest from the settings and the conftest.py of any folder."""


TESTS = "grading.platforms.test_submission"
"""The module of the tests, one for each criterion."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade a notebook; return pytest's exit code: 0 if every criterion is met, 1 if one is not."""
    parser = argparse.ArgumentParser(prog="grade-notebook", description=__doc__)
    parser.add_argument("notebook", type=Path)
    options.add_options(parser)
    parser.add_argument(
        "--junitxml", metavar="FILE", type=Path, help="write a report that other programs read"
    )
    given = parser.parse_args(arguments)
    command = [sys.executable, "-P", "-m", "pytest", *NO_SETTINGS, "-p", "no:cacheprovider"]
    command += ["--pyargs", TESTS]
    command += options.for_pytest(
        given.notebook, given.assignment, given.course, given.allow_unsandboxed
    )
    if given.junitxml is not None:
        command += ["--junitxml", str(given.junitxml.absolute())]
    with tempfile.TemporaryDirectory(prefix="grade-notebook-") as empty:
        return subprocess.run(command, cwd=empty, env=_environment(), check=False).returncode


def _environment() -> dict[str, str]:
    """Return this process's variables, without what adds to pytest or names folders from here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    folders = kept.pop("PYTHONPATH", "").split(os.pathsep)
    if absolute := [folder for folder in folders if os.path.isabs(folder)]:
        kept["PYTHONPATH"] = os.pathsep.join(absolute)
    return kept
