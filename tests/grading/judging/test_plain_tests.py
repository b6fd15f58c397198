"""Tests of tests that nbgrader scores by itself: points only where one ran to its end."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from grading.judging.judge import Judge
from grading.running import sandboxed_execute
from grading.running.sandboxed_execute import SandboxedExecute
from grading.sandbox import SandboxUnavailable
from grading.submission import Remarks, Submission, remark
from tests.grading.judging.test_judge import error_output
from tests.ordinary_course import RIGHT, TEST, WRONG, OrdinaryCourse, cell_metadata
from tests.sandboxes import has_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT
from tests.steps import resources_of, resources_with

PART = "5.0 if answer() == 42 else 2.0"


def result_output(text: object) -> NotebookNode:
    return v4.new_output("execute_result", data={"text/plain": text}, execution_count=1)


def one_test(source: str, *outputs: NotebookNode) -> NotebookNode:
    return v4.new_code_cell(source, metadata=cell_metadata("test_answer", 5), outputs=[*outputs])


def scored(nb: NotebookNode, resources: ResourcesDict) -> tuple[float, list[str], str]:
    """Judge a notebook; return its last cell's score, what a person should see, and the error."""
    nb, resources = Judge().preprocess(nb, resources)
    errors = [out.evalue for out in nb.cells[-1].outputs if out.output_type == "error"]
    score, _ = determine_grade(nb.cells[-1])
    assert score is not None
    return score, Submission.of(resources).problems, " ".join(errors)


class TestOutputs:
    """What becomes of the outputs of a test that got a certain reply."""

    def score(
        self, status: str | None, *outputs: NotebookNode, **run: Any
    ) -> tuple[float, list[str], str]:
        unreadable = run.pop("unreadable", None)
        resources = resources_of(**{"statuses": {0: status}, **run})
        Submission.of(resources).remarks = Remarks(unreadable=unreadable)
        nb = v4.new_notebook(cells=[one_test(PART, *outputs)])
        return scored(nb, resources)

    def test_a_part_after_a_magic_of_ipythons(self) -> None:
        nb = v4.new_notebook(cells=[one_test(f"%time answer()\n{PART}", result_output("2.0"))])
        resources = resources_of(statuses={0: "ok"})
        assert scored(nb, resources) == (2, [], "")

    @pytest.mark.parametrize("shown", ["nan", "1", "7"])
    @pytest.mark.parametrize("source", [TEST, "right = answer() == 42\nassert right\npoints = 3"])
    def test_of_a_test_that_gives_no_part(self, source: str, shown: str) -> None:
        # Student code displayed it, or had IPython display what is assigned last.
        nb = v4.new_notebook(cells=[one_test(source, result_output(shown))])
        resources = resources_of(statuses={0: "ok"})
        assert scored(nb, resources) == (5, [], "")

    @pytest.mark.parametrize(
        ("outputs", "expected"),
        [
            ([], 5),
            ([result_output("2.5")], 2.5),
            ([result_output("0")], 0),
            ([result_output("5")], 5),
            # No numbers; nbgrader alone ends with a KeyError at the last two.
            ([result_output("<Figure>")], 5),
            ([result_output(["1", "\n2"])], 5),
            ([result_output("")], 5),
            ([v4.new_output("execute_result", data={"text/html": "<b>2</b>"})], 5),
            # Student code showed something before the test's own result.
            ([result_output("5"), result_output("1")], 1),
            ([result_output("nan"), result_output("1")], 1),
            ([v4.new_output("stream", name="stderr", text="a warning")], 5),
            ([v4.new_output("stream", name="stderr", text="a"), result_output("2")], 2),
            ([error_output("AssertionError", "")], 0),
        ],
    )
    def test_of_a_test_that_ran(self, outputs: list[NotebookNode], expected: float) -> None:
        score, problems, _ = self.score("ok", *outputs)
        assert (score, problems) == (expected, [])

    @pytest.mark.parametrize("number", ["nan", "inf", "-inf", "-1", "5.5", "1e999"])
    def test_no_number_of_points_has_none_and_is_flagged(self, number: str) -> None:
        score, problems, error = self.score("ok", result_output(number))
        assert score == 0
        assert "a number from 0 to 5" in error
        assert len(problems) == 1
        assert "test_answer" in problems[0]

    @pytest.mark.parametrize("status", ["error", "aborted"])
    @pytest.mark.parametrize("shown", [[], [result_output("5")], [result_output("nan")]])
    def test_a_failure_that_is_not_shown(self, status: str, shown: list[NotebookNode]) -> None:
        score, problems, error = self.score(status, *shown)
        assert (score, problems) == (0, [])
        assert "kept from being shown" in error

    @pytest.mark.parametrize("shown", [[], [result_output("5")]])
    def test_no_reply(self, shown: list[NotebookNode]) -> None:
        score, problems, error = self.score(None, *shown)
        assert (score, error) == (0, "The test did not run.")
        assert problems == ["The test test_answer did not run."]

    @pytest.mark.parametrize(
        ("run", "said"),
        [
            ({"unreadable": remark("no_cells", name="answer.ipynb")}, "no list of cells"),
            ({"died": 0}, "process ended while this test"),
            ({"limit": "memory", "limit_cell": 0}, "more memory"),
            ({"limit": "cell time", "limit_cell": 0}, "longer than one cell may"),
        ],
    )
    def test_a_run_cut_short_says_why(self, run: dict[str, Any], said: str) -> None:
        for status in (None, "error"):
            # Record flags a run that was cut short.
            score, problems, error = self.score(status, **run)
            assert (score, problems) == (0, [])
            assert said in error

    def test_other_cells_stay_as_they_are(self) -> None:
        manual = v4.new_code_cell("draw()", metadata=cell_metadata("drawing", 3))
        manual.metadata.nbgrader["solution"] = True
        text = v4.new_markdown_cell("words", metadata=cell_metadata("words", 3))
        nb = v4.new_notebook(cells=[manual, text, v4.new_code_cell("1", outputs=[])])
        resources = resources_of()
        nb, resources = Judge().preprocess(nb, resources)
        assert manual.outputs == nb.cells[2].outputs == []
        assert Submission.of(resources).problems == []


