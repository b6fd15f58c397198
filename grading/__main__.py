"""The course's own commands: `python -m grading autograde ASSIGNMENT`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from grading.course import terminal
from grading.errors import GradingError

# Imported only when asked for: nbgrader alone takes two seconds.
_COMMANDS = {
    "audit": "grading.recording.audit",
    "autograde": "grading.batch",
    "canvas": "grading.reports.canvas_upload",
    "check": "grading.site_check.check",
    "demo": "grading.demo.demo",
    "desk": "grading.desk.start",
    "format": "grading.authoring.notebook_format",
    "gradescope": "grading.platforms.gradescope",
    "new": "grading.authoring.new_assignment",
    "report": "grading.reports.report",
    "serve": "grading.serving.serve",
}


def main() -> int:
    """Run the command that the first argument names; return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _COMMANDS:
        print(f"usage: python -m grading {{{','.join(_COMMANDS)}}} ...", file=sys.stderr)
        return 2
    return _run(_COMMANDS[name], sys.argv[2:])


def grade_notebook() -> int:
    """Run the command `grade-notebook`; return its exit code."""
    return _run("grading.platforms.grade_notebook", sys.argv[1:])


def _run(module: str, arguments: Sequence[str]) -> int:
    """Run a command; one that fails says why in a sentence, and its exit code is 1."""
    terminal.guard_output()
    try:
        code: int = import_module(module).main(arguments)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
