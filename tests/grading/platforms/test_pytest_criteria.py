"""Tests of grading one notebook: under pytest, and by the files that the platforms' guide gives."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grader_tests.observation import CRITERIA
from grading.platforms.grade_notebook import TESTS
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
)

pytestmark = pytest.mark.slow

PLATFORMS = COURSE_ROOT / "docs" / "platforms"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course whose training runs other tests have recorded, or will look up."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("one notebook"), any_data)
    course.shorten()
    recorded = COURSE_ROOT / "build" / "recorded_runs"
    recorded.mkdir(parents=True, exist_ok=True)
    (course.root / "build").mkdir()
    (course.root / "build" / "recorded_runs").symlink_to(recorded)
    return course


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, course: ScratchCourse) -> Path:
    """A submission under a name of its own that takes the variance for the deviation."""
    submission = read_notebook(course.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    cell = cells_by_grade_id(submission)["weights_init_normal"]
    assert "np.sqrt(n)" in cell["source"]
    cell["source"] = cell["source"].replace("np.sqrt(n)", "n")
    path = tmp_path_factory.mktemp("submission") / "my work.ipynb"
    path.write_text(json.dumps(submission))
    _lay_traps(path.parent)
    return path


# What steers pytest or Python where it is read, which it must not be.
SETTINGS = {
    "pytest.ini": "[pytest]\n{}",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p trap'\npythonpath = '.'\n",
    "tox.ini": "[pytest]\n{}",
    "setup.cfg": "[tool:pytest]\n{}",
}
MODULES = (
    "conftest.py", "trap.py", "sitecustomize.py", "usercustomize.py", "json.py", "torch.py",
    "nbgrader.py", "pytest.py", "grading/__init__.py", "grader_tests/__init__.py",
    "grading/platforms/test_submission.py", "_pytest/__init__.py", "test_seven.py",
)  # fmt: skip


def _lay_traps(folder: Path, settings: Iterable[str] = SETTINGS) -> None:
    """Put settings and modules into a folder that leave a file `trapped` where they are run."""
    for name in settings:
        (folder / name).write_text(SETTINGS[name].format("addopts = -p trap\npythonpath = .\n"))
    for name in MODULES:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(f"open({str(folder / 'trapped')!r}, 'w').close()\n")


def _run(command: str, folder: Path, environment: Mapping[str, str], *more: str) -> tuple[int, str]:
    """Run one of the environment's commands in a folder; return its exit code and what it said."""
    done = subprocess.run(
        [Path(sys.executable).parent / command, *more],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(COURSE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_one_test_for_each_criterion(course: ScratchCourse, notebook: Path) -> None:
    """In the submission's own folder, where everything lies in wait."""
    folder = notebook.parent
    more = ("--course", str(course.root), notebook.name, "--junitxml=grade.xml")
    code, output = _run("grade-notebook", folder, course.environment, *more)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert not (folder / "trapped").exists()
    assert "1 failed, 6 passed" in output
    assert "1/n is the variance that goes with it" in output
    assert "Traceback" not in output
    tree = ElementTree.parse(folder / "grade.xml")
    failures = {case.get("name"): case.find("failure") for case in tree.iter("testcase")}
    assert set(failures) == {f"test_criterion[{criterion}]" for criterion in CRITERIA}
    (failed,) = (element for element in failures.values() if element is not None)
    assert "How do you get from a variance to a standard deviation?" in (failed.text or "")
    properties = {each.get("name"): each.get("value") for each in tree.iter("property")}
    assert properties["test_normal_std.points"] == "0.0"
    assert properties["test_normal_std.most_points"] == "4.0"
    assert properties["test_normal_std.mistake"] == "variance_for_deviation"
    assert properties["test_default_model.points"] == "4.0"


@pytest.mark.parametrize("place", ["in its folder", "from elsewhere"])
def test_pytest_itself_refuses(tmp_path: Path, place: str) -> None:
    """Before a conftest.py is run; plugins that settings name are run before anybody can refuse."""
    submission = tmp_path / "submission"
    submission.mkdir()
    (submission / "x.ipynb").write_text("{}")
    _lay_traps(submission, ())
    folder = submission if place == "in its folder" else tmp_path
    for asked in ((), ("--grade-submission", str(submission / "x.ipynb"))):
        code, output = _run("pytest", folder, os.environ, "--pyargs", TESTS, *asked)
        assert code == pytest.ExitCode.USAGE_ERROR, output
        assert "grade-notebook NOTEBOOK" in output
        assert not (submission / "trapped").exists()


def test_pytests_variables_add_nothing(tmp_path: Path) -> None:
    _lay_traps(tmp_path)
    added = {"PYTEST_ADDOPTS": "-p trap", "PYTEST_PLUGINS": "trap"}
    code, output = _run("grade-notebook", tmp_path, os.environ | added, "none.ipynb")
    assert (code, "none.ipynb is not there" in output) == (4, True), output
    assert not (tmp_path / "trapped").exists()


def test_a_link_is_nobodys_notebook(tmp_path: Path) -> None:
    """It could lead from a student's repository to the solution."""
    link = tmp_path / f"{ASSIGNMENT}.ipynb"
    link.symlink_to(COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    code, output = _run("grade-notebook", tmp_path, os.environ, link.name)
    assert (code, "is a link" in output) == (4, True), output


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "the following arguments are required: notebook"),
        (("none.ipynb",), 4, "none.ipynb is not there"),
        (("x.ipynb", "--assignment", "y"), 4, "holds 0 notebooks instead of one"),
    ],
    ids=["no submission", "missing notebook", "unknown assignment"],
)
def test_what_cannot_be_graded_has_no_verdict(
    tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    (tmp_path / "x.ipynb").write_text("{}")
    returned, output = _run("grade-notebook", tmp_path, os.environ, *arguments)
    assert (returned, told in output) == (code, True), output


def test_gradescopes_files(course: ScratchCourse, notebook: Path, tmp_path: Path) -> None:
    for name in ("source", "submission", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "course").symlink_to(course.root)
    shutil.copy(notebook, tmp_path / "submission")
    environment = {
        **course.environment,
        "AUTOGRADER": str(tmp_path),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(COURSE_ROOT),
    }
    script = PLATFORMS / "gradescope_run_autograder"
    # The script's course is the one it is installed with; here it is another.
    text = script.read_text().replace("-m grading gradescope", "-m grading gradescope --course .")
    subprocess.run(["bash", "-c", text], env=environment, check=True)
    found = json.loads((tmp_path / "results" / "results.json").read_text())
    assert found["stdout_visibility"] == "hidden"
    assert sum(test["max_score"] for test in found["tests"]) == 20
    scores = {test["name"]: (test["score"], test["status"]) for test in found["tests"]}
    assert scores.pop("Standard deviation: 1/√n") == (0, "failed")
    assert {status for _, status in scores.values()} == {"passed"}
    (failed,) = (test for test in found["tests"] if test["status"] == "failed")
    assert "variance" in failed["output"]


def test_guide_names_files_that_are_there() -> None:
    guide = (COURSE_ROOT / "docs" / "other_platforms.md").read_text()
    for path in PLATFORMS.iterdir():
        assert f"(platforms/{path.name})" in guide
    workflow = (PLATFORMS / "github_workflow.yml").read_text()
    assert f"../submission/{ASSIGNMENT}.ipynb" in workflow
    for path in PLATFORMS.glob("gradescope_*"):
        assert os.access(path, os.X_OK)
        subprocess.run(["bash", "-n", path], check=True)
