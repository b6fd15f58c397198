"""Reads the notebook that students got, which a submission is compared with."""

from pathlib import Path

import nbformat
from jupyter_client.kernelspec import NoSuchKernel, get_kernel_spec
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
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
    if release.nbformat_minor < 5:
        # Cells have ids since; what is made of this notebook has cells of both kinds.
        release.nbformat_minor = 5
        for number, cell in enumerate(release.cells):
            cell["id"] = f"given-{number}"
    return release


def other_names(coursedir: CourseDirectory, assignment: str, name: str) -> list[str]:
    """Return the names (without .ipynb) of an assignment's other notebooks."""
    folder = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
    return sorted(path.stem for path in folder.glob("*.ipynb") if path.stem != name)


def released_names(coursedir: CourseDirectory) -> list[str]:
    """Return the names of the assignment's notebooks, as the gradebook has them."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            assignment = gradebook.find_assignment(coursedir.assignment_id)
        except MissingEntry:
            return []
        return sorted(notebook.name for notebook in assignment.notebooks)


def language_of_kernel(release: NotebookNode) -> str:
    """Return the programming language that a notebook says it is in, in small letters."""
    spec = release.metadata.get("kernelspec", {})
    said = spec.get("language") or release.metadata.get("language_info", {}).get("name")
    if not said and spec.get("name"):
        try:
            said = get_kernel_spec(spec["name"]).language
        except NoSuchKernel:
            said = None
    return str(said or "python").lower()
