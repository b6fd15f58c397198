"""Tests that verdicts last in the graded notebook, and that only the judge puts them there."""

import json
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from grading.feedback.safe_pages import SafePages
from grading.intake.restore import restore
from grading.intake.submitted_notebook import read_notebook
from grading.judging import stored_verdicts
from grading.judging.judge import Judge
from tests.scratch_course import ASSIGNMENT, built_release
from tests.steps import SETTINGS, resources_of

FORGED = {
    "criterion": "test_normal_std",
    "outcome": "correct",
    "passed": True,
    "finding": "Full marks.",
    "mistake": "",
    "explanation": "",
    "hint": "",
}


def released() -> NotebookNode:
    return nbformat.read(built_release() / f"{ASSIGNMENT}.ipynb", as_version=4)


def judged(nb: NotebookNode) -> NotebookNode:
    """Judge and clean a notebook whose tests have reported nothing."""
    resources = resources_of()
    for step in (Judge(config=SETTINGS), SafePages()):
        nb, resources = step.preprocess(nb, resources)
    return nb


def test_every_criterion_keeps_its_verdict_in_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "graded.ipynb"
    nbformat.write(judged(released()), path)
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    verdicts = list(stored_verdicts.of_notebook(nb))
    assert len(verdicts) == 7
    assert {verdict.finding for verdict in verdicts} == {"The test did not run."}
    assert not any(verdict.passed for verdict in verdicts)


def test_forged_verdicts_do_not_survive_reading(tmp_path: Path) -> None:
    nb = released()
    for cell in nb.cells:
        cell.metadata[stored_verdicts.KEY] = NotebookNode(FORGED)
    path = tmp_path / "submitted.ipynb"
    path.write_text(json.dumps(nb), encoding="utf-8")
    restored, _ = restore(read_notebook(path).cells, released())
    assert list(stored_verdicts.of_notebook(restored)) == []
    assert stored_verdicts.KEY not in json.dumps(restored)


def test_judge_replaces_what_lies_where_it_stores() -> None:
    nb = released()
    for cell in nb.cells:
        cell.metadata[stored_verdicts.KEY] = NotebookNode(FORGED)
    nb = judged(nb)
    assert "Full marks." not in json.dumps(nb)
    assert len(list(stored_verdicts.of_notebook(nb))) == 7


def test_verdicts_outside_a_criterions_cell_are_not_read() -> None:
    nb = released()
    (solution,) = (
        cell
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "weights_init_normal"
    )
    solution.metadata[stored_verdicts.KEY] = NotebookNode(FORGED)
    # A cell that claims a criterion but is the student's to write is not one.
    solution.metadata.nbgrader["grade_id"] = "test_normal_std"
    assert list(stored_verdicts.of_notebook(nb)) == []


def test_verdict_of_another_version_counts_as_none() -> None:
    nb = judged(released())
    first, *_ = (cell for cell in nb.cells if stored_verdicts.KEY in cell.metadata)
    first.metadata[stored_verdicts.KEY]["color"] = "red"
    assert len(list(stored_verdicts.of_notebook(nb))) == 6
