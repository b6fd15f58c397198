"""Counts the cells that a submission begins with as the release does.

They come before the first cell that a student is to fill in or that is graded, and are the same in
every notebook, to the last sign, unless a student has changed something or put a cell of their own
between them. What they come to depends on the files beside the notebook as well.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_grade, is_solution


def number_of_given(
    notebook: NotebookNode, release: Path, name: str, files: Mapping[str, bytes]
) -> int:
    """Return how many of the first code cells are the release's, all of them or none.

    Args:
        notebook: the submission as it is to be run.
        release: the folder that students got.
        name: the notebook's name in it.
        files: what lies beside the submission's; all of it has to be the release's.
    """
    path = release / f"{name}.ipynb"
    if not path.is_file():
        return 0
    given = _given(path, path.stat().st_mtime_ns)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"][: len(given)]
    # A cell with a tag may not be run at all.
    if [None if cell.metadata.get("tags") else cell.source for cell in cells] != list(given):
        return 0
    return len(given) if all(_is_of(release, *file) for file in files.items()) else 0


@cache
def _given(path: Path, changed: int) -> tuple[str, ...]:
    """Return the sources of the code cells before the first one that is a student's or graded."""
    sources = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            if is_solution(cell) or is_grade(cell) or cell.metadata.get("tags"):
                break
            sources.append(cell.source)
    return tuple(sources)


def _is_of(release: Path, name: str, content: bytes) -> bool:
    path = release / name
    return path.is_file() and path.read_bytes() == content
