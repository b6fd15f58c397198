"""Tests that no fault or attack disturbs a grade: every case in one batch with good submissions."""

from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests import faults
from tests.faults import CASES, POINTS, Case
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, ScratchCourse, cells_by_grade_id

GOOD = [f"good_{number}" for number in range(5)]
NORMAL = ("layers", "mean", "std", "shape", "bias")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """Grade every case, and the good submissions among them, in one run of nbgrader."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("faults"), any_data)
    course.shorten()
    done = faults.grade(course, CASES, GOOD)
    assert "0 failed" in done.stdout, done.stdout + done.stderr
    return course


def scores(course: ScratchCourse, student: str) -> dict[str, float | None]:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
        automatic = [grade for grade in notebook.grades if grade.cell.cell_type == "code"]
        return {grade.name: grade.auto_score for grade in automatic}


def sentence(course: ScratchCourse, student: str) -> str:
    output = cells_by_grade_id(course.graded(student))["test_normal_std"]["outputs"][0]
    return str(output.get("evalue") or output["data"]["text/plain"])


def test_most_of_the_corpus_is_our_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(not case.known for case in CASES) >= 30


@pytest.mark.parametrize("student", GOOD)
def test_good_submissions_keep_their_grades(course: ScratchCourse, student: str) -> None:
    assert sum(score or 0 for score in scores(course, student).values()) == sum(POINTS["full"])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_outcome(course: ScratchCourse, case: Case) -> None:
    found = scores(course, case.name)
    exercise = sum(found[f"test_normal_{name}"] or 0 for name in NORMAL)
    rest = sum(score or 0 for score in found.values()) - exercise
    assert (exercise, rest) == POINTS[case.outcome], sentence(course, case.name)
    assert case.reason in sentence(course, case.name)


def test_the_gradebook_is_as_nbgrader_left_it(course: ScratchCourse) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        assert len(gradebook.assignment_submissions(ASSIGNMENT)) == len(GOOD) + len(CASES)


def test_no_process_is_left_behind(course: ScratchCourse) -> None:
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(path.read_bytes())
        except OSError:
            continue
    assert not [c for c in commands if str(course.root).encode() in c]
