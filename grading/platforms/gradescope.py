"""Grades one notebook for Gradescope: `python -m grading gradescope NOTEBOOK results.json`.

The file has the fields that https://gradescope-autograders.readthedocs.io/en/latest/specs/ lists.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading.course.commands import CommandFailed
from grading.course.language import read_language
from grading.platforms.one_notebook import Request, Result, grade


def results(graded: Sequence[Result], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what Gradescope reads: one test for each criterion.

    Args:
        graded: how a notebook does by each criterion.
        titles: what a person calls them.
    """
    return {
        "visibility": "visible",
        # What the kernel's side prints is no student's to read.
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": titles[result.verdict.criterion],
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
    Request.add_options(parser)
    parser.add_argument("results", type=Path, help="the file to write")
    options = parser.parse_args(arguments)
    request = Request.of_options(options)
    try:
        graded = grade(request)
    except CommandFailed as error:
        print(error.output, error, sep="\n", file=sys.stderr)
        return 1
    language = read_language(request.course / "source" / request.assignment)
    titles = {name: request.module.title(name, language) for name in request.criteria}
    text = json.dumps(results(graded, titles), ensure_ascii=False, indent=1)
    options.results.write_text(text, encoding="utf-8")
    return 0
