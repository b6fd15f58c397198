"""Tests that a class hands in the second assignment, and every command grades and shows it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ScratchCourse, read_notebook
from tests.second_course.course import (
    EDITIONS,
    NOTEBOOK,
    STUDENTS,
    course_command,
    hand_in,
    second_course,
)

pytestmark = pytest.mark.slow

# The others' work is judged in `test_second_course`, without a run.
POINTS = {
    "ada": 13, "no_scale": 10, "one_mask": 10, "always": 9, "raises": 0, "blank": 0, "damaged": 0,
    "forger": 0, "replacer": 0, "killer": 0, "peeker": 0,
}  # fmt: skip
CHINESE = ("ada", "one_mask")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    skip_without_sandbox()
    course = second_course(tmp_path_factory.mktemp("second"))
    english, chinese = EDITIONS
    hand_in(course, english, [STUDENTS[name] for name in POINTS])
    said = course_command(course, "autograde", english)
    assert f"{len(POINTS)} graded" in said
    assert "0 failed" in said
    hand_in(course, chinese, [STUDENTS[name] for name in CHINESE])
    course.nbgrader("autograde", chinese)
    for edition in EDITIONS:
        course.nbgrader("generate_feedback", edition)
        course_command(course, "report", edition)
    return course


def page(course: ScratchCourse, student: str, edition: str) -> str:
    """The text of a feedback page."""
    path = course.root / "feedback" / student / edition / "dropout.html"
    html = re.sub("<style.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", html).split())


@pytest.mark.parametrize("edition", EDITIONS)
def test_points(course: ScratchCourse, edition: str) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        submissions = gradebook.assignment_submissions(edition)
        points = {each.student.id: each.score for each in submissions}
        waiting = {each.student.id for each in submissions if each.needs_manual_grade}
    names = POINTS if edition == "dropout" else CHINESE
    assert points == {name: POINTS[name] for name in names}
    # Whose tests report nothing although the exercise ran is looked at, too.
    assert {"ada"} <= waiting <= {"ada", "damaged", "killer", "forger", "replacer"}


def test_students_get_no_hidden_test(course: ScratchCourse) -> None:
    released = course.root / "release" / "dropout"
    assert [path.name for path in released.iterdir()] == [NOTEBOOK]
    shown = (released / NOTEBOOK).read_text() + page(course, "no_scale", "dropout")
    for hidden in ("dropout_tests", "HIDDEN TESTS", "SOLUTION", "MARK SCHEME", "expected value"):
        assert hidden not in shown


def test_feedback_in_english(course: ScratchCourse) -> None:
    text = page(course, "no_scale", "dropout")
    assert "10 of 15 points" in text
    assert "What is kept is divided by 1 − p no points yet 0 / 3" in text
    assert "By which factor does the mean shrink" in text
    assert "they should lie on the dashed lines" in text
    line = page(course, "raises", "dropout")
    assert "mask = torch.rand(x.size) &gt;= p" in line


def test_nothing_that_judges_is_in_the_sandbox(course: ScratchCourse) -> None:
    assert "cannot import name" in page(course, "peeker", "dropout")


def test_feedback_in_chinese(course: ScratchCourse) -> None:
    text = page(course, "one_mask", "dropout_zh")
    assert "整个批次共用一个掩码" in text
    assert "散点图" in text
    # Nothing of the other language but names: what stands in the student's own function.
    assert "Hint" not in text
    assert "criterion" not in text
    html = (course.root / "feedback/one_mask/dropout_zh/dropout.html").read_text(encoding="utf-8")
    assert 'lang="zh' in html


def test_report(course: ScratchCourse) -> None:
    html = (course.root / "reports" / "dropout.html").read_text(encoding="utf-8")
    assert "Every value is dropped on its own" in html
    assert "one mask serves for the whole batch" in html
    assert "torch.rand(x.shape[1])" in html
    assert "test_dropout" not in html
    table = (course.root / "reports" / "dropout.csv").read_text(encoding="utf-8")
    assert f"handed in,{len(POINTS)},{len(POINTS)}" in table


def test_one_notebook_at_a_time(course: ScratchCourse, tmp_path: Path) -> None:
    """As Gradescope asks, whose file has a test for each criterion."""
    submitted = course.root / "submitted" / "one_mask" / "dropout" / NOTEBOOK
    shutil.copy(submitted, tmp_path / NOTEBOOK)
    # What hidden tests import is not the student's to give.
    (tmp_path / "dropout_tests.py").write_text("check = print")
    written = tmp_path / "results.json"
    course_command(course, "gradescope", str(tmp_path / NOTEBOOK), str(written), "--course=.")
    tests = json.loads(written.read_text(encoding="utf-8"))["tests"]
    assert [test["score"] for test in tests] == [2, 3, 3, 0, 2]
    assert tests[3]["name"] == "Every value is dropped on its own"


def test_graded_notebook_holds_verdicts_and_no_observation(course: ScratchCourse) -> None:
    path = course.root / "autograded" / "no_scale" / "dropout" / NOTEBOOK
    assert "observation+json" not in path.read_text(encoding="utf-8")
    cells = read_notebook(path)["cells"]
    verdicts = [cell["metadata"]["verdict"] for cell in cells if "verdict" in cell["metadata"]]
    assert [verdict["passed"] for verdict in verdicts] == [True, True, False, True, True]
