"""Grades one notebook for Gradescope: `python -m grading gradescope NOTEBOOK results.json`.

The file has the fields that https://gradescope-autograders.readthedocs.io/en/latest/specs/ lists.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grading.platforms import options
from grading.platforms.one_notebook import Result, grade


def results(graded: Sequence[Result]) -> dict[str, Any]:
    """Return what Gradescope reads: one test for each criterion that a notebook was graded by."""
    return {
        "visibility": "visible",
        # What the kernel's side prints is no student's to read.
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": result.title,
                "score": result.points,
                "max_score": result.most,
                "status": "passed" if result.verdict.passed else "failed",
                "output": result.told,
                "output_format": "text",
            }
            for result in graded
        ],
    }


def main(arguments: Sequence[str]) -> int:
    """Grade a notebook and write the file.

    Raises:
        GradingError: it cannot be graded, which is no 0 of the student.
    """
    parser = argparse.ArgumentParser(prog="python -m grading gradescope", description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("results", type=Path, help="the file to write")
    options.add_options(parser)
    given = parser.parse_args(arguments)
    graded = grade(
        given.notebook,
        given.assignment,
        given.course,
        allow_unsandboxed=given.allow_unsandboxed,
    )
    text = json.dumps(results(graded), ensure_ascii=False, indent=1)
    given.results.write_text(text, encoding="utf-8")
    return 0
