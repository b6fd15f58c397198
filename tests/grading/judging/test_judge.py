"""Tests of grading: the seed, the run, the judge, and what a feedback page may show."""

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade
from torch import nn
from traitlets.config import Config

from grader_tests import assignment
from grader_tests.judge import verdicts as criteria
from grader_tests.judge.verdict import Outcome
from grader_tests.judge.verdicts import Verdict
from grader_tests.observation import MIME_TYPE, SEED_VARIABLE
from grader_tests.probe import observe
from grading.assignment import Verdict as AnyVerdict
from grading.course.commands import CommandFailed, run_nbgrader
from grading.feedback.preprocessors import EmbedFigures, HideInstructorsParts
from grading.judging.judge import Judge, NotExecuted, verdict_outputs
from grading.running.sandboxed_execute import SandboxedExecute
from grading.running.seed import UnusableSecret, course_secret, grading_seed
from grading.sandbox import SandboxUnavailable
from grading.submission import Run, Submission
from tests.ordinary_course import cell_metadata
from tests.steps import EDITIONS, SETTINGS, resources_of, resources_with

SECRET = bytes(32)


def observation_output(content: object) -> NotebookNode:
    return v4.new_output("display_data", data={MIME_TYPE: content})


def error_output(name: str, value: str) -> NotebookNode:
    return v4.new_output("error", ename=name, evalue=value, traceback=[f"{name}: {value}"])


def notebook(
    test_outputs: list[NotebookNode], solution_outputs: list[NotebookNode] | None = None
) -> NotebookNode:
    """A notebook of one exercise and its test for the standard deviation, as after a run."""
    solution = v4.new_code_cell(
        "def weights_init_normal(m): ...",
        metadata=cell_metadata("weights_init_normal"),
        outputs=solution_outputs or [],
        execution_count=1,
    )
    test = v4.new_code_cell(
        "### BEGIN HIDDEN TESTS\ncheck()\n### END HIDDEN TESTS",
        metadata=cell_metadata("test_normal_std", 4),
        outputs=test_outputs,
        execution_count=2,
    )
    return v4.new_notebook(cells=[solution, test])


