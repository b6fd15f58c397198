"""Tests of the course through nbgrader's own commands, from the release to the exported grades."""

import copy
import csv
import json
import shutil
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from grader_tests.observation import MIME_TYPE
from grading.course.commands import CommandFailed
from grading.feedback import rendering as feedback_rendering
from grading.judging import stored_verdicts
from grading.recording import audit
from grading.words import say
from tests import submissions
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    instructors_notebook,
    solve,
)

POINTS = {
    "test_normal_layers": 2,
    "test_normal_mean": 2,
    "test_normal_std": 4,
    "test_normal_shape": 2,
    "test_normal_bias": 2,
    "test_default_model": 4,
    "test_default_comparison": 4,
}
NORMAL = [name for name in POINTS if name.startswith("test_normal")]
WRITTEN = {"reflection_results": 3, "reflection_choice": 3}

# What becomes of a solved notebook, by student; see tests/submissions.py for each.
QUICK: dict[str, Callable[[Notebook], Any]] = {
    "noisy": submissions.noisy,
    "ends": submissions.ends_the_process,
    "exits": submissions.exits,
    "syntax": submissions.syntax_error,
    "skips": submissions.skips_tests,
    "deletes": submissions.without_a_test,
    "silent": submissions.without_answers,
}


class Graded:
    """A scratch course after every command, and what the gradebook then holds."""

    def __init__(self, course: ScratchCourse) -> None:
        self.course = course
        self.home = course.root.parent / "students" / "instructor"

    def scores(self, student: str) -> dict[str, float | None]:
        """Automatic score by grade id."""
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}") as gradebook:
            (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
            return {grade.name: grade.auto_score for grade in notebook.grades}

    def sentence(self, student: str, criterion: str) -> str:
        """The verdict's sentence, as the outputs of the test cell show it."""
        cell = cells_by_grade_id(self.course.graded(student))[criterion]
        output = cell["outputs"][0]
        return str(output["evalue"] if "evalue" in output else output["data"]["text/plain"])


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> Graded:
    """Take a handful of submissions through the course, one of them through the exchange."""
    course = ScratchCourse(tmp_path_factory.mktemp("a course"), any_data)
    course.shorten()
    course.nbgrader("generate_assignment", ASSIGNMENT)
    course.nbgrader("release_assignment", ASSIGNMENT)
    result = Graded(course)

    result.home.mkdir(parents=True)
    course_id = "--course=weight-initialization"
    course.nbgrader("fetch_assignment", ASSIGNMENT, course_id, folder=result.home)
    own = COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    shutil.copy(own, result.home / ASSIGNMENT)
    # What a student changes in the helpers must not matter: these would end every cell.
    (result.home / ASSIGNMENT / "helpers" / "__init__.py").write_text("raise SystemExit")
    student = "--student=instructor"
    course.nbgrader("submit", ASSIGNMENT, course_id, student, folder=result.home)
    course.nbgrader("collect", ASSIGNMENT, "--ExchangeCollect.check_owner=False")

    course.submit("unchanged", course.released())
    solved = course.released()
    solve(solved)
    for name, change in QUICK.items():
        notebook = copy.deepcopy(solved)
        change(notebook)
        course.submit(name, notebook)
    course.submit("damaged", submissions.damaged(solved))

    course.nbgrader("autograde", ASSIGNMENT)
    course.nbgrader("generate_feedback", ASSIGNMENT)
    course.nbgrader("release_feedback", ASSIGNMENT, student)
    course.nbgrader("fetch_feedback", ASSIGNMENT, course_id, folder=result.home)
    course.nbgrader("export", "--to=grades.csv")
    return result


# The first test of these waits for ten submissions to be graded.
PATIENCE = 1800


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
class TestPipeline:
    def test_unchanged_release_scores_nothing(self, graded: Graded) -> None:
        assert graded.scores("unchanged") == dict.fromkeys([*POINTS, *WRITTEN], 0)
        for criterion in POINTS:
            cell = cells_by_grade_id(graded.course.graded("unchanged"))[criterion]
            assert cell["outputs"][0]["ename"] == "NotAttempted", criterion

    def test_empty_answers_score_nothing_and_wait_for_nobody(self, graded: Graded) -> None:
        with Gradebook(f"sqlite:///{graded.course.root / 'gradebook.db'}") as gradebook:
            for student, waiting in {"silent": False, "unchanged": False, "noisy": True}.items():
                (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
                written = [grade for grade in notebook.grades if grade.name in WRITTEN]
                assert [grade.needs_manual_grade for grade in written] == [waiting] * 2, student
                if not waiting:
                    assert [grade.auto_score for grade in written] == [0, 0]
            remark = gradebook.find_comment(
                "reflection_results", ASSIGNMENT, ASSIGNMENT, "silent"
            ).comment
        assert remark == say("en", "answers.unanswered")

    def test_unchanged_release_shows_no_traceback(self, graded: Graded) -> None:
        for cell in graded.course.graded("unchanged")["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade"):
                continue
            for output in cell.get("outputs", []):
                assert output["output_type"] != "error", cell["source"]

    def test_instructors_notebook_has_full_marks(self, graded: Graded) -> None:
        assert graded.scores("instructor") == POINTS | dict.fromkeys(WRITTEN)

    def test_noise_neither_costs_nor_gains(self, graded: Graded) -> None:
        assert graded.scores("noisy") == POINTS | dict.fromkeys(WRITTEN)

    def test_dead_kernel_is_named_and_costs_only_what_did_not_run(self, graded: Graded) -> None:
        assert graded.scores("ends") == dict.fromkeys(POINTS, 0) | dict.fromkeys(WRITTEN)
        assert "ended" in graded.sentence("ends", "test_normal_std")

    def test_sys_exit_does_not_stop_the_tests(self, graded: Graded) -> None:
        assert graded.scores("exits") == POINTS | dict.fromkeys(WRITTEN)

    def test_syntax_error_is_named_and_the_rest_is_graded(self, graded: Graded) -> None:
        scores = graded.scores("syntax")
        assert [scores[name] for name in NORMAL] == [0] * len(NORMAL)
        assert scores["test_default_model"] == POINTS["test_default_model"]

    def test_tags_that_skip_tests_do_not_survive(self, graded: Graded) -> None:
        scores = graded.scores("skips")
        assert [scores[name] for name in NORMAL] == [0] * len(NORMAL)
        assert scores["test_default_comparison"] == POINTS["test_default_comparison"]
        assert "no function" in graded.sentence("skips", "test_normal_std")

    def test_deleted_test_comes_back(self, graded: Graded) -> None:
        assert graded.scores("deletes") == POINTS | dict.fromkeys(WRITTEN)

    def test_damaged_file_scores_nothing_and_says_why(self, graded: Graded) -> None:
        assert [graded.scores("damaged")[name] for name in POINTS] == [0] * len(POINTS)
        assert "damaged: it is not the JSON" in graded.sentence("damaged", "test_normal_std")
        first = graded.course.graded("damaged")["cells"][0]
        assert first["source"].startswith("**Remarks on this submission**")

    def test_helpers_are_the_courses_own(self, graded: Graded) -> None:
        folder = graded.course.root / "autograded" / "instructor" / ASSIGNMENT / "helpers"
        for path in (COURSE_ROOT / "helpers").rglob("*.py"):
            name = path.relative_to(COURSE_ROOT / "helpers")
            assert (folder / name).read_bytes() == path.read_bytes()

    def test_no_observation_remains(self, graded: Graded) -> None:
        notebooks = list((graded.course.root / "autograded").rglob("*.ipynb"))
        assert len(notebooks) == len(QUICK) + 3
        for path in notebooks:
            assert MIME_TYPE not in path.read_text(encoding="utf-8")

    def test_secret_is_private_and_not_handed_on(self, graded: Graded) -> None:
        secret = graded.course.root / ".grading_secret"
        text = secret.read_text(encoding="ascii").strip()
        assert secret.stat().st_mode & 0o077 == 0
        for path in graded.course.root.parent.rglob("*"):
            if path.is_file() and path != secret:
                assert text.encode() not in path.read_bytes()

    def test_regrade_repeats_exactly(self, graded: Graded) -> None:
        before = graded.course.graded("noisy")
        graded.course.nbgrader("autograde", ASSIGNMENT, "--student=noisy", "--force")
        after = graded.course.graded("noisy")
        for criterion in POINTS:
            outputs = [cells_by_grade_id(nb)[criterion]["outputs"] for nb in (before, after)]
            assert outputs[0] == outputs[1]

    def test_unexecuted_submission_is_not_graded(self, graded: Graded) -> None:
        with pytest.raises(CommandFailed) as failure:
            graded.course.nbgrader(
                "autograde", ASSIGNMENT, "--student=noisy", "--force", "--no-execute"
            )
        assert "Run nbgrader autograde without --no-execute" in failure.value.output
        # It is refused before anything is touched.
        assert graded.scores("noisy") == POINTS | dict.fromkeys(WRITTEN)

    def test_verdicts_stay_in_notebook_and_audit_log(self, graded: Graded) -> None:
        nb = nbformat.from_dict(graded.course.graded("unchanged"))
        named = {
            verdict.criterion: verdict.mistake
            for verdict in stored_verdicts.of_notebook(nb)
            if verdict.mistake
        }
        assert set(NORMAL) <= set(named)
        log = list(audit.read(graded.course.root / audit.FILE))
        (entry,) = (entry for entry in log if entry["student"] == "unchanged")
        assert entry["mistakes"] == named

    def test_export_has_every_student(self, graded: Graded) -> None:
        with (graded.course.root / "grades.csv").open(newline="") as file:
            rows = {row["student_id"]: row for row in csv.DictReader(file)}
        assert set(rows) == {"instructor", "unchanged", "damaged", *QUICK}
        assert float(rows["instructor"]["raw_score"]) == sum(POINTS.values())
        assert float(rows["unchanged"]["raw_score"]) == 0
        assert float(rows["instructor"]["max_score"]) == 26


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
class TestFeedback:
    def pages(self, graded: Graded) -> dict[str, str]:
        folder = graded.course.root / "feedback"
        return {
            path.parts[-3]: path.read_text(encoding="utf-8")
            for path in folder.glob(f"*/{ASSIGNMENT}/{ASSIGNMENT}.html")
        }

    def test_everybody_graded_has_a_page(self, graded: Graded) -> None:
        assert set(self.pages(graded)) == {"instructor", "unchanged", "damaged", *QUICK}

    def test_damaged_files_page_says_what_to_do_and_shows_no_stub(self, graded: Graded) -> None:
        page = self.pages(graded)["damaged"].partition("</style>")[2]
        assert say("en", "feedback.unreadable") in page
        assert "Open weight_initialization.ipynb in JupyterLab" in page
        for text in ("your_code", "your_answer", "not_attempted", "no_answer"):
            assert say("en", f"feedback.{text}") not in page
        assert say("en", "feedback.your_code") in self.pages(graded)["unchanged"]

    def test_page_tells_verdicts_and_no_hidden_test(self, graded: Graded) -> None:
        page = self.pages(graded)["unchanged"]
        for verdict in stored_verdicts.of_notebook(
            nbformat.from_dict(graded.course.graded("unchanged"))
        ):
            assert str(feedback_rendering.sentence(verdict.finding)) in page
            assert str(feedback_rendering.sentence(verdict.hint)) in page
        assert "0 of 26 points" in page
        for student, page in self.pages(graded).items():
            for hidden in ("grader_tests", "HIDDEN TESTS", MIME_TYPE, "SOLUTION", "Rubric"):
                if student != "instructor":
                    assert hidden not in page, (student, hidden)

    def test_page_holds_the_figures(self, graded: Graded) -> None:
        page = self.pages(graded)["unchanged"]
        assert page.count("data:image/svg+xml;base64,") == 3
        assert 'src="figures/' not in page

    def test_rubric_is_there_for_whoever_grades(self, graded: Graded) -> None:
        cell = cells_by_grade_id(graded.course.graded("unchanged"))["handing_in"]
        assert "Rubric" in cell["source"]

    def test_page_shows_no_path_of_the_machine(self, graded: Graded) -> None:
        for student in ("unchanged", "noisy"):
            assert str(graded.course.root) not in self.pages(graded)[student]

    def test_student_fetches_the_page(self, graded: Graded) -> None:
        (page,) = (graded.home / ASSIGNMENT / "feedback").glob(f"*/{ASSIGNMENT}.html")
        assert page.read_text(encoding="utf-8") == self.pages(graded)["instructor"]


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
class TestValidate:
    """`nbgrader validate` exits 0 whatever it finds, so its text is what counts."""

    def test_instructors_notebook_passes(self, graded: Graded) -> None:
        path = f"source/{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
        assert "Success!" in graded.course.nbgrader("validate", path)


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
def test_crashing_resubmission_leaves_no_stale_score(graded: Graded) -> None:
    assert graded.scores("silent") == POINTS | dict.fromkeys(WRITTEN, 0)
    notebook = graded.course.released()
    solve(notebook)
    submissions.ends_the_process(notebook)
    path = graded.course.root / "submitted" / "silent" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    graded.course.nbgrader("autograde", ASSIGNMENT, "--student=silent", "--force")
    scores = graded.scores("silent")
    assert {name: scores[name] for name in POINTS} == dict.fromkeys(POINTS, 0)
    # The earlier grading stays in the log, as it was.
    log = list(audit.read(graded.course.root / audit.FILE))
    first, second = (entry["scores"] for entry in log if entry["student"] == "silent")
    assert (first, second) == (POINTS, dict.fromkeys(POINTS, 0))


def test_source_has_the_points_of_the_design() -> None:
    cells = cells_by_grade_id(instructors_notebook())
    points = {
        grade_id: cell["metadata"]["nbgrader"]["points"]
        for grade_id, cell in cells.items()
        if cell["metadata"]["nbgrader"]["grade"]
    }
    assert points == POINTS | WRITTEN
    for grade_id in POINTS:
        assert cells[grade_id]["metadata"]["nbgrader"]["locked"]


def test_configuration_names_no_absolute_path() -> None:
    text = (COURSE_ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not any(part.startswith(("/", "~")) for line in code for part in line.split('"'))
