"""What a step is given in tests: the course's settings, and resources of one notebook."""

from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from traitlets.config import Config

from grading.submission import Run, Submission
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT

EDITIONS = (ASSIGNMENT, f"{ASSIGNMENT}_zh")
SETTINGS = Config({"Assignments": {"modules": dict.fromkeys(EDITIONS, "grader_tests.assignment")}})
"""As nbgrader_config.py has it."""


def resources_with(entries: dict[str, Any]) -> ResourcesDict:
    resources = ResourcesDict()
    resources.update(entries)
    return resources


def resources_of(assignment: str = ASSIGNMENT, **run: Any) -> ResourcesDict:
    """Return the resources of a notebook that has been run, in the language of its edition."""
    folder = COURSE_ROOT / "source" / assignment
    names = {"assignment": assignment, "student": "ada", "notebook": ASSIGNMENT}
    resources = resources_with({"nbgrader": names, "metadata": {"path": str(Path(folder))}})
    Submission.of(resources).run = Run(v4.new_notebook(), **run)
    return resources
