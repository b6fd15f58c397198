"""Tests of the run of a submission: in the sandbox, within limits, or refused."""

import logging
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode
from traitlets.config import Config

from grading import sandbox
from grading.assignment import Assignments
from grading.judging.judge import Judge
from grading.running import sandboxed_execute
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.seed import course_secret, grading_seed
from grading.sandbox import SandboxFailed, SandboxUnavailable
from grading.submission import Run, Submission
from tests.sandboxes import has_sandbox
from tests.scratch_course import ASSIGNMENT
from tests.steps import SETTINGS

needs_sandbox = [
    pytest.mark.skipif(not has_sandbox(), reason="needs bubblewrap"),
    pytest.mark.slow,
]


@pytest.fixture
def submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a submission, in a course with a gradebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INSTRUCTORS_PASSWORD", "swordfish")
    (tmp_path / "gradebook.db").write_text("grades")
    folder = tmp_path / "autograded" / "ada" / "weight_initialization"
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("1,2\n")
    return folder


def run(submission: Path, *sources: str, **settings: Any) -> tuple[NotebookNode, ResourcesDict]:
    """Run cells as a submission; return the notebook and what became of the run."""
    nb = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    resources = ResourcesDict()
    resources.update(
        {
            "metadata": {"path": str(submission)},
            "nbgrader": {
                "student": "ada",
                "assignment": "weight_initialization",
                "notebook": "weight_initialization",
            },
        }
    )
    return SandboxedExecute(config=SETTINGS, **settings).preprocess(nb, resources)


def went(resources: ResourcesDict) -> Run:
    run = Submission.of(resources).run
    assert run is not None
    return run


def printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


