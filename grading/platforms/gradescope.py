"""Grades one notebook for Gradescope: `python -m grading gradescope NOTEBOOK results.json`.

The file has the fields that https://gradescope-autograders.readthedocs.io/en/latest/specs/ lists.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grading.course.commands import CommandFailed
from grading.course.language import read_language
from grading.platforms.one_notebook import COURSE_ROOT, NothingToGrade, Result, grade
from grading.words.feedback_words import title


def results(graded: Sequence[Result], language: str) -> dict[str, Any]:
    """Return what Gradescope reads: one test for each criterion.

    Args:
        graded: how a notebook does by each criterion.
        language: of the assignment, "en" or "zh".
    """
    return {
        "visibility": "visible",
        # What the kernel's side prints is no student's to read.
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": title(result.verdict.criterion, language),
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
    """Grade a notebook and write the file; return 1 if that fails, which is no 0 of the student."""
    parser = argparse.ArgumentParser(prog="python -m grading gradescope", description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("results", type=Path, help="the file to write")
    parser.add_argument("--assignment", default="weight_initialization")
    parser.add_argument("--course", type=Path, default=COURSE_ROOT, metavar="FOLDER")
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="where there is no sandbox, run the notebook with your own rights",
    )
    options = parser.parse_args(arguments)
    try:
        graded = grade(
            options.notebook,
            options.assignment,
            options.course,
            allow_unsandboxed=options.allow_unsandboxed,
        )
    except (NothingToGrade, CommandFailed) as error:
        print(getattr(error, "output", ""), error, sep="\n", file=sys.stderr)
        return 1
    language = read_language(options.course / "source" / options.assignment)
    text = json.dumps(results(graded, language), ensure_ascii=False, indent=1)
    options.results.write_text(text, encoding="utf-8")
    return 0
