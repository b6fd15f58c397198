"""Tests that the worked example of a new criterion works as its page says, and is as short."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading import sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
)

PAGE = COURSE_ROOT / "docs" / "adding_a_criterion.md"
PATCH = COURSE_ROOT / "docs" / "he_criterion.patch"
RIGHT = 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu")'
WRONG = "nn.init.normal_(m.weight, std=m.in_features**-0.5)"


def _added(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\+(?!\+\+ )", line)]


def test_example_has_as_many_lines_as_the_page_says() -> None:
    stated = re.search(r"and (\d+) lines of Python and", PAGE.read_text(encoding="utf-8"))
    assert stated is not None
    assert len(_added(PATCH.read_text(encoding="utf-8"))) == int(stated[1]) < 60


def _with_exercise(notebook: Notebook) -> None:
    """Insert the page's two cells after the one that imports PyTorch; the others may go."""
    exercise, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
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
    try:
        sandbox.check_available()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))
    course = ScratchCourse(tmp_path_factory.mktemp("criterion"), any_data)
    for package in ("grader_tests", "grading"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(COURSE_ROOT / package, course.root / package, ignore=ignored)
    # As in a folder of its own: in a repository, git would look for the files from its top.
    ceiling = {"GIT_CEILING_DIRECTORIES": str(course.root.parent)}
    subprocess.run(
        ["git", "apply", PATCH], cwd=course.root, env={**os.environ, **ceiling}, check=True
    )
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
