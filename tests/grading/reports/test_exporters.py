"""Tests of the exports to learning platforms and of the late policies, with real gradebooks."""

import csv
import datetime
import re
import shutil
import warnings
from pathlib import Path

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbgrader.api import Gradebook
from nbgrader.plugins.export import CsvExportPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.exc import SAWarning
from traitlets import TraitError
from traitlets.config import Config

from grading.course.commands import run_nbgrader
from grading.reports.exporters import CanvasExporter, GradesExporter, MoodleExporter
from grading.reports.exporters.table import (
    PlatformExporter,
    StudentFileError,
    UnsafeIdentifier,
    safe_text,
)
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT

DUE = datetime.datetime(2026, 3, 1, 12)
STUDENTS = {
    "ada": ("Lovelace, Countess", 'Ada "A."'),
    "li": ("李", "小龙"),
    "evil": ('=HYPERLINK("http://example.org")', "@SUM(A1)"),
    "zero": ("Zero", "Zoe"),
    "absent": ("Absent", "Abe"),
    "ungraded": ("Ungraded", "Uma"),
}
SCORES = {"ada": 3.5, "li": 4.0, "evil": 1.0, "zero": 0.0, "ungraded": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with one test of 4 points; `absent` handed nothing in."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    # nbgrader links a submission to its student before it is in the session, which SQLAlchemy
    # warns of.
    with warnings.catch_warnings(action="ignore", category=SAWarning):
        _fill(f"sqlite:///{path}")
    return path


def _fill(address: str) -> None:
    with Gradebook(address) as gradebook:
        gradebook.add_assignment(ASSIGNMENT, duedate=DUE)
        gradebook.add_notebook("notebook", ASSIGNMENT)
        gradebook.add_grade_cell("test", "notebook", ASSIGNMENT, max_score=4, cell_type="code")
        for student, (last, first) in STUDENTS.items():
            gradebook.add_student(student, last_name=last, first_name=first)
            if student in SCORES:
                gradebook.add_submission(ASSIGNMENT, student, timestamp=DUE)
                grade = gradebook.find_grade("test", "notebook", ASSIGNMENT, student)
                grade.auto_score = SCORES[student]
                grade.needs_manual_grade = False
        gradebook.db.commit()


@pytest.fixture
def url(made: Path, tmp_path: Path) -> str:
    """A copy of the gradebook: making one takes seconds."""
    return f"sqlite:///{shutil.copy(made, tmp_path)}"


def export(url: str, exporter: PlatformExporter) -> list[list[str]]:
    exporter.to = exporter.to or str(Path(url.removeprefix("sqlite:///")).with_name("out.csv"))
    with Gradebook(url) as gradebook:
        exporter.export(gradebook)
    with Path(exporter.to).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_canvas_columns_and_points(url: str) -> None:
    rows = export(url, CanvasExporter(columns={ASSIGNMENT: "Weights, first (1234)"}))
    before = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert rows[0] == [*before, "Weights, first (1234)"]
    assert rows[1] == ["    Points Possible", "", "", "", "", "4"]
    by_login = {row[3]: row for row in rows[2:]}
    assert by_login["ada"] == ['Lovelace, Countess, Ada "A."', "", "", "ada", "", "3.5"]
    assert by_login["li"][0] == "李, 小龙"


def test_moodle_columns(url: str) -> None:
    rows = export(url, MoodleExporter(columns={ASSIGNMENT: "权重"}))
    columns = ["First name", "Last name", "ID number", "Email address"]
    assert rows[0] == [*columns, "Assignment: 权重 (Real)"]
    by_id = {row[2]: row for row in rows[1:]}
    assert by_id["ada"] == ['Ada "A."', "Lovelace, Countess", "ada", "", "3.5"]


@pytest.mark.parametrize("exporter", [CanvasExporter, MoodleExporter])
class TestEveryPlatform:
    def test_a_missing_submission_is_blank_and_zero_is_zero(
        self, url: str, exporter: type[PlatformExporter]
    ) -> None:
        scores: dict[str, str] = {}
        for row in export(url, exporter()):
            scores |= {name: row[-1] for name in STUDENTS if name in row}
        assert scores == {
            "ada": "3.5",
            "li": "4",
            "evil": "1",
            "zero": "0",
            "absent": "",
            "ungraded": "",
        }

    def test_no_cell_starts_a_formula(self, url: str, exporter: type[PlatformExporter]) -> None:
        cells = [cell for row in export(url, exporter()) for cell in row]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
        assert any(cell.startswith("'=HYPERLINK") for cell in cells)

    def test_an_id_that_starts_a_formula_is_refused(
        self, url: str, exporter: type[PlatformExporter]
    ) -> None:
        with Gradebook(url) as gradebook:
            gradebook.add_student("=1+1")
        with pytest.raises(UnsafeIdentifier, match="students_file"):
            export(url, exporter())

    def test_the_penalty_is_taken_off(self, url: str, exporter: type[PlatformExporter]) -> None:
        with Gradebook(url) as gradebook:
            notebook = gradebook.find_submission_notebook("notebook", ASSIGNMENT, "ada")
            notebook.late_submission_penalty = 1.0
            gradebook.db.commit()
        (row,) = (row for row in export(url, exporter(student=["ada"])) if "ada" in row)
        assert row[-1] == "2.5"


def test_ids_come_from_the_student_file(url: str, tmp_path: Path) -> None:
    path = tmp_path / "students.csv"
    path.write_text("student_id,ID,Section\nada,77,Monday\nli,78,Tuesday\n", encoding="utf-8-sig")
    rows = export(url, CanvasExporter(students_file=str(path)))
    assert [row[1:5] for row in rows[2:]] == [
        ["77", "", "ada", "Monday"],
        ["78", "", "li", "Tuesday"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,ID\nada,77\n", "needed are student_id"),
        ("student_id,Number\nada,77\n", "at least one of"),
        ("student_id,ID\nada,77\nada,78\n", "twice"),
        (None, "cannot be read"),
    ],
)
def test_an_unusable_student_file_is_named(
    url: str, tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "students.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StudentFileError, match=message):
        export(url, CanvasExporter(students_file=str(path)))


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", " =1", "\t=1", "\r\n-1", "＝1"])
def test_formulas_become_text(text: str) -> None:
    assert safe_text(text) == f"'{text.strip()}"


@pytest.mark.parametrize("text", ["a;=1", "a, +1", "a|@x", "a\t=1", "a\n-1 ;=2"])
def test_no_sign_that_parts_cells_begins_a_formula(text: str) -> None:
    assert not re.search(r"(^|[;,|\t\n]) *[=+\-@]", safe_text(text))


def test_ordinary_names_are_as_they_were() -> None:
    for text in ("Lovelace, Countess", "Jean-Luc", "a=b", "x@example.org", "O'Neil", "李"):
        assert safe_text(text) == text


def test_nbgraders_table_is_the_same_but_for_formulas(url: str, tmp_path: Path) -> None:
    ours, theirs = GradesExporter(), CsvExportPlugin()
    ours.to, theirs.to = str(tmp_path / "ours.csv"), str(tmp_path / "theirs.csv")
    id_ = '=HYPERLINK("http://example.org?a","b")'
    with Gradebook(url) as gradebook:
        ours.export(gradebook)
        theirs.export(gradebook)
        lines = Path(theirs.to).read_text().splitlines()
        plain = [line for line in lines if line.split(",")[3] not in ("ada", "evil")]
        assert set(plain) <= set(Path(ours.to).read_text().splitlines())
        gradebook.add_student(id_, last_name="\t=1", first_name="a;=1", email="+1@example.org")
        ours.student = [id_]
        ours.export(gradebook)
    with Path(ours.to).open(newline="") as file:
        header, row = csv.reader(file)
    assert header == lines[0].split(",")
    assert row[3:7] == [f"'{id_}", "'=1", "a;'=1", "'+1@example.org"]


def test_the_courses_settings_name_it(url: str, tmp_path: Path) -> None:
    for name in ("nbgrader_config.py", "nbgrader_config.json"):
        shutil.copy(COURSE_ROOT / name, tmp_path)
    with Gradebook(url) as gradebook:
        gradebook.add_student('=HYPERLINK("http://example.org")')
    run_nbgrader(["export", f"--db={url}"], tmp_path, {"PYTHONPATH": str(COURSE_ROOT)})
    with (tmp_path / "grades.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert '\'=HYPERLINK("http://example.org")' in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_nbgraders_command_finds_the_plugin(url: str, tmp_path: Path) -> None:
    path = tmp_path / "canvas.csv"
    exporter = "--exporter=grading.reports.exporters.CanvasExporter"
    run_nbgrader(["export", exporter, f"--db={url}", f"--to={path}"], tmp_path)
    assert path.read_text(encoding="utf-8").startswith("Student,ID,SIS User ID,SIS Login ID")


@pytest.mark.parametrize(
    ("policy", "hours", "extension", "penalty"),
    [
        ("LatePolicy", 100, 0, None),
        ("PointsPerDay", 0, 0, None),
        ("PointsPerDay", 0.5, 0, None),  # the grace period is one hour
        ("PointsPerDay", 1.5, 0, 1.0),
        ("PointsPerDay", 25, 0, 2.0),
        ("PointsPerDay", 25, 24, None),
        ("PointsPerDay", 26, 24, 1.0),
        ("PointsPerDay", 24 * 30, 0, 3.5),  # no more than there is
        ("CutOff", 1, 0, None),
        ("CutOff", 1.5, 0, 3.5),
        ("CutOff", 30, 30, None),
    ],
)
def test_late_policies(
    url: str, policy: str, hours: float, extension: float, penalty: float | None
) -> None:
    assert penalty_of(url, policy, hours, extension) == penalty


def test_nbgraders_own_policy_counts(url: str) -> None:
    assert penalty_of(url, "LatePolicy", 1.5, method="zero") == 3.5
    assert penalty_of(url, "LatePolicy", 0.5, method="zero") is None


@pytest.mark.parametrize(
    ("deadline", "hours", "penalty"),
    [
        # Saturday 23:59 in Berlin; the clocks go back in the night, which has 25 hours.
        ("2026-10-24 21:59", 24.51, 1.0),
        ("2026-10-24 21:59", 25.01, 2.0),
        # They go forward: 23 hours.
        ("2026-03-28 22:59", 22.99, 1.0),
        ("2026-03-28 22:59", 23.01, 2.0),
    ],
)
def test_days_are_those_of_the_clocks(
    url: str, deadline: str, hours: float, penalty: float
) -> None:
    due = datetime.datetime.fromisoformat(deadline)
    with Gradebook(url) as gradebook:
        gradebook.find_assignment(ASSIGNMENT).duedate = due
        gradebook.db.commit()
    zone = Config()
    zone.PointsPerDay.time_zone = "Europe/Berlin"
    assert penalty_of(url, "PointsPerDay", hours, due=due, settings=zone) == penalty
    exchange = Config()
    exchange.Exchange.timezone = "Europe/Berlin"
    assert penalty_of(url, "PointsPerDay", hours, due=due, settings=exchange) == penalty


def test_an_unknown_time_zone_is_named(url: str) -> None:
    settings = Config()
    settings.PointsPerDay.time_zone = "Berlin"
    with pytest.raises(TraitError, match="'Berlin'; expected the name of a time zone"):
        penalty_of(url, "PointsPerDay", 30, settings=settings)


def penalty_of(
    url: str,
    policy: str,
    hours: float,
    extension: float = 0,
    method: str = "none",
    *,
    due: datetime.datetime = DUE,
    settings: Config | None = None,
) -> float | None:
    with Gradebook(url) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "ada")
        submission.timestamp = due + datetime.timedelta(hours=hours)
        if extension:
            gradebook.grant_extension(ASSIGNMENT, "ada", hours=extension)
        gradebook.db.commit()
    config = Config(settings or {})
    config.AssignLatePenalties.plugin_class = f"grading.recording.late_policies.{policy}"
    config.LatePolicy.grace_minutes = 60
    config.LateSubmissionPlugin.penalty_method = method
    names = {"notebook": "notebook", "assignment": ASSIGNMENT, "student": "ada", "db_url": url}
    resources = ResourcesDict()
    resources["nbgrader"] = names
    AssignLatePenalties(config=config).preprocess(v4.new_notebook(), resources)
    with Gradebook(url) as gradebook:
        notebook = gradebook.find_submission_notebook("notebook", ASSIGNMENT, "ada")
        penalty: float | None = notebook.late_submission_penalty
        return penalty
