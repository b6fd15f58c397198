"""The course's own commands: `python -m grading autograde ASSIGNMENT`."""

import sys
from importlib import import_module

from grading.errors import GradingError

# Imported only when asked for: nbgrader alone takes two seconds.
_COMMANDS = {
    "audit": "grading.recording.audit",
    "autograde": "grading.batch",
    "demo": "grading.demo.demo",
    "format": "grading.authoring.notebook_format",
    "gradescope": "grading.platforms.gradescope",
    "report": "grading.reports.report",
}


def main() -> int:
    """Run the command that the first argument names; return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _COMMANDS:
        print(f"usage: python -m grading {{{','.join(_COMMANDS)}}} ...", file=sys.stderr)
        return 2
    try:
        code: int = import_module(_COMMANDS[name]).main(sys.argv[2:])
    except (GradingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
