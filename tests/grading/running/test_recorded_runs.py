"""Tests of recording the instructor's training runs: once, wholly, and with and without seeds."""

import json
import logging
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import numpy as np
import pytest
from nbformat.notebooknode import NotebookNode
from torch import nn

from grader_tests.judge.common_mistakes import MISTAKES, function_with, with_common_mistakes
from grader_tests.judge.verdicts import judge
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grading.assignment import Assignments
from grading.running import recorded_runs
from grading.running.recorded_runs import NotRecorded, record
from grading.submission import Run
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, cells_by_grade_id
from tests.steps import SETTINGS

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

    def __call__(self, notebook: NotebookNode) -> Run:
        self.sources.append([cell.source for cell in notebook.cells])
        limit = None if self.complete else "memory"
        return Run(notebook, 1.0, limit=limit, complete=self.complete)


def _record(notebook: Path, sandbox: Sandbox, data: Path | None = None) -> None:
    folder = notebook.parent / "runs"
    files = sorted((notebook.parent / "helpers").iterdir())
    module = Assignments(config=SETTINGS).of(ASSIGNMENT)
    assert module is not None
    record(notebook, files, module, data, folder, sandbox, LOG)


def test_runs_with_and_without_the_solutions_own_seeds(notebook: Path) -> None:
    sandbox = Sandbox()
    _record(notebook, sandbox)
    given = "helpers.set_seed(0)"
    with_seed, without = sandbox.sources  # there is no exercise to make mistakes in
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


def test_an_incomplete_run_is_named_and_tried_again_by_the_next_command(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(complete=False)
    for _ in "each submission":
        with pytest.raises(NotRecorded, match=r"should run to its end in the sandbox, .*: memory"):
            _record(notebook, sandbox)
    assert len(sandbox.sources) == 1
    monkeypatch.setattr(recorded_runs, "_not_recorded", {})
    sandbox = Sandbox()
    _record(notebook, sandbox)
    assert len(sandbox.sources) == 2


def test_common_mistakes_are_recorded_and_leave_no_trace() -> None:
    source = nbformat.read(
        COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4
    )
    notebook = with_common_mistakes(source)
    sources = [cell.source for cell in notebook.cells]
    assert len(sources) == len(source.cells) + 2 * len(MISTAKES) + 1
    # Without the added cells it is the notebook that it was.
    nbgrader = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert nbgrader == [cell for cell in source.cells if "nbgrader" in cell.metadata]
    functions = [text for text in sources if text.startswith("def weights_init_normal(m):")]
    right, *wrong, last = functions
    assert right == last
    assert len(set(wrong)) == len(wrong) == len(MISTAKES)
    comparison = cells_by_grade_id(source)["compare_rules"]["source"]
    assert sources.count(comparison) == len(MISTAKES) + 1


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_common_mistake_is_a_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "1")
    namespace = {"np": np, "nn": nn}
    exec(function_with(mistake), namespace)
    function = namespace["weights_init_normal"]
    verdicts = [
        judge(name, json.loads(json.dumps(observe(name, function)))) for name in FUNCTION_CRITERIA
    ]
    assert not all(verdict.passed for verdict in verdicts)
