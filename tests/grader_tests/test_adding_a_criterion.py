"""Tests that the worked example of a new criterion works as its page says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
)

PAGE = COURSE_ROOT / "docs" / "adding_a_criterion.md"
RIGHT = 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu")'
WRONG = "nn.init.normal_(m.weight, std=m.in_features**-0.5)"


def _follow(root: Path) -> None:
    """Write the page's blocks into the files of a copy of the course, where the page says."""
    page = PAGE.read_text(encoding="utf-8")
    block = r":\n\n```\w+\n(.*?)```"
    for file, code in re.findall(r"new\s+file `([^`]+)`" + block, page, re.S):
        (root / file).write_text(code, encoding="utf-8")
    for file, line, code in re.findall(r"[Ii]n\s+`([^`]+)`, below `([^`]+)`" + block, page, re.S):
        text = (root / file).read_text(encoding="utf-8")
        assert text.count(f"{line}\n") == 1, line
        (root / file).write_text(text.replace(f"{line}\n", f"{line}\n{code}"), encoding="utf-8")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the hidden tests with the page's criterion."""
    root = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(COURSE_ROOT / "grader_tests", root / "grader_tests", ignore=ignored)
    _follow(root)
    return root


def _run(root: Path, code: str) -> str:
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        command, cwd=root, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_adds_a_criterion_to_both_tables_and_the_words(extended: Path, language: str) -> None:
    said = _run(
        extended,
        f"""
import torch
from torch import nn
from grader_tests import assignment
from grader_tests.judge.table import TABLE
from grader_tests.judge.verdicts import LEVEL
from grader_tests.probe import observe

assert assignment.CRITERIA[-3:] == ("test_he_std", "test_default_model", "test_default_comparison")
assert set(TABLE) == set(assignment.CRITERIA)
assert abs(LEVEL - 1e-9 / 6) < 1e-20
assert assignment.title("test_he_std", {language!r}) != "test_he_std"

def function(factor):
    def applied(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=(factor / m.in_features) ** 0.5)
    return applied

for factor in (2, 1, 3):
    observation = observe("test_he_std", function(factor))
    verdict = assignment.judge("test_he_std", observation, {language!r}, None)
    drawn = assignment.evidence("test_he_std", observation, {language!r})
    print(verdict.outcome, verdict.mistake, drawn is not None)
""",
    )
    assert said.splitlines() == [
        "correct  True",
        "incorrect he_without_two True",
        "incorrect  True",
    ]


def test_networks_of_the_other_criteria_stay_as_they_are(extended: Path) -> None:
    code = (
        "from grader_tests.blueprint import plan; "
        "print(plan(5, 'test_normal_std'), plan(5, 'test_default_model'))"
    )
    assert _run(extended, code) == _run(COURSE_ROOT, code)


def _with_exercise(notebook: Notebook) -> None:
    """Insert the page's two cells after the one that imports PyTorch; the others may go."""
    section = PAGE.read_text(encoding="utf-8").partition("## What is observed")[0]
    exercise, test = re.findall(r"```python\n(.*?)```", section, re.S)
    marks = {"locked": False, "schema_version": 3, "solution": True, "task": False}
    notebook["cells"] = [
        cells_by_grade_id(notebook)["load_data"],
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "weights-init-he",
            "metadata": {"nbgrader": marks | {"grade": False, "grade_id": "weights_init_he"}},
            "outputs": [],
            "source": exercise.strip(),
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "test-he-std",
            "metadata": {
                "nbgrader": marks
                | {"grade": True, "grade_id": "test_he_std", "points": 3}
                | {"locked": True, "solution": False}
            },
            "outputs": [],
            "source": test.strip(),
        },
    ]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """Follow the page in a copy of the course, and grade a right and a wrong function."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("criterion"), any_data)
    for package in ("grader_tests", "grading"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(COURSE_ROOT / package, course.root / package, ignore=ignored)
    _follow(course.root)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("c.SandboxedExecute.reuse_training = False\n")
    path = course.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = read_notebook(path)
    _with_exercise(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")

    def nbgrader(*arguments: str) -> None:
        # Not by grading.course.commands, whose processes have this course's packages.
        command = [sys.executable, "-m", "nbgrader", *arguments]
        environment = course.environment | {"PYTHONPATH": str(course.root)}
        subprocess.run(command, cwd=course.root, env=environment, check=True)

    nbgrader("generate_assignment", ASSIGNMENT)
    source = cells_by_grade_id(notebook)["weights_init_he"]["source"]
    assert RIGHT in source
    for student, line in (("right", RIGHT), ("wrong", WRONG)):
        submitted = course.released()
        cells_by_grade_id(submitted)["weights_init_he"]["source"] = source.replace(RIGHT, line)
        course.submit(student, submitted)
    nbgrader("autograde", ASSIGNMENT)
    nbgrader("generate_feedback", ASSIGNMENT)
    return course


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "points", "told"),
    [
        ("right", 3, "The standard deviation is sqrt(2/n) in all 6 layers."),
        ("wrong", 0, "ReLU lets half of the signal through."),
    ],
)
def test_example_grades_and_explains(
    course: ScratchCourse, student: str, points: float, told: str
) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
        assert {grade.name: grade.auto_score for grade in notebook.grades} == {
            "test_he_std": points
        }
    page = _page(course.root, student)
    assert told in page
    assert "He&#39;s standard deviation: √(2/n)" in page or "He's standard deviation" in page


def _page(root: Path, student: str) -> str:
    path = root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"
    return path.read_text(encoding="utf-8")
