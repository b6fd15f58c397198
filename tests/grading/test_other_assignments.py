"""Tests that an assignment which is none of this course's is graded as plain nbgrader grades it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from grading.course.commands import CommandFailed
from tests.benchmarks.other_assignments import (
    DIFFERENCES,
    course_without_lesson,
    different,
    graded,
    plain_course,
)
from tests.other_assignments import ASSIGNMENTS, Scores, checked, notebook, solution
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Graded:
    course: ScratchCourse
    scores: dict[str, Scores]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    skip_without_sandbox()
    course = course_without_lesson(tmp_path_factory.mktemp("other") / "course", "")
    return Graded(course, graded(course))


@pytest.mark.site
def test_scores_are_plain_nbgraders(ours: Graded, tmp_path: Path) -> None:
    plain = graded(plain_course(tmp_path / "plain", ""))
    assert set(different(plain, ours.scores)) == set(DIFFERENCES)


@pytest.mark.site
def test_the_batch_gives_the_same(ours: Graded, tmp_path: Path) -> None:
    assert graded(course_without_lesson(tmp_path / "batch", ""), "batch") == ours.scores


@pytest.mark.parametrize("assignment", [each.name for each in ASSIGNMENTS])
def test_feedback_shows_no_hidden_test(ours: Graded, assignment: str) -> None:
    output = ours.course.nbgrader("generate_feedback", assignment)
    assert "Notebook JSON is invalid" not in output
    pages = [*ours.course.root.glob(f"feedback/*/{assignment}/*.html")]
    assert pages
    for page in pages:
        text = page.read_text()
        assert "HIDDEN" not in text
        assert "MARK SCHEME" not in text
        for hidden in ("merge([2], [0])", "isnan(mean", "2 * (merge"):
            assert hidden not in text


def test_the_page_reads_as_its_assignment(ours: Graded) -> None:
    ours.course.nbgrader("generate_feedback", "credit", "--force")
    ours.course.nbgrader("generate_feedback", "files", "--force")
    page = ours.course.root.joinpath("feedback/half/credit/sorting.html").read_text()
    for title in ("Merge · 1", "Merge · 2", "Why it works", "Your own sort", "Draw"):
        assert f">{title}</a>" in page
    # Nothing went wrong that a person had to look at, although a task waits for one.
    assert "A person will look at this submission" not in page
    shown = ours.course.root.joinpath("feedback/right/files/files.html").read_text()
    assert shown.count("data:image/png;base64") == 2


def test_the_report_names_what_waits(ours: Graded) -> None:
    subprocess.run(
        [sys.executable, "-m", "grading", "report", "credit"],
        cwd=ours.course.root,
        env=ours.course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        check=True,
    )
    page = (ours.course.root / "reports" / "credit.html").read_text()
    for title in ("Why it works", "Your own sort", "Draw"):
        assert f"answer to grade: {title}" in page


def test_notebooks_that_share_grade_ids_are_told_apart(ours: Graded) -> None:
    twins = ours.scores["twins"]
    assert twins["first"] == {"p1 test_answer": 1, "p2 test_answer": "0, person", "p2 explain": 0}
    assert twins["renamed"] == {
        "p1 test_answer": 1,
        "p2 test_answer": 1,
        "p2 explain": "person",
    }
    graded = ours.course.root / "autograded" / "first" / "twins" / "p2.ipynb"
    assert "return 1" not in graded.read_text()


def test_all_released_files_reach_the_graders_folder(ours: Graded) -> None:
    folder = ours.course.root / "autograded" / "right" / "files"
    release = ours.course.root / "release" / "files"
    given = {path.relative_to(release) for path in release.rglob("*") if path.is_file()}
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert Path("data/values.csv") in given
    assert given <= there


def test_another_languages_notebook_is_refused(ours: Graded) -> None:
    document = notebook([solution("x", "x <- 1"), checked("test_x", "x", 1)])
    document["metadata"]["kernelspec"] = {"display_name": "R", "language": "R", "name": "ir"}
    folder = ours.course.root / "source" / "in_r"
    folder.mkdir()
    (folder / "r.ipynb").write_text(json.dumps(document))
    ours.course.nbgrader("generate_assignment", "in_r")
    submitted = ours.course.root / "submitted" / "ada" / "in_r"
    submitted.mkdir(parents=True)
    (submitted / "r.ipynb").write_text(json.dumps(document))
    with pytest.raises(CommandFailed) as failed:
        ours.course.nbgrader("autograde", "in_r")
    assert "r.ipynb is in r, and the sandbox runs Python alone" in failed.value.output
    assert not (ours.course.root / "autograded" / "ada" / "in_r").exists()


def test_stubs_are_nbgraders(ours: Graded) -> None:
    release = nbformat.read(ours.course.root / "release/credit/sorting.ipynb", as_version=4)
    sources = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in release.cells
        if "nbgrader" in cell.metadata
    }
    assert sources["merge"] == "# YOUR CODE HERE\nraise NotImplementedError()"
    assert sources["why"] == "YOUR ANSWER HERE"
