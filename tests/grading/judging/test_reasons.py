"""Tests of what a person is asked to look at where a test has no points for an odd reason."""

from typing import Any

import nbformat.v4 as v4
import pytest
from nbformat.notebooknode import NotebookNode

from grading.judging.judge import Judge
from grading.submission import Submission
from grading.words import say
from tests.grading.judging.test_judge import error_output
from tests.ordinary_course import cell_metadata
from tests.steps import EDITIONS, SETTINGS, resources_of

FUNCTION = "def weights_init_normal(m): ..."
MISSING = "name '{}' is not defined"


def _problems(
    given: str,
    test: list[NotebookNode],
    exercise: list[NotebookNode] | None = None,
    **run: Any,
) -> list[str]:
    """Judge a given cell, the exercise and its test, as they have run; return what is odd."""
    cells = [
        v4.new_code_cell(given),
        v4.new_code_cell(FUNCTION, metadata=cell_metadata("weights_init_normal")),
        v4.new_code_cell("check()", metadata=cell_metadata("test_normal_std", 4)),
    ]
    cells[1].outputs, cells[2].outputs = exercise or [], test
    for count, cell in enumerate(cells, 1):
        cell.execution_count = count
    statuses = {0: "ok", 1: "error" if exercise else "ok", 2: "error" if test else "ok"}
    resources = resources_of(statuses=statuses, **run)
    Judge(config=SETTINGS).preprocess(v4.new_notebook(cells=cells), resources)
    return Submission.of(resources).problems


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("import numpy as np", "np"),
        ("from torch import nn, optim", "nn"),
        ("import torch\nfrom torch import nn", "torch"),
        ("class Net: pass", "Net"),
        ("train, valid = 1, 2", "valid"),
    ],
)
def test_a_deleted_name_is_told(given: str, name: str) -> None:
    missing = error_output("NameError", MISSING.format(name))
    (problem,) = _problems(given, [missing])
    title = '"Standard deviation: 1/√n"'
    assert problem == f"{name}, which an earlier cell had made, was gone when {title} ran."
    (problem,) = _problems(given, [], [missing])
    assert problem.startswith(f"{name}, which")


def test_a_name_that_was_never_there_is_the_students_slip() -> None:
    missing = error_output("NameError", MISSING.format("nn"))
    assert _problems("import numpy as np", [], [missing]) == []
    (problem,) = _problems("import numpy as np", [missing])
    assert problem.startswith('"Standard deviation: 1/√n" reported nothing')


@pytest.mark.parametrize(
    ("line", "kept"),
    [("%%writefile nets.py", False), ("%%timeit -n1", False), ("%%bash", False), ("%%time", True)],
)
def test_a_cell_that_ipython_takes_elsewhere_makes_no_name(line: str, kept: bool) -> None:
    missing = error_output("NameError", MISSING.format("Net"))
    (problem,) = _problems(f"{line}\nclass Net: pass", [missing])
    assert ("was gone" in problem) == kept


def test_a_test_that_says_nothing_is_looked_at() -> None:
    (problem,) = _problems("1", [])
    assert "although the exercise's cell ran" in problem
    assert _problems("1", [], [error_output("SyntaxError", "invalid syntax")]) == []


@pytest.mark.parametrize("run", [{"died": 0}, {"limit": "output", "limit_cell": 0}, {"broke": 0}])
def test_what_ended_the_run_is_told_elsewhere(run: dict[str, Any]) -> None:
    problems = _problems("1", [], **run)
    assert len(problems) == (1 if "limit" in run else 0)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_breakdown_has_its_words(edition: str) -> None:
    language = "zh" if edition.endswith("zh") else "en"
    nb = v4.new_notebook(
        cells=[v4.new_code_cell("check()", metadata=cell_metadata("test_normal_std", 4))]
    )
    for broke, where in ((0, "judge.this_test"), (-1, "judge.earlier_cell")):
        resources = resources_of(edition, broke=broke)
        Judge(config=SETTINGS).preprocess(nb, resources)
        sentence = Submission.of(resources).verdicts["test_normal_std"].sentence
        assert say(language, where) in sentence
