"""Tests of the demonstration: its students, its table, and a run with three of them."""

import fcntl
import json
from pathlib import Path

import pytest

from grader_tests.assignment import DEMO_STUDENTS
from grading.demo.demo import main
from grading.demo.students import CannotAnswer, Student, read_students, write_answers
from grading.demo.table import Result, render
from tests.scratch_course import cells_by_grade_id, read_notebook

STUB = 'def weights_init_normal(m):\n    """Draw."""\n    # Write your code here.'
NAMES = ("layers", "mean", "std", "shape", "bias")

STUDENTS = read_students(DEMO_STUDENTS)


def student(name: str) -> Student:
    (found,) = [student for student in STUDENTS if student.name == name]
    return found


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook with the four cells that a student of the demonstration may fill in."""
    cells = [
        {
            "cell_type": "code" if source else "markdown",
            "metadata": {"nbgrader": {"grade_id": grade_id}},
            "source": source,
        }
        for grade_id, source in (
            ("weights_init_normal", STUB),
            ("default_model", "# Write your code here."),
            ("default_comparison", "# Write your code here."),
            ("reflection_results", ""),
            ("reflection_choice", ""),
        )
    ]
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


class TestAnswers:
    def test_body_replaces_the_stub_at_its_indentation(self, notebook: Path) -> None:
        write_answers(notebook, Student("x", "", {"weights_init_normal": "if m:\n    pass"}))
        source = cells_by_grade_id(read_notebook(notebook))["weights_init_normal"]["source"]
        assert source == STUB.replace("    # Write your code here.", "    if m:\n        pass")

    @pytest.mark.parametrize("one", STUDENTS, ids=lambda one: one.name)
    def test_every_students_cells_are_there_and_say_what_the_story_says(
        self, one: Student, notebook: Path
    ) -> None:
        write_answers(notebook, one)
        if one.damaged:
            with pytest.raises(json.JSONDecodeError):
                read_notebook(notebook)
            return
        source = cells_by_grade_id(read_notebook(notebook))["weights_init_normal"]["source"]
        if one.story == "syntax error":
            with pytest.raises(SyntaxError):
                compile(source, one.name, "exec")
        else:
            compile(source, one.name, "exec")

    def test_missing_cell_and_missing_stub_are_reported(self, notebook: Path) -> None:
        with pytest.raises(CannotAnswer, match="no cell nowhere"):
            write_answers(notebook, Student("x", "", cells={"nowhere": "1"}))
        write_answers(notebook, student("ada"))
        with pytest.raises(CannotAnswer, match="0 were found"):
            write_answers(notebook, student("ada"))

    def test_names_are_unique(self) -> None:
        assert len({one.name for one in STUDENTS}) == len(STUDENTS) >= 10


def test_table_shows_scores_verdicts_and_remarks() -> None:
    maximum = {f"test_normal_{name}": 2.0 for name in NAMES}
    results = [
        Result(student("ada"), dict(maximum), maximum, "correct", "", ()),
        Result(student("lise"), dict.fromkeys(maximum, 0.5), maximum, "incorrect", "why", ()),
        Result(student("kurt"), dict.fromkeys(maximum), maximum, "not graded", "", ("broken",)),
    ]
    lines = render(results).splitlines()
    assert lines[0].split() == ["student", *NAMES, "total", "verdict", "remarks"]
    assert lines[1].split() == ["/2"] * 5 + ["/10"]
    assert ["ada", *["2"] * 5, "10", "correct"] in [line.split() for line in lines]
    assert ["lise", *["0.5"] * 5, "2.5", "incorrect"] in [line.split() for line in lines]
    assert ["kurt", *["-"] * 6, "not", "graded", "broken"] in [line.split() for line in lines]
    assert "why" in [line.strip() for line in lines]


def test_unknown_student_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--students", "ada,nobody"])
    assert end.value.code == 2
    assert "no such student: nobody" in capsys.readouterr().err


def test_failure_shows_the_end_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path / "nowhere"))
    folder = tmp_path / "demo"
    assert main(["--students", "ada", "--folder", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "FASHION_MNIST names" in error
    assert f"The end of {folder / 'demo.log'}" in error


def test_two_demonstrations_do_not_share_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "kept").touch()
    with (tmp_path / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["--students", "ada", "--folder", str(folder)]) == 1
    assert "Another demonstration is running" in capsys.readouterr().err
    assert (folder / "kept").exists()


@pytest.mark.slow
def test_demo_with_four_students(
    tmp_path: Path,
    any_data: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FASHION_MNIST", any_data)
    folder = tmp_path / "a demo"
    assert main(["--students", "katherine,blaise,kurt,sophie", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    scores = ["2", "2", "4", "2", "2", "4", "4", "20"]
    assert rows["katherine"] == ["katherine", *scores, "correct", "late"]
    assert rows["blaise"] == ["blaise", *["0"] * 8, "not", "attempted"]
    assert rows["sophie"][1:] == [
        *["2", "2", "4", "2", "2", "0", "0", "12", "incomplete"],
        *["not", "attempted:", "model,", "comparison"],
    ]
    looked_at = ["flagged", "a", "person", "should", "look", "at", "it"]
    assert rows["kurt"] == ["kurt", *["0"] * 8, *looked_at]
    assert "layers: weight_initialization.ipynb is damaged" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("Feedback page to open:")]
    page = Path(line.split(": ", 1)[1]).resolve()
    assert page.is_relative_to(folder / "students" / "sophie")
    assert "12 of 26 points" in page.read_text(encoding="utf-8")
    (line,) = [line for line in shown.splitlines() if line.startswith("Class report to open:")]
    assert "katherine" in Path(line.split(":", 1)[1].strip()).read_text(encoding="utf-8")
    grades = (folder / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert len(grades) == 1 + 4
    # The log lines of nbgrader go to the file, not to the screen.
    assert "INFO" not in shown
    assert "INFO" in (folder / "demo.log").read_text(encoding="utf-8")
