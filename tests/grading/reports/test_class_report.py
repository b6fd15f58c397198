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
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from grading.assignment import Assignments
from grading.judging.stored_verdicts import KEY
from grading.recording import audit
from grading.reports.class_report import ClassReport, NothingToReport, read_class
from grading.reports.report_page import write_page, write_table
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
                "seconds": 2.5,
                "flagged": student == "eve",
                "remarks": ["A limit struck: memory."] if student == "eve" else [],
            }
            audit.append(tmp_path / audit.FILE, entry)
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
    assert report.passed("test_normal_std") == (2, 5)
    assert report.passed("reflection") == (1, 4)
    [misconception] = report.misconceptions
    assert (misconception.mistake, misconception.students) == ("variance_for_deviation", 2)
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
    assert misconception.students == 2
    flagged = {item.student: item.flagged for item in report.participants}
    assert flagged["ada"] == ("The graded notebook cannot be read.",)
    write_page(report, tmp_path / "report.html")


def test_the_page(course: Path) -> None:
    page = course / "report.html"
    write_page(_read(course), page)
    text = page.read_text(encoding="utf-8")
    assert "variance for deviation: 2 students" in text
    assert "<td>cyn</td><td>answers to grade: reflection</td>" in text
    assert "<td>dan</td><td>2.0 days late</td>" in text
    assert "flagged: A limit struck: memory." in text
    assert "Nothing handed in: fay." in text
    assert "40% (2 of 5)" in text
    # Criteria go by what a person calls them, in the table and beside a misconception.
    assert "<td>Standard deviation: 1/√n</td><td>4</td>" in text
    assert "Seen in: Standard deviation: 1/√n (2)." in text
    # It fetches nothing, runs nothing, and shows what students wrote as text.
    assert not re.search(r"<script|<link|<img|https?:|url\(", text)
    again = course / "again.html"
    write_page(_read(course), again)
    assert again.read_bytes() == page.read_bytes()


def test_the_page_in_another_language(course: Path) -> None:
    page = course / "chinese.html"
    write_page(dataclasses.replace(_read(course), language="zh"), page)
    text = page.read_text(encoding="utf-8")
    assert '<html lang="zh">' in text
    assert "没有提交：fay。" in text
    assert "待批阅的回答：reflection" in text


def test_an_assignment_that_nbgrader_judges_has_a_report(course: Path, tmp_path: Path) -> None:
    report = read_class(course, f"sqlite:///{course}/gradebook.db", ASSIGNMENT, None, "en")
    write_page(report, tmp_path / "report.html")
    assert "<td>test_normal_std</td><td>4</td>" in (tmp_path / "report.html").read_text("utf-8")


def test_the_table_says_the_same(course: Path) -> None:
    path = course / "report.csv"
    write_table(_read(course), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = {(row["section"], row["item"]): row for row in csv.DictReader(file)}
    assert rows["full points", "test_normal_std"]["count"] == "2"
    assert rows["misconception", "variance_for_deviation"]["count"] == "2"
    assert rows["for a person", "eve"]["detail"] == "flagged: A limit struck: memory."
    assert ("nothing handed in", "fay") in rows
    assert rows["time", "seconds of running notebooks"]["count"] == "12.5"
    counts = [int(row["count"]) for (section, _), row in rows.items() if section == "distribution"]
    assert sum(counts) == 5


def test_no_cell_starts_a_formula(course: Path, tmp_path: Path) -> None:
    course = shutil.copytree(course, tmp_path / "copy")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.add_student("=HYPERLINK(1)")
    path = course / "report.csv"
    write_table(_read(course), path)
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
    assert done.stdout == "reports/ps1.html and ps1.csv: 5 submissions.\n"
    assert (course / "reports" / "ps1.html").is_file()
    done = _run(course, "none")
    assert done.returncode == 1
    assert done.stderr == "The gradebook has no assignment 'none'; it has: ps1.\n"
