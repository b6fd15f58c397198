"""Tests that the attempt that counts is put back whole, whenever a grader was stopped."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.serving.best import BestKept, students_kept

# nbgrader's own way to add a submission makes SQLAlchemy warn.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def coursedir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CourseDirectory:
    """A course in the working directory, with ada's graded submission, worth 3 points."""
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    course = CourseDirectory(config=config)
    course.assignment_id = "one"
    with Gradebook(course.db_url) as gradebook:
        gradebook.add_assignment("one")
        gradebook.add_notebook("nb", "one")
        gradebook.add_grade_cell("cell", "nb", "one", max_score=4, cell_type="code")
        gradebook.add_student("ada")
        gradebook.add_submission("one", "ada", timestamp=datetime(2026, 1, 2, tzinfo=UTC))
    grade(course, "first", 3.0)
    return course


def grade(course: CourseDirectory, text: str, score: float) -> None:
    for step in ("submitted", "autograded"):
        folder = Path(course.root, step, "ada", "one")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "nb.ipynb").write_text(text)
    with Gradebook(course.db_url) as gradebook:
        gradebook.find_grade("cell", "nb", "one", "ada").auto_score = score
        gradebook.db.commit()


def state(course: CourseDirectory) -> tuple[str, str, float]:
    texts = [
        Path(course.root, step, "ada", "one", "nb.ipynb").read_text()
        for step in ("submitted", "autograded")
    ]
    with Gradebook(course.db_url) as gradebook:
        score = float(gradebook.find_grade("cell", "nb", "one", "ada").auto_score)
    return texts[0], texts[1], score


def test_a_worse_attempt_is_undone(coursedir: CourseDirectory) -> None:
    BestKept(coursedir, "ada").keep("second+")
    grade(coursedir, "second", 1.0)
    assert students_kept("one") == ["ada"]
    # Another process, after this one was killed.
    assert BestKept(coursedir, "ada").arrival == "second+"
    assert BestKept(coursedir, "ada").restore() == "second+"
    assert state(coursedir) == ("first", "first", 3.0)
    assert students_kept("one") == []
    assert BestKept(coursedir, "ada").restore() == ""


def test_a_better_attempt_stays(coursedir: CourseDirectory) -> None:
    BestKept(coursedir, "ada").keep("second+")
    grade(coursedir, "second", 4.0)
    BestKept(coursedir, "ada").forget()
    assert BestKept(coursedir, "ada").restore() == ""
    assert state(coursedir) == ("second", "second", 4.0)


def test_half_a_copy_does_not_count(coursedir: CourseDirectory) -> None:
    half = Path(".serve_best/one/ada+half/submitted")
    half.mkdir(parents=True)
    assert BestKept(coursedir, "ada").arrival == ""
    assert students_kept("one") == []
    BestKept(coursedir, "ada").keep("second+")
    grade(coursedir, "second", 1.0)
    BestKept(coursedir, "ada").restore()
    assert state(coursedir) == ("first", "first", 3.0)


def test_nothing_graded_is_nothing_to_keep(coursedir: CourseDirectory) -> None:
    shutil.rmtree(Path(coursedir.root, "autograded"))
    BestKept(coursedir, "ada").keep("first+")
    assert BestKept(coursedir, "ada").arrival == ""
