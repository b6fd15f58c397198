"""Reads the notebook that students got, which a submission is compared with."""

from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory

from grading.errors import GradingError


class ReleaseMissing(GradingError):
    """The notebook that students got is not there to compare a submission with."""


def read_release(coursedir: CourseDirectory, assignment: str, name: str) -> NotebookNode:
    """Return the notebook `name` (without .ipynb) of an assignment's release.

    Raises:
        ReleaseMissing: there is none.
    """
    folder = coursedir.format_path(coursedir.release_directory, ".", assignment)
    path = Path(folder) / f"{name}.ipynb"
    if not path.is_file():
        raise ReleaseMissing(
            f"{path} is not there; submissions are compared with it. Run nbgrader "
            f"generate_assignment {assignment}."
        )
    release: NotebookNode = nbformat.read(path, as_version=4)
    return release