def judged(nb: NotebookNode, died: int | None = None) -> tuple[NotebookNode, AnyVerdict]:
    """Judge `nb`; return its test cell and the verdict on it."""
    nb, resources = Judge(config=SETTINGS).preprocess(nb, resources_of(died=died))
    return nb.cells[1], Submission.of(resources).verdicts["test_normal_std"]


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an observation say itself what score it deserves, to test what the judge does with it."""

    def judge(
        criterion: str, observation: dict[str, Any], language: str, seed: int | None
    ) -> Verdict:
        passed = observation["score"] == 1
        outcome: Outcome = "correct" if passed else "incorrect"
        return Verdict(criterion, passed, outcome, "<b>What was found</b>", {})

    monkeypatch.setattr(assignment, "judge", judge)


class TestSeed:
    def test_secret_is_drawn_once_and_kept_private(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        secret = course_secret(path)
        assert len(secret) == 32
        assert course_secret(path) == secret
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["secret"]
        assert course_secret(tmp_path / "another") != secret

    @pytest.mark.parametrize("content", ["", "not hexadecimal", "ab" * 31, "ab" * 33, "é" * 64])
    def test_damaged_secret_is_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "secret"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UnusableSecret, match="64 hexadecimal digits"):
            course_secret(path)
        assert path.read_text(encoding="utf-8") == content

    def test_whoever_comes_second_takes_the_first_secret(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "secret"
        rival = "17" * 32

        def too_early(_: int) -> str:
            path.write_text(rival, encoding="ascii")
            return "ab" * 32

        monkeypatch.setattr("grading.running.seed.secrets.token_hex", too_early)
        assert course_secret(path) == bytes.fromhex(rival)

    def test_seed_repeats_and_depends_on_everything(self) -> None:
        seed = grading_seed(SECRET, "ada", "weight_initialization")
        assert seed == grading_seed(SECRET, "ada", "weight_initialization")
        others = {
            grading_seed(SECRET, "grace", "weight_initialization"),
            grading_seed(SECRET, "ada", "weight_initialization_zh"),
            grading_seed(b"\1" * 32, "ada", "weight_initialization"),
        }
        assert len(others | {seed}) == 4
        assert 0 <= seed < 2**64

    def test_names_do_not_run_together(self) -> None:
        assert grading_seed(SECRET, "ab", "c") != grading_seed(SECRET, "a", "bc")


class TestVerdictOutputs:
    @pytest.mark.parametrize(
        ("score", "points", "expected"),
        [(0.0, 4, 0.0), (1.0, 4, 4.0)],
    )
    def test_nbgrader_reads_the_score(self, score: float, points: float, expected: float) -> None:
        verdict = Verdict("test_normal_std", score == 1, "incorrect", "A sentence.", {})
        cell = v4.new_code_cell(
            "",
            metadata=cell_metadata("test_normal_std", points),
            outputs=verdict_outputs(verdict),
        )
        assert determine_grade(cell) == (expected, points)

    def test_not_attempted_is_told_apart(self) -> None:
        names: dict[Outcome, str] = {"incorrect": "Incorrect", "not attempted": "NotAttempted"}
        for outcome, name in names.items():
            verdict = Verdict("test_normal_std", False, outcome, "A sentence.", {})
            (output,) = verdict_outputs(verdict)
            assert output.ename == name
            assert output.traceback == ["A sentence."]


class TestJudge:
    @pytest.mark.usefixtures("lenient")
    @pytest.mark.parametrize(("score", "points"), [(1.0, 4.0), (0.0, 0.0)])
    def test_the_observation_alone_scores(self, score: float, points: float) -> None:
        noise = [
            v4.new_output("stream", name="stderr", text="UserWarning: something\n"),
            v4.new_output("stream", name="stdout", text="All tests passed!\n"),
            v4.new_output("execute_result", data={"text/plain": "2"}, execution_count=2),
            v4.new_output("display_data", data={"text/html": "<script>alert(1)</script>"}),
            error_output("AssertionError", "of the kernel's own making"),
        ]
        cell, _ = judged(notebook([*noise, observation_output({"score": score}), *noise]))
        assert determine_grade(cell) == (points, 4.0)
        kept = str(cell.outputs)
        assert not any(text in kept for text in ("UserWarning", "passed!", "alert", "making"))

    @pytest.mark.usefixtures("lenient")
    def test_sentence_is_escaped_where_it_becomes_html(self) -> None:
        cell, _ = judged(notebook([observation_output({"score": 1.0})]))
        assert cell.outputs[0].data["text/html"] == "<p>&lt;b&gt;What was found&lt;/b&gt;</p>"

    @pytest.mark.parametrize(
        "forged",
        [
            [],
            [v4.new_output("execute_result", data={"text/plain": "4"}, execution_count=2)],
            [v4.new_output("stream", name="stdout", text="correct")],
            [observation_output({})],
            [observation_output([])],
            [observation_output("full marks")],
            [observation_output({"criterion": "test_normal_std", "score": 1, "passed": True})],
        ],
    )
    def test_nothing_scores_without_a_sound_observation(self, forged: list[NotebookNode]) -> None:
        cell, verdict = judged(notebook(forged))
        assert determine_grade(cell)[0] == 0
        assert not verdict.passed

    @pytest.mark.usefixtures("lenient")
    def test_two_observations_are_none(self) -> None:
        twice = [observation_output({"score": 1.0}), observation_output({"score": 1.0})]
        cell, verdict = judged(notebook(twice))
        assert determine_grade(cell)[0] == 0
        assert "2 observations" in verdict.sentence

    @pytest.mark.usefixtures("lenient")
    def test_observations_elsewhere_are_stripped_and_do_not_count(self) -> None:
        elsewhere = v4.new_output(
            "display_data",
            data={MIME_TYPE: {"score": 1.0}, "text/plain": "kept"},
            metadata={MIME_TYPE: {"size": 1}},
        )
        nb = notebook([], [observation_output({"score": 1.0}), elsewhere])
        cell, _ = judged(nb)
        assert determine_grade(cell)[0] == 0
        assert MIME_TYPE not in str(nb)
        assert [output.data for output in nb.cells[0].outputs] == [{"text/plain": "kept"}]

    def test_reason_names_the_error_of_the_exercise(self) -> None:
        error = error_output("SyntaxError", "expected ':' (2264449222.py, line 11)")
        test = error_output("NameError", "name 'weights_init_normal' is not defined")
        _, verdict = judged(notebook([test], [error]))
        assert "SyntaxError: expected ':' (line 11)" in verdict.sentence
        _, verdict = judged(notebook([test]))
        assert "NameError" in verdict.sentence

    def test_reason_names_a_limit(self) -> None:
        _, verdict = judged(notebook([error_output("CellTimeoutError", "")]))
        assert "too long" in verdict.sentence

    @pytest.mark.parametrize(("died", "where"), [(0, "an earlier cell"), (1, "this test")])
    def test_reason_names_a_dead_kernel(self, died: int, where: str) -> None:
        _, verdict = judged(notebook([]), died)
        assert where in verdict.sentence

    @pytest.mark.usefixtures("lenient")
    def test_what_ran_before_the_kernel_died_counts(self) -> None:
        nb = notebook([observation_output({"score": 1.0})])
        nb.cells.append(v4.new_code_cell("import os; os._exit(1)"))
        cell, _ = judged(nb, died=2)
        assert determine_grade(cell)[0] == 4

    def test_reason_tells_a_cell_that_did_not_run(self) -> None:
        nb = notebook([])
        nb.cells[1].execution_count = None
        _, verdict = judged(nb)
        assert "did not run" in verdict.sentence

    @pytest.mark.parametrize(
        ("source", "within"),
        [
            ("class Init:\n    def weights_init_normal(self, m):\n        pass", "Init"),
            ("x = 1\nclass A(B):\n    y = 2\n    def weights_init_normal(m): ...", "A"),
            ("def weights_init_norm(m): ...", ""),
            ("class (", ""),
        ],
    )
    def test_a_function_inside_a_class_is_named(self, source: str, within: str) -> None:
        missing = error_output("NameError", "name 'weights_init_normal' is not defined")
        nb = notebook([missing])
        nb.cells[0].source = source
        _, verdict = judged(nb)
        assert not verdict.passed
        assert (f"inside the class {within}," in verdict.sentence) == bool(within)

    def test_outputs_that_were_not_made_here_are_refused(self) -> None:
        with pytest.raises(NotExecuted, match="--no-execute"):
            Judge().preprocess(notebook([]), ResourcesDict())

    def test_failure_shows_the_weights_and_success_does_not(self) -> None:
        def function(deviation: float) -> Callable[[nn.Module], None]:
            def draw(m: nn.Module) -> None:
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, deviation * m.in_features**-0.5)

            return draw

        for deviation, kinds in ((2.0, ["error", "image/png", "text/plain"]), (1.0, ["text/html"])):
            seen = observe("test_normal_std", function(deviation))
            cell, _ = judged(notebook([observation_output(seen)]))
            found = [
                "error" if output.output_type == "error" else min(output.data)
                for output in cell.outputs
            ]
            assert found == kinds
        assert determine_grade(cell)[0] == 4

    def test_chinese_edition_is_judged_in_chinese(self) -> None:
        resources = resources_of(EDITIONS[1])
        observation = observe("test_normal_std", None)
        nb = notebook([observation_output(observation)])
        Judge(config=SETTINGS).preprocess(nb, resources)
        verdict = Submission.of(resources).verdicts["test_normal_std"]
        assert "没有找到函数" in verdict.sentence

    def test_every_criterion_has_a_verdict_without_observation(self) -> None:
        for criterion in criteria.CRITERIA:
            verdict = criteria.no_observation(criterion, "The test did not run.")
            assert verdict.criterion == criterion
            assert not verdict.passed
            assert "The test did not run." in verdict.sentence


def resources_of_ada() -> ResourcesDict:
    return resources_with({"nbgrader": {"student": "ada", "assignment": "weight_initialization"}})


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> None:
        raise SandboxUnavailable("bubblewrap is not installed.")

    monkeypatch.setattr("grading.running.sandboxed_execute.check_available", unavailable)


def went(resources: ResourcesDict) -> Run:
    run = Submission.of(resources).run
    assert run is not None
    return run


def _without_sandbox() -> SandboxedExecute:
    return SandboxedExecute(config=SETTINGS, allow_unsandboxed=True)


@pytest.mark.usefixtures("no_sandbox")
class TestExecute:
    """The run itself is replaced here; tests/grading/test_nbgrader.py runs real kernels."""

    def test_seed_is_in_the_environment_during_the_run_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv(SEED_VARIABLE, raising=False)
        seen = []

        def run(_: Execute, nb: NotebookNode, resources: dict[str, Any], km: Any) -> Any:
            seen.append(os.environ.get(SEED_VARIABLE))
            return nb, resources

        monkeypatch.setattr(Execute, "preprocess", run)
        for _ in range(2):
            _, resources = _without_sandbox().preprocess(notebook([]), resources_of_ada())
            assert went(resources).died is None
        secret = course_secret(tmp_path / ".grading_secret")
        assert seen == [str(grading_seed(secret, "ada", "weight_initialization"))] * 2
        assert SEED_VARIABLE not in os.environ

    def test_dead_kernel_does_not_lose_the_submission(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)

        def run(self: Execute, nb: NotebookNode, resources: dict[str, Any], km: Any) -> Any:
            for index, cell in enumerate(nb.cells):
                self.preprocess_cell(cell, resources, index)

        def run_cell(_: Execute, cell: NotebookNode, resources: dict[str, Any], index: int) -> Any:
            if index == 1:
                raise DeadKernelError("Kernel died")
            return cell, resources

        monkeypatch.setattr(Execute, "preprocess", run)
        monkeypatch.setattr(Execute, "preprocess_cell", run_cell)
        nb, resources = _without_sandbox().preprocess(notebook([]), resources_of_ada())
        assert went(resources).died == 1
        assert len(nb.cells) == 2


class TestHideInstructorsParts:
    def test_hidden_tests_are_cleared(self) -> None:
        nb, _ = HideInstructorsParts().preprocess(notebook([]), ResourcesDict())
        assert nb.cells[1].source == ""

    def test_rubric_is_cleared(self) -> None:
        nb = notebook([])
        metadata = cell_metadata("handing_in")
        metadata["nbgrader"] |= {"locked": True, "solution": False}
        text = "Thank you.\n### BEGIN MARK SCHEME\n1 point\n### END MARK SCHEME"
        nb.cells.append(v4.new_markdown_cell(text, metadata=metadata))
        config = Config()
        config.ClearMarkScheme.enforce_metadata = False
        nb, _ = HideInstructorsParts(config=config).preprocess(nb, ResourcesDict())
        assert nb.cells[2].source == "Thank you."

    @pytest.mark.parametrize("what", ["HIDDEN TESTS", "MARK SCHEME"])
    @pytest.mark.parametrize("source", ["# BEGIN {}", "# END {}\nx = 1"])
    def test_marks_in_a_students_cell_do_no_harm(self, what: str, source: str) -> None:
        nb = notebook([])
        nb.cells[0].source = source.format(what)
        nb, _ = HideInstructorsParts().preprocess(nb, ResourcesDict())
        assert nb.cells[0].source == source.format(what)


class TestEmbedFigures:
    @pytest.fixture(autouse=True)
    def _course(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        figures = tmp_path / "source" / "weight_initialization" / "figures"
        figures.mkdir(parents=True)
        (figures / "neuron.svg").write_text("<svg/>")
        (tmp_path / "gradebook.svg").write_text("grades")
        monkeypatch.chdir(tmp_path)

    def embedded(self, source: str) -> NotebookNode:
        nb = v4.new_notebook(cells=[v4.new_markdown_cell(source)])
        nb, _ = EmbedFigures().preprocess(nb, resources_of_ada())
        return nb.cells[0]

    def test_figure_becomes_an_attachment(self) -> None:
        cell = self.embedded("See ![a neuron](figures/neuron.svg).")
        assert cell.source == "See ![a neuron](attachment:figures-neuron.svg)."
        encoded = base64.b64encode(b"<svg/>").decode()
        assert cell.attachments == {"figures-neuron.svg": {"image/svg+xml": encoded}}

    @pytest.mark.parametrize("name", ["figures/../../../gradebook.svg", "figures/none.svg", "x"])
    def test_other_files_stay_out(self, name: str) -> None:
        cell = self.embedded(f"![]({name})")
        assert cell.source == f"![]({name})"
        assert "attachments" not in cell


class TestCommands:
    def test_output_and_lines_are_the_same(self, tmp_path: Path) -> None:
        lines: list[str] = []
        output = run_nbgrader(["--version"], tmp_path, on_line=lines.append)
        assert "nbgrader version 0.9.6" in output
        assert "\n".join(lines) == output

    def test_failure_carries_the_output(self, tmp_path: Path) -> None:
        with pytest.raises(CommandFailed, match="exit code 1") as failure:
            run_nbgrader(["submit", "nothing"], tmp_path)
        assert failure.value.code == 1
        assert failure.value.output
