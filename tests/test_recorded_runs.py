"""Tests of recording the instructor's training runs: once, wholly, and with and without seeds."""

import logging
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import pytest
from nbformat.notebooknode import NotebookNode

from grading.recorded_runs import NotRecorded, record
from grading.sandbox import Execution

LOG = logging.getLogger(__name__)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """An instructor's notebook with one solution that sets a seed."""
    solution = v4.new_code_cell("helpers.set_seed(0)\nmodel_default = Net()")
    solution.metadata.nbgrader = {"grade_id": "default_model", "solution": True, "grade": False}
    given = v4.new_code_cell("helpers.set_seed(0)")
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "training.py").write_text("LEARNING_RATE = 0.001\n")
    path = tmp_path / "lesson.ipynb"
    nbformat.write(v4.new_notebook(cells=[given, solution]), path)
    return path


class Sandbox:
    """Notes what it is asked to run."""

    def __init__(self, complete: bool = True) -> None:
        self.complete = complete
        self.sources: list[list[str]] = []

    def __call__(self, notebook: NotebookNode) -> Execution:
        self.sources.append([cell.source for cell in notebook.cells])
        limit = None if self.complete else "memory"
        return Execution(notebook, 1.0, limit=limit, complete=self.complete)


def _record(notebook: Path, sandbox: Sandbox, data: Path | None = None) -> None:
    folder = notebook.parent / "runs"
    record(notebook, notebook.parent / "helpers", data, folder, sandbox, LOG)


def test_runs_with_and_without_the_solutions_own_seeds(notebook: Path) -> None:
    sandbox = Sandbox()
    _record(notebook, sandbox)
    given = "helpers.set_seed(0)"
    with_seed, without = sandbox.sources
    assert with_seed == [given, f"{given}\nmodel_default = Net()"]
    assert without == [given, "model_default = Net()"]


def test_once_until_something_changes(notebook: Path, tmp_path: Path) -> None:
    sandbox = Sandbox()
    for expected in (2, 2):
        _record(notebook, sandbox)
        assert len(sandbox.sources) == expected
    (notebook.parent / "helpers" / "training.py").write_text("LEARNING_RATE = 0.01\n")
    _record(notebook, sandbox)
    assert len(sandbox.sources) == 4
    _record(notebook, sandbox, data=tmp_path)
    assert len(sandbox.sources) == 6


def test_an_incomplete_run_is_named_and_tried_again(notebook: Path) -> None:
    with pytest.raises(NotRecorded, match=r"should run to its end in the sandbox, .*: memory"):
        _record(notebook, Sandbox(complete=False))
    sandbox = Sandbox()
    _record(notebook, sandbox)
    assert len(sandbox.sources) == 2
