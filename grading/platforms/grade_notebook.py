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

from grading.platforms.one_notebook import Request
from grading.platforms.pytest_criteria import TESTS

NO_SETTINGS = ("-c", os.devnull, "--noconftest")
"""What keeps pytest from the settings and the conftest.py of any folder."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade a notebook; return pytest's exit code: 0 if every criterion is met, 1 if one is not."""
    parser = argparse.ArgumentParser(prog="grade-notebook", description=__doc__)
    Request.add_options(parser)
    parser.add_argument(
        "--junitxml", metavar="FILE", type=Path, help="write a report that other programs read"
    )
    options = parser.parse_args(arguments)
    request = Request.of_options(options)
    command = [sys.executable, "-P", "-m", "pytest", *NO_SETTINGS, "-p", "no:cacheprovider"]
    command += ["--pyargs", TESTS, "--graded-notebook", str(request.notebook)]
    command += ["--graded-assignment", request.name, "--graded-course", str(request.course)]
    if options.junitxml is not None:
        command += ["--junitxml", str(options.junitxml.absolute())]
    if request.unsandboxed:
        command += ["--graded-unsandboxed"]
    with tempfile.TemporaryDirectory(prefix="grade-notebook-") as empty:
        return subprocess.run(command, cwd=empty, env=_environment(), check=False).returncode


def _environment() -> dict[str, str]:
    """Return this process's variables, without what adds to pytest or names folders from here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    folders = kept.pop("PYTHONPATH", "").split(os.pathsep)
    if absolute := [folder for folder in folders if os.path.isabs(folder)]:
        kept["PYTHONPATH"] = os.pathsep.join(absolute)
    return kept
