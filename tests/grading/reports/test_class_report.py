"""Tests of the class report: right numbers, nobody's name in an example, the same every time."""

import csv
import dataclasses
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook

from grading.assignment import Assignments
from grading.judging.stored_verdicts import KEY
from grading.recording import audit
from grading.reports.class_report import ClassReport, NothingToReport, read_class
from grading.reports.report_page import write_page
from grading.reports.report_tables import write_class, write_students
from tests.scratch_course import COURSE_ROOT

# nbgrader adds a submission before it belongs to the session, which SQLAlchemy remarks on.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

ASSIGNMENT = "ps1"
SOLUTION = """
# by {student} <script>alert(1)</script>
def weights_init_normal(m):
    '''Written by {student}.'''
    if isinstance(m, nn.Linear):
        m.weight.data.normal_(0, 1 / m.in_features)  # {student}
"""


def _cell(grade_id: str, **marks: object) -> dict:
    marks = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, **marks}
    return {"nbgrader": {"schema_version": 3, "task": False, **marks}}


def _graded_notebook(student: str, mistake: str) -> nbformat.NotebookNode:
    verdict = {
        "criterion": "test_normal_std",
        "outcome": "incorrect" if mistake else "correct",
        "passed": not mistake,
        "finding": "The deviation is <b>wrong</b>.",
        "mistake": mistake,
        "explanation": "1/n is the variance.",
        "hint": "",
    }
    return new_notebook(
        cells=[
            new_code_cell(
                SOLUTION.format(student=student),
                metadata=_cell("weights_init_normal", solution=True),
            ),
            new_code_cell(
                "check()",
                metadata=_cell("test_normal_std", grade=True, locked=True, points=4)
                | {KEY: verdict},
            ),
            new_markdown_cell(
                "An answer.", metadata=_cell("reflection", grade=True, solution=True, points=3)
            ),
        ]
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with six students: two wrong, one right, one late, one flagged, one missing."""
    tmp_path = tmp_path_factory.mktemp("course")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        gradebook.add_assignment(ASSIGNMENT, duedate="2026-01-01 00:00:00 UTC")
        gradebook.add_notebook(ASSIGNMENT, ASSIGNMENT)
        for name, points, kind in (("test_normal_std", 4, "code"), ("reflection", 3, "markdown")):
            gradebook.add_grade_cell(name, ASSIGNMENT, ASSIGNMENT, max_score=points, cell_type=kind)
        for student in ("ada", "bob", "cyn", "dan", "eve", "fay"):
            gradebook.add_student(student)
        for student, score, written in (
            ("ada", 4, 3),
            ("bob", 0, 1),
            ("cyn", 0, None),
            ("dan", 4, 2),
            ("eve", 0, 0),
        ):
            day = 3 if student == "dan" else 1
            submission = gradebook.add_submission(
                ASSIGNMENT,
                student,
                timestamp=datetime(2026, 1, day, tzinfo=UTC).replace(tzinfo=None),
            )
            [notebook] = submission.notebooks
            for grade in notebook.grades:
                if grade.name == "test_normal_std":
                    grade.auto_score = score
                else:
                    grade.manual_score = written
                    grade.needs_manual_grade = written is None
            gradebook.db.commit()
            folder = tmp_path / "autograded" / student / ASSIGNMENT
            folder.mkdir(parents=True)
            mistake = "variance_for_deviation" if student in ("bob", "cyn") else ""
            nbformat.write(_graded_notebook(student, mistake), folder / f"{ASSIGNMENT}.ipynb")
            entry = {
                "student": student,
                "assignment": ASSIGNMENT,
                "notebook": ASSIGNMENT,
                "submission": "a digest",
                "seed": "7",
                "seconds": 2.5,
                "flagged": student == "eve",
                "remarks": ["A limit struck: memory."] if student == "eve" else [],
            }
            audit.append(tmp_path / audit.FILE, entry)
            if student == "ada":
                audit.append(tmp_path / audit.FILE, entry | {"submission": "another"})
            handed_in = tmp_path / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
            handed_in.parent.mkdir(parents=True)
            handed_in.touch()
    return tmp_path


def _read(course: Path) -> ClassReport:
    module = Assignments(modules={ASSIGNMENT: "grader_tests.assignment"}).of(ASSIGNMENT)
    return read_class(course, f"sqlite:///{course}/gradebook.db", ASSIGNMENT, module, "en")


def test_what_is_read(course: Path) -> None:
    report = _read(course)
    assert report.maximum == 7
    assert report.cells == {"test_normal_std": 4, "reflection": 3}
    assert report.scores == [0, 0, 1, 6, 7]
    assert report.missing == ["fay"]
    item = report.item("test_normal_std")
    assert (item.full, item.graded, item.difficulty) == (2, 5, 0.4)
    # The points 4, 0, 0, 4, 0 beside 3, 1, 0, 2, 0 of the other part.
    assert item.discrimination == pytest.approx(10.4 / (19.2 * 6.8) ** 0.5)
    assert (report.item("reflection").full, report.item("reflection").graded) == (1, 4)
    [misconception] = report.misconceptions
    assert (misconception.mistake, misconception.kind) == ("variance_for_deviation", "mistake")
    assert misconception.students == ("bob", "cyn")
    assert misconception.criteria == {"test_normal_std": 2}
    of_student = {item.student: item for item in report.participants}
    assert of_student["cyn"].waiting == ("reflection",)
    assert of_student["dan"].seconds_late == 2 * 86400
    assert of_student["eve"].flagged == ("A limit struck: memory.",)


def test_examples_have_no_name(course: Path) -> None:
    [misconception] = _read(course).misconceptions
    assert "m.weight.data.normal_(0, 1 / m.in_features)" in misconception.example
    assert not re.search("bob|cyn", misconception.example)


def test_example_that_names_somebody_is_passed_over(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    for student, own in (("bob", "bobs = 'by Bob'"), ("cyn", "std = 1 / m.in_features ** 1.0")):
        path = course / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        nb = nbformat.read(path, as_version=4)
        nb.cells[0].source = f"def weights_init_normal(m):\n    {own}"
        nbformat.write(nb, path)
    [misconception] = _read(course).misconceptions
    assert "m.in_features ** 1.0" in misconception.example


def test_one_students_work_does_not_end_it(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    path = course / "autograded" / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].source = f"def weights_init_normal(m):\n    return {' + '.join(['1'] * 1000)}"
    nbformat.write(nb, path)
    broken = course / "autograded" / "ada" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    broken.write_text('{"cells": [' + "[" * 2000)
    report = _read(course)
    [misconception] = report.misconceptions
    assert misconception.students == ("bob", "cyn")
    flagged = {item.student: item.flagged for item in report.participants}
    assert flagged["ada"] == ("The graded notebook cannot be read.",)
    write_page(report, tmp_path / "report.html")


def test_the_page(course: Path) -> None:
    page = course / "report.html"
    write_page(_read(course), page)
    text = page.read_text(encoding="utf-8")
    shown = re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", text))
    assert "The variance 1/n for the deviation 2 students bob submission , cyn submission" in shown
    assert "To say in class: Variances of independent terms add up, deviations do not" in shown
    assert "answer to grade: reflection cyn submission" in shown
    assert "python -m grading desk ps1" in shown
    assert "handed in late dan (2.0 days)" in shown
    assert "flagged: A limit struck: memory. eve" in shown
    assert "Nothing handed in: 1 student fay" in shown
    assert "Figures are of the 5 that were graded. Written answers that wait for a person" in shown
    # Criteria go by what a person calls them, in the table and beside a misconception.
    assert "Standard deviation: 1/√n 4 40% (2 of 5) 0.40 0.91" in shown
    assert "Costs points in: Standard deviation: 1/√n (2)." in shown
    # From the folder of reports to what was handed in.
    assert 'href="submitted/cyn/ps1/ps1.ipynb"' in text
    assert "Attempts: 6, at most 2 by one student; who handed in more than once: 1." in shown
    # It fetches nothing, runs nothing, and shows what students wrote as text.
    assert not re.search(r"<script|<link|<img|https?:|url\(", text)
    again = course / "again.html"
    write_page(_read(course), again)
    assert again.read_bytes() == page.read_bytes()


def test_the_page_in_another_language(course: Path) -> None:
    page = course / "chinese.html"
    write_page(dataclasses.replace(_read(course), language="zh"), page)
    text = page.read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text
    assert "没有提交：1 名学生</summary><p>fay" in text
    assert "待批阅的回答：reflection" in text


def test_an_assignment_that_nbgrader_judges_has_a_report(course: Path, tmp_path: Path) -> None:
    report = read_class(course, f"sqlite:///{course}/gradebook.db", ASSIGNMENT, None, "en")
    write_page(report, tmp_path / "report.html")
    assert '<td>test_normal_std</td><td class="number">4</td>' in (
        tmp_path / "report.html"
    ).read_text("utf-8")


def test_the_table_says_the_same(course: Path) -> None:
    path = course / "report.csv"
    write_class(_read(course), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = {(row["section"], row["item"]): row for row in csv.DictReader(file)}
    assert rows["full points", "test_normal_std"]["count"] == "2"
    assert rows["misconception", "variance_for_deviation"]["count"] == "2"
    assert rows["for a person", "eve"]["detail"] == "flagged: A limit struck: memory."
    assert ("nothing handed in", "fay") in rows
    assert rows["time", "seconds of running notebooks"]["count"] == "12.5"
    counts = [int(row["count"]) for (section, _), row in rows.items() if section == "distribution"]
    assert sum(counts) == 5


def test_a_row_for_each_student(course: Path) -> None:
    path = course / "students.csv"
    write_students(_read(course), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["ada", "bob", "cyn", "dan", "eve"]
    assert [rows["ada"][key] for key in ("score", "of", "attempts")] == ["7", "7", "2"]
    assert [rows["cyn"][key] for key in ("test_normal_std", "reflection")] == ["0", ""]
    assert rows["cyn"]["causes"] == "variance_for_deviation"
    assert rows["dan"]["hours late"] == "48.0"
    assert rows["eve"]["for a person"] == "flagged: A limit struck: memory."


def test_a_cell_that_stopped_is_among_the_causes(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    path = course / "autograded" / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].outputs = [new_output("error", ename="SyntaxError", evalue="", traceback=[])]
    nb.cells[1].metadata[KEY]["mistake"] = ""
    nbformat.write(nb, path)
    report = _read(course)
    assert [(item.mistake, item.kind, item.students) for item in report.misconceptions] == [
        ("SyntaxError", "error", ("bob",)),
        ("variance_for_deviation", "mistake", ("cyn",)),
    ]
    write_page(report, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The exercise&#39;s cell stopped with SyntaxError" in text


def test_who_handed_in_another_edition_is_not_missing(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.add_assignment("ps1_zh")
        for student in ("ada", "fay"):
            gradebook.add_submission("ps1_zh", student)
    module = Assignments(modules={ASSIGNMENT: "grader_tests.assignment"}).of(ASSIGNMENT)
    address = f"sqlite:///{course}/gradebook.db"
    report = read_class(course, address, ASSIGNMENT, module, "en", ["ps1_zh", "not there"])
    assert (report.missing, report.elsewhere) == ([], {"ps1_zh": ["fay"]})
    write_page(report, tmp_path / "report.html")
    told = "Students who handed in ps1_zh and not this one: 1."
    assert told in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_no_cell_starts_a_formula(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.add_student("=HYPERLINK(1)")
    path = course / "report.csv"
    write_class(_read(course), path)
    assert '"nothing handed in","=' not in path.read_text(encoding="utf-8")
    assert "nothing handed in,'=HYPERLINK(1)" in path.read_text(encoding="utf-8")


def test_an_unknown_assignment(course: Path) -> None:
    with pytest.raises(NothingToReport, match="'ps2'; it has: ps1"):
        read_class(course, f"sqlite:///{course}/gradebook.db", "ps2", None, "en")


def _run(course: Path, assignment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grading", "report", assignment],
        cwd=course,
        env={"PATH": "/usr/bin", "HOME": str(course), "PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command(course: Path) -> None:
    done = _run(course, ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "reports/ps1.html, ps1.csv and ps1_students.csv: 5 submissions.\n"
    assert (course / "reports" / "ps1.html").is_file()
    done = _run(course, "none")
    assert done.returncode == 1
    assert done.stderr == "The gradebook has no assignment 'none'; it has: ps1.\n"
