"""What says which notebook is graded and for which course: the options of every platform."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Protocol

COURSE_ROOT = Path(__file__).resolve().parents[2]

_OPTIONS: dict[str, dict[str, Any]] = {
    "assignment": {
        "metavar": "NAME",
        "default": "",
        "help": "its name (default: the one that holds a notebook of that name, else the first)",
    },
    "course": {
        "metavar": "FOLDER",
        "type": Path,
        "default": COURSE_ROOT,
        "help": "with source/ and nbgrader_config.py (default: where this is installed)",
    },
    "allow-unsandboxed": {
        "action": "store_true",
        "help": "where there is no sandbox, run the notebook with your own rights",
    },
}


class _Pytests(Protocol):
    def addoption(self, *names: str, **attributes: Any) -> None: ...


def add_options(parser: ArgumentParser) -> None:
    """Let a command take the options."""
    for name, attributes in _OPTIONS.items():
        parser.add_argument(f"--{name}", **attributes)


def add_options_to_pytest(group: _Pytests) -> None:
    """Let pytest take the same options, which begin with `--grade-` there, and the notebook."""
    submission = "the notebook that is graded; by grade-notebook alone"
    group.addoption("--grade-submission", metavar="NOTEBOOK", type=Path, help=submission)
    for name, attributes in _OPTIONS.items():
        group.addoption(f"--grade-{name}", **attributes)


def for_pytest(notebook: Path, assignment: str, course: Path, unsandboxed: bool) -> list[str]:
    """Return the arguments of pytest that say the same, from whatever folder."""
    arguments = ["--grade-submission", os.path.abspath(notebook)]
    arguments += ["--grade-assignment", assignment, "--grade-course", os.path.abspath(course)]
    return [*arguments, *(["--grade-allow-unsandboxed"] if unsandboxed else [])]
