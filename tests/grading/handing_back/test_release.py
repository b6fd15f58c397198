"""Tests that feedback reaches whoever handed in, whatever their notebook is called."""

import json
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.benchmarks.other_assignments import course_without_lesson
from tests.other_assignments import ASSIGNMENTS
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ScratchCourse


@pytest.fixture
def course(tmp_path: Path) -> ScratchCourse:
    skip_without_sandbox()
    course = course_without_lesson(tmp_path / "course", "")
    (twins,) = (each for each in ASSIGNMENTS if each.name == "twins")
    folder = course.root / "source" / "twins"
    folder.mkdir(parents=True)
    twins.source(folder)
    course.nbgrader("generate_assignment", "twins")
    course.nbgrader("release_assignment", "twins")
    return course


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_renamed_notebooks_page_is_found_and_a_zip_stops_nobody(
    course: ScratchCourse, tmp_path: Path
) -> None:
    home = tmp_path / "student"
    home.mkdir()
    of_the_course = "--course=weight-initialization"
    course.nbgrader("fetch_assignment", "twins", of_the_course, folder=home)
    (home / "twins" / "p2.ipynb").rename(home / "twins" / "p2 (1).ipynb")
    course.nbgrader("submit", "twins", of_the_course, folder=home)
    course.nbgrader("collect", "twins")
    # Before the others, in their order.
    zipped = course.root / "submitted" / "aa_zip" / "twins"
    shutil.copytree(course.root / "release" / "twins", zipped)
    course.nbgrader("autograde", "twins")
    course.nbgrader("generate_feedback", "twins")
    output = course.nbgrader("release_feedback", "twins")
    assert "The submission of aa_zip has no secret in submission_secret.txt" in output
    released = course.exchange / "weight-initialization" / "feedback"
    assert len(list(released.glob("*.html"))) == 5, "the renamed notebook's page under both names"
    course.nbgrader("release_feedback", "twins")
    assert len(list(released.glob("*.html"))) == 5, "its secret is made once"
    course.nbgrader("fetch_feedback", "twins", of_the_course, folder=home)
    pages = {page.name for page in (home / "twins" / "feedback").rglob("*.html")}
    assert pages == {"p1.html", "p2 (1).html"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_page_is_made_again_when_it_tells_something_else(course: ScratchCourse) -> None:
    for student in ("ada", "bob"):
        folder = course.root / "submitted" / student / "twins"
        shutil.copytree(course.root / "release" / "twins", folder)
    course.nbgrader("autograde", "twins")
    course.nbgrader("generate_feedback", "twins")
    page = course.root / "feedback" / "ada" / "twins" / "p1.html"

    def made() -> list[str]:
        """Return whose pages are made now."""
        before = {path: path.stat().st_mtime_ns for path in course.root.glob("feedback/*/*/*")}
        course.nbgrader("generate_feedback", "twins")
        return sorted({path.parent.parent.name for path in before if _time(path) != before[path]})

    def _time(path: Path) -> int:
        return path.stat().st_mtime_ns

    assert made() == []
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("p1", "twins", "ada")
        notebook.comments[0].manual_comment = "Look at the sign."
        gradebook.db.commit()
    assert made() == ["ada"]
    assert "Look at the sign." in page.read_text()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("p1", "twins", "bob")
        notebook.grades[0].extra_credit = 1
        gradebook.db.commit()
    assert made() == ["bob"]
    course.nbgrader("autograde", "twins", "--student=ada", "--force")
    page.unlink()
    assert made() == ["ada"]
    assert page.exists()
    assert made() == []
    regraded = page.read_text()
    assert "for what you handed in before" not in regraded, "a regrade is no handing in"
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("ada", first_name="Ada", last_name="<Lovelace>")
    folder = course.root / "submitted" / "ada" / "twins"
    work = json.loads((folder / "p1.ipynb").read_text())
    (cell,) = [cell for cell in work["cells"] if "NotImplementedError" in str(cell["source"])]
    cell["source"] = "def answer(): return 1"
    (folder / "p1.ipynb").write_text(json.dumps(work))
    (folder / "timestamp.txt").write_text("2026-11-02 08:30:00 UTC")
    course.nbgrader("autograde", "twins", "--student=ada", "--force")
    assert made() == ["ada"]
    assert "Ada &lt;Lovelace&gt;, handed in 2026-11-02 08:30 UTC" in page.read_text()
    assert "for what you handed in before" in page.read_text()
