"""Tests of how many cells a submission begins with as the release does: all of them or none."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grading.running.given_cells import number_of_given

FILES = {"helpers.py": b"X = 1"}


def _notebook() -> NotebookNode:
    exercise = new_code_cell("# Write your code here.")
    exercise.metadata["nbgrader"] = {"grade_id": "it", "solution": True, "grade": False}
    cells = [new_code_cell("import helpers"), new_code_cell("x = 1"), exercise, new_code_cell("x")]
    return new_notebook(cells=[new_markdown_cell("Given"), *cells])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    nbformat.write(_notebook(), tmp_path / "lesson.ipynb")
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def _answered(notebook: NotebookNode) -> None:
    notebook.cells[0].source = "My guess"
    notebook.cells[3].source = "y = 2"
    notebook.cells.append(new_code_cell("mine"))


def _own_cell(notebook: NotebookNode) -> None:
    notebook.cells.insert(2, new_code_cell("x = 2"))


def _changed(notebook: NotebookNode) -> None:
    notebook.cells[2].source += " "


def _tagged(notebook: NotebookNode) -> None:
    notebook.cells[2].metadata["tags"] = ["skip-execution"]


def _missing(notebook: NotebookNode) -> None:
    del notebook.cells[2:]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [(_answered, 2), (_own_cell, 0), (_changed, 0), (_tagged, 0), (_missing, 0)],
)
def test_cells(release: Path, edit: Callable[[NotebookNode], None], expected: int) -> None:
    notebook = _notebook()
    edit(notebook)
    assert number_of_given(notebook, release, "lesson", FILES) == expected


@pytest.mark.parametrize("files", [FILES | {"helpers.py": b"X = 2"}, FILES | {"mine.csv": b"1"}])
def test_files(release: Path, files: dict[str, bytes]) -> None:
    assert number_of_given(_notebook(), release, "lesson", files) == 0


def test_without_a_release(release: Path) -> None:
    assert number_of_given(_notebook(), release, "other", FILES) == 0