SHOWS_NOTHING = "get_ipython().showtraceback = lambda *a, **k: None"
HANDLER = "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)"
SHOWS_FIVE = "import sys\ndef answer(): sys.displayhook(5.0)"

# What an exercise's cell holds, what its test has of 5 points, and a word on why.
EXERCISES = {
    "right": (RIGHT, 5, ""),
    "wrong": (WRONG, 0, ""),
    "empty": ("", 0, "answer"),
    "error in the exercise": (f"{RIGHT}\nraise KeyError", 5, ""),
    "exit in the exercise": (f"{RIGHT}\nimport sys; sys.exit(0)", 5, ""),
    "exit in the test": ("import sys\ndef answer(): sys.exit(0)", 0, ""),
    "interrupt in the test": ("def answer(): raise KeyboardInterrupt", 0, ""),
    "error without a traceback": (f"{WRONG}\n{SHOWS_NOTHING}", 0, "kept from being shown"),
    "error for a handler": (f"{WRONG}\n{HANDLER}", 0, "kept from being shown"),
    "result before the error": (SHOWS_FIVE, 0, ""),
    "warning": ("import warnings\ndef answer():\n  warnings.warn('old')\n  return 42", 5, ""),
    "too long": ("def answer():\n  while True: pass", 0, "longer than one cell may|too long"),
    "dead kernel": ("import os; os._exit(0)", 0, "process ended"),
    "dead in the test": ("import os\ndef answer(): os._exit(0)", 0, "process ended"),
}


@pytest.fixture
def submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a submission."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_run(
    submission: Path, exercise: str, sandboxed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sandboxed and not has_sandbox():
        pytest.skip("needs bubblewrap")
    if not sandboxed:
        monkeypatch.setattr(sandboxed_execute, "check_available", _unavailable)
    source, expected, said = EXERCISES[exercise]
    exercise_cell = v4.new_code_cell(source, metadata=cell_metadata("answer"))
    nb = v4.new_notebook(cells=[exercise_cell, one_test(TEST)])
    names = {"student": "ada", "assignment": "homework", "notebook": "homework"}
    resources = resources_with({"metadata": {"path": str(submission)}, "nbgrader": names})
    settings = {"cell_seconds": 8} if sandboxed else {"timeout": 8}
    execute = SandboxedExecute(allow_unsandboxed=not sandboxed, **settings)
    score, _, error = scored(*execute.preprocess(nb, resources))
    assert score == expected
    # Without a sandbox nbgrader adds an error in words of its own.
    assert not sandboxed or re.search(said, error)


def _unavailable() -> None:
    raise SandboxUnavailable("bubblewrap is not installed.")


# The same through the commands: student to exercise, points, and whether a person should look.
STUDENTS: dict[str, tuple[str, float, bool]] = {
    "right": (RIGHT, 5, False),
    "wrong": (WRONG, 0, False),
    "empty": ("", 0, False),
    "silent": (f"{WRONG}\n{SHOWS_NOTHING}", 0, False),
    "ends": ("import os; os._exit(0)", 0, True),
    "fills": ("def answer(): return len(bytearray(3 * 2**30))", 0, True),
    "damaged": ("", 0, True),
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", ["nbgrader", "grading"])
def test_a_class(tmp_path: Path, command: str) -> None:
    if not has_sandbox():
        pytest.skip("needs bubblewrap")
    course = OrdinaryCourse(tmp_path, settings="c.SandboxedExecute.memory_mebibytes = 1500\n")
    for student, (source, _, _) in STUDENTS.items():
        text = json.dumps(course.answered(source))
        course.submit(student, text[: len(text) // 2] if student == "damaged" else text)
    if command == "nbgrader":
        course.nbgrader("autograde", ASSIGNMENT)
    else:
        subprocess.run(
            [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "1"],
            cwd=course.root,
            env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
            check=True,
        )
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        found = {
            submitted.student.id: (grade.auto_score, grade.needs_manual_grade)
            for submitted in gradebook.assignment_submissions(ASSIGNMENT)
            for grade in submitted.notebooks[0].grades
        }
    assert found == {name: (points, flagged) for name, (_, points, flagged) in STUDENTS.items()}
