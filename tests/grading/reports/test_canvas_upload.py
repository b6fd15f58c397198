"""Tests that Canvas gets scores and pages, once, and only from who is allowed to."""

import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy.exc import SAWarning

from grading.reports.canvas_upload import NotUploaded, main
from tests.grading.reports.canvas_server import TOKEN, Canvas, canvas

USERS = [
    {"id": 7, "name": "Ada", "login_id": "ada", "sis_user_id": "S1"},
    {"id": 8, "name": "Bob", "login_id": "bob", "sis_user_id": "S2"},
    {"id": 9, "name": "Cleo", "login_id": "cleo", "sis_user_id": "S3"},
]
SCORES = {"ada": 3.5, "bob": 0.0, "waits": 1.0, "cleo": None, "unknown": 2.0}
SETTINGS = """
c = get_config()
c.CanvasUpload.address = {address!r}
c.CanvasUpload.course = 12
c.CanvasUpload.assignments = {{"ps1": 34}}
"""


@dataclass
class Course:
    root: Path
    canvas: Canvas
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def command(self, *options: str, token: str = TOKEN) -> tuple[str, str]:
        """Return what is printed and logged; raise as the command does."""
        self.monkeypatch.setenv("CANVAS_TOKEN", token)
        try:
            assert main(["ps1", *options]) == 0
        finally:
            printed = self.capsys.readouterr()
            assert TOKEN not in printed.out + printed.err
        return printed

    def scores(self) -> dict[int, float | None]:
        return {number: each["score"] for number, each in self.canvas.submissions.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graded")
    # nbgrader links a submission to its student before it is in the session.
    with warnings.catch_warnings(action="ignore", category=SAWarning):
        _fill(folder)
    return folder


@pytest.fixture
def course(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Course]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    with canvas(USERS, 4.0) as server:
        (tmp_path / "nbgrader_config.py").write_text(SETTINGS.format(address=server.address))
        yield Course(tmp_path, server, monkeypatch, capsys)


def _fill(root: Path) -> None:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_notebook("n", "ps1")
        gradebook.add_grade_cell("test", "n", "ps1", max_score=4, cell_type="code")
        for student, score in SCORES.items():
            gradebook.add_student(student)
            gradebook.add_submission("ps1", student)
            grade = gradebook.find_grade("test", "n", "ps1", student)
            grade.auto_score, grade.needs_manual_grade = score, student == "waits"
            folder = root / "feedback" / student / "ps1"
            folder.mkdir(parents=True)
            (folder / "n.html").write_text(f"<p>For {student} alone</p>")
        gradebook.db.commit()


def test_it_is_said_before_done_and_done_once(course: Course) -> None:
    printed, errors = course.command("--dry-run")
    assert "ada: score 3.5, n-" in printed
    assert "bob: score 0, n-" in printed
    assert "2 would be changed; nothing was" in printed
    assert "no student of this id: unknown" in errors
    assert "until a person has graded it: waits" in errors
    assert course.canvas.writes == []

    assert "2 changed" in course.command()[0]
    assert course.scores() == {7: 3.5, 8: 0.0, 9: None}
    contents = {content for _, content in course.canvas.files.values()}
    assert contents == {b"<p>For ada alone</p>", b"<p>For bob alone</p>"}
    # The page first: a score has its reasons beside it.
    assert [write.split()[0] for write in course.canvas.writes[:2]] == [
        "file",
        "['comment[file_ids][]']",
    ]
    course.canvas.writes.clear()
    assert "0 changed" in course.command()[0]
    assert course.canvas.writes == []

    (course.root / "feedback/ada/ps1/n.html").write_text("<p>graded again</p>")
    assert "1 changed" in course.command()[0]
    assert len(course.canvas.submissions[7]["submission_comments"]) == 2


def test_it_goes_on_after_a_breakdown(course: Course) -> None:
    course.canvas.refuse = "/submissions/8"
    with pytest.raises(NotUploaded, match="Changed: 1"):
        course.command()
    course.canvas.refuse = ""
    assert "1 changed" in course.command()[0]
    assert course.scores() == {7: 3.5, 8: 0.0, 9: None}


def test_students_are_found_by_the_student_file(course: Course) -> None:
    (course.root / "students.csv").write_text("student_id,SIS User ID\nunknown,S3\n")
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write("c.CanvasExporter.students_file = 'students.csv'\n")
    assert "1 changed" in course.command()[0]
    assert course.scores() == {7: None, 8: None, 9: 2.0}


def test_other_points_in_canvas_are_refused(course: Course) -> None:
    course.canvas.points = 100.0
    with pytest.raises(NotUploaded, match=r"has 4 points, and in Canvas 100\.0"):
        course.command()
    assert course.canvas.writes == []


def test_the_token_is_private(course: Course) -> None:
    with pytest.raises(NotUploaded, match="There is no access token"):
        course.command(token="")
    file = course.root / ".canvas_token"
    file.write_text(TOKEN)
    file.chmod(0o640)
    with pytest.raises(NotUploaded, match=f"chmod 600 {file}"):
        course.command(token="")
    file.chmod(0o600)
    assert "2 would be changed" in course.command("--dry-run", token="")[0]
    with pytest.raises(NotUploaded, match="Canvas refused: InvalidAccessToken"):
        course.command(token="another")


def test_the_token_is_sent_over_https_alone(course: Course) -> None:
    address = SETTINGS.format(address="http://canvas.example.edu")
    (course.root / "nbgrader_config.py").write_text(address)
    with pytest.raises(NotUploaded, match="https://"):
        course.command()