class TestWithoutSandbox:
    @pytest.fixture(autouse=True)
    def _no_sandbox(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unavailable() -> None:
            raise SandboxUnavailable("bubblewrap is not installed.")

        monkeypatch.setattr(sandboxed_execute, "check_available", unavailable)

    def test_grading_is_refused_with_what_to_do(self, submission: Path) -> None:
        with pytest.raises(SandboxUnavailable, match=r"not installed.*allow_unsandboxed = True"):
            run(submission, "1")

    @pytest.mark.slow
    def test_explicit_setting_allows_it_with_a_warning(
        self, submission: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            nb, resources = run(submission, "print(6 * 7)", allow_unsandboxed=True)
        assert printed(nb.cells[0]) == "42\n"
        seed = grading_seed(course_secret(Path(".grading_secret")), "ada", "weight_initialization")
        assert Submission.of(resources).seed == seed
        assert went(resources) == Run(nb, statuses={0: "ok"})
        assert "NO SANDBOX" in caplog.text


class TestMachineFaults:
    @pytest.fixture(autouse=True)
    def _sandbox(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandboxed_execute, "check_available", lambda: None)

    @pytest.mark.parametrize(("failures", "graded"), [(0, True), (2, True), (3, False)])
    def test_broken_sandbox_is_tried_again(
        self, submission: Path, monkeypatch: pytest.MonkeyPatch, failures: int, graded: bool
    ) -> None:
        calls = []

        def execute(nb: NotebookNode, files: Path, *_: Any) -> Run:
            calls.append(files)
            if len(calls) <= failures:
                raise SandboxFailed("no space left on device")
            return Run(nb, 1.0, complete=True)

        monkeypatch.setattr(sandbox, "execute", execute)
        if graded:
            run(submission, "1")
            assert len(calls) == failures + 1
        else:
            with pytest.raises(SandboxFailed, match="no space"):
                run(submission, "1")

    def test_only_files_that_steer_nothing_go_in(
        self, submission: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        release = tmp_path / "release" / "weight_initialization"
        for name in ("helpers/__init__.py", "figures/one.svg", "other.ipynb"):
            (release / name).parent.mkdir(parents=True, exist_ok=True)
            (release / name).write_text("given")
        for name in (
            *("torch.py", "rapidfuzz.py", "sitecustomize.py", "grader_tests.py", "random.so"),
            *("numpy/__init__.py", "helpers/__init__.py", "own_module.py", "data.csv"),
            *("helpers/__init__/__init__.py", "helpers/mine.py", "helpers.so"),
            *(".ipython/profile_default/startup/00.py", "other.ipynb"),
        ):
            (submission / name).parent.mkdir(parents=True, exist_ok=True)
            (submission / name).write_text("x = 1")
        (submission / "link.txt").symlink_to(tmp_path / "gradebook.db")
        seen: dict[str, str] = {}

        def execute(nb: NotebookNode, files: Path, *_: Any) -> Run:
            for path in files.rglob("*"):
                if path.is_file():
                    seen[str(path.relative_to(files))] = path.read_text()
            return Run(nb, 1.0, complete=True)

        monkeypatch.setattr(sandbox, "execute", execute)
        run(submission, "1")
        assert seen == {
            **{"table.csv": "1,2\n", "data.csv": "x = 1", "own_module.py": "x = 1"},
            **{"helpers/__init__.py": "given", "figures/one.svg": "given"},
        }


class TestInSandbox:
    pytestmark = needs_sandbox

    def test_sees_its_files_and_probe_but_no_judge_and_no_course(self, submission: Path) -> None:
        nb, resources = run(
            submission,
            "print(open('table.csv').read())",
            "import grader_tests, os; print(sorted(os.listdir(grader_tests.__path__[0])))",
            "import os; print(os.environ.get('INSTRUCTORS_PASSWORD'))\n"
            "print(os.environ['WEIGHT_INITIALIZATION_SEED'].isdigit())",
            "import os; print([os.path.exists(p) for p in ('../../../gradebook.db', '/root', "
            "'/home', '.grading_secret', '../../../.grading_secret')])",
            "import grader_tests.judge.verdicts",
        )
        assert went(resources).died is None
        assert went(resources).limit is None
        assert printed(nb.cells[0]) == "1,2\n\n"
        assert (
            printed(nb.cells[1])
            == str(
                [
                    "__init__.py",
                    "blueprint.py",
                    "observation.py",
                    "probe",
                ]
            )
            + "\n"
        )
        assert printed(nb.cells[2]) == "None\nTrue\n"
        assert printed(nb.cells[3]) == "[False, False, False, False, False]\n"
        assert nb.cells[4].outputs[0].ename == "ModuleNotFoundError"

    def test_limit_is_named_and_the_test_says_so(self, submission: Path) -> None:
        nb, resources = run(
            submission, "print('before')", "while True: print('x' * 1000)", "2", output_mebibytes=1
        )
        assert went(resources).limit == "output"
        assert went(resources).limit_cell == 1
        assert printed(nb.cells[0]) == "before\n"
        for cell, points in ((nb.cells[1], 2), (nb.cells[2], 4)):
            name = "test_normal_mean" if points == 2 else "test_normal_std"
            cell.metadata["nbgrader"] = {"grade_id": name, "points": points, "solution": False}
        _, resources = Judge(config=SETTINGS).preprocess(nb, resources)
        assert Submission.of(resources).verdicts["test_normal_mean"].sentence == (
            "While this test was running, it wrote more output than a submission may, so the test "
            "has no result."
        )
        assert (
            Submission.of(resources)
            .verdicts["test_normal_std"]
            .sentence.startswith("While an earlier cell was")
        )
        assert not Submission.of(resources).verdicts["test_normal_std"].passed


@pytest.mark.parametrize(
    ("settings", "of_the_lesson", "of_another"),
    [
        ({}, 120, 30),
        ({"Execute": {"timeout": 200}}, 200, 200),
        ({"Execute": {"timeout": 5}}, 120, 5),
        ({"Execute": {"timeout": -1}, "SandboxedExecute": {"notebook_seconds": 500}}, 500, 500),
        ({"SandboxedExecute": {"cell_seconds": 7}}, 7, 7),
    ],
)
def test_the_time_for_a_cell_is_nbgraders_or_the_assignments(
    settings: dict[str, dict[str, float]], of_the_lesson: float, of_another: float
) -> None:
    execute = SandboxedExecute(config=Config(settings))
    lesson = Assignments(config=SETTINGS).of(ASSIGNMENT)
    assert execute.limits(lesson).cell_seconds == of_the_lesson
    assert execute.limits().cell_seconds == of_another
