"""Tests of a question that an instructor adds to the lesson, with an ordinary test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.other_assignments import answer, checked, solution, text
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
    solve,
)

OWN = [
    text("## How many weights?"),
    solution("weight_count", "weight_count = 784 * 256"),
    checked("test_weight_count", "assert weight_count > 0", 2, "assert weight_count == 200704"),
    text("## In your words"),
    answer("own_words", 1),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("own"), any_data)
    course.shorten()
    path = course.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook = read_notebook(path)
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in notebook["cells"]]
    place = ids.index("handing_in")
    notebook["cells"][place:place] = [
        cell | {"id": f"own-question-{i}"} for i, cell in enumerate(OWN)
    ]
    path.write_text(json.dumps(notebook))
    course.nbgrader("generate_assignment", ASSIGNMENT)
    course.submit("right", _work(course, 784 * 256, "Many."))
    course.submit("wrong", _work(course, 10, "Few."))
    course.nbgrader("autograde", ASSIGNMENT)
    return course


def _work(course: ScratchCourse, count: int, words: str) -> Notebook:
    notebook = course.released()
    solve(notebook)
    cells = cells_by_grade_id(notebook)
    cells["weight_count"]["source"] = f"weight_count = {count}"
    for name in ("own_words", "reflection_results", "reflection_choice"):
        cells[name]["source"] = words
    return notebook


@pytest.mark.slow
class TestOwnQuestion:
    def test_it_is_graded_beside_the_criteria(self, course: ScratchCourse) -> None:
        scores = {}
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            for submission in gradebook.assignment_submissions(ASSIGNMENT):
                (notebook,) = submission.notebooks
                scores[submission.student.id] = {
                    grade.name: grade.auto_score
                    for grade in notebook.grades
                    if grade.cell.cell_type == "code"
                }
        assert scores["right"]["test_weight_count"] == 2
        assert scores["wrong"]["test_weight_count"] == 0
        assert sum(scores["right"].values()) == sum(scores["wrong"].values()) + 2 == 22

    def test_its_page_calls_it_by_its_heading(self, course: ScratchCourse) -> None:
        course.nbgrader("generate_feedback", ASSIGNMENT, "--force")
        page = self._page(course, "wrong")
        assert ">How many weights?</a>" in page
        assert ">In your words</a>" in page
        assert "200704" not in page

    def test_rubrics_stay_with_their_questions(self, course: ScratchCourse) -> None:
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            for name in ("own_words", "reflection_results", "reflection_choice"):
                grade = gradebook.find_grade(name, ASSIGNMENT, ASSIGNMENT, "right")
                grade.manual_score, grade.needs_manual_grade = 1, False
            gradebook.db.commit()
        course.nbgrader("generate_feedback", ASSIGNMENT, "--force", "--student", "right")
        page = self._page(course, "right")
        first = page.index("you name the row with the lowest training loss")
        assert page.index('id="reflection_results"') > first
        assert page.index("you choose an initialization that this notebook supports") > first
        assert page.count('class="rubric"') == 2

    def test_the_report_calls_it_so_too(self, course: ScratchCourse) -> None:
        subprocess.run(
            [sys.executable, "-m", "grading", "report", ASSIGNMENT],
            cwd=course.root,
            env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
            check=True,
        )
        page = (course.root / "reports" / f"{ASSIGNMENT}.html").read_text()
        assert "<td>How many weights?</td>" in page
        assert "In your words" in page

    def _page(self, course: ScratchCourse, student: str) -> str:
        folder: Path = course.root / "feedback" / student / ASSIGNMENT
        return (folder / f"{ASSIGNMENT}.html").read_text()
