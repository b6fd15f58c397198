"""Tests that nothing is graded where the course's autograder is not in force, and that it shows."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, cells_by_grade_id

pytestmark = [pytest.mark.site, pytest.mark.slow]

# An environment that this course is not installed in; what imports it by other ways still does.
ELSEWHERE = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
sys.path = [entry for entry in sys.path if entry not in ("", {root!r})]
"""
COMMAND = "from nbgrader.apps import NbGraderApp\nNbGraderApp.launch_instance()"
# What formgrader's button does.
BUTTON = f"""
import json
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader
app = NbGrader()
app.initialize([])
app.authenticator = app.exchange = None
api = NbGraderAPI(app.coursedir, parent=app)
print("said: " + json.dumps(api.autograde("{ASSIGNMENT}", "eve")))
"""
BROKEN = {
    "a bracket is missing": "c.Execute.timeout = (\n",
    "a name is misspelt": "c.Execute.timeout = secnods(120)\n",
    "a module is missing": "import no_such_module\n",
}


class Course:
    """A course with one submission, which leaves a mark wherever it runs outside the sandbox."""

    def __init__(self, folder: Path, data: str) -> None:
        self.course = ScratchCourse(folder, data)
        self.course.build()
        self.mark = folder / "ran outside"
        notebook = self.course.released()
        source = f"open({str(self.mark)!r}, 'w').close()"
        cells_by_grade_id(notebook)["weights_init_normal"]["source"] = source
        self.course.submit("eve", notebook)
        self.root = self.course.root
        # What an earlier grading left.
        self.earlier = self.root / "autograded" / "eve" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        self.earlier.parent.mkdir(parents=True)
        self.earlier.write_text("earlier")

    def run(self, code: str, *arguments: str, folder: Path | None = None) -> tuple[int, str]:
        """Run code as `nbgrader ARGUMENTS` would be run; return its exit code and what it said."""
        process = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=folder or self.root,
            env=self.course.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return process.returncode, process.stdout

    def untouched(self) -> bool:
        """Tell whether nothing was run and nothing of an earlier grading was lost."""
        return not self.mark.exists() and self.earlier.read_text() == "earlier"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> Course:
    return Course(tmp_path_factory.mktemp("in force"), any_data)


@pytest.fixture
def course(made: Course) -> "Course":
    """The course with its settings as they are."""
    for name in ("nbgrader_config.py", "nbgrader_config.json"):
        shutil.copy(COURSE_ROOT / name, made.root)
    return made


AUTOGRADE = ("autograde", ASSIGNMENT, "--force")


class TestNotInstalled:
    lacking = ELSEWHERE.format(root=str(COURSE_ROOT))

    def test_the_command_refuses(self, course: Course, tmp_path: Path) -> None:
        there = ("--course-dir", str(course.root))
        for arguments, folder in ((AUTOGRADE, course.root), ((*AUTOGRADE, *there), tmp_path)):
            code, said = course.run(self.lacking + COMMAND, *arguments, folder=folder)
            assert code == 1, said
            assert "Nothing was graded" in said
            assert f"pip install --editable {course.root}" in said
            assert "Traceback" not in said
            assert course.untouched()

    def test_collecting_refuses_too(self, course: Course) -> None:
        code, said = course.run(self.lacking + COMMAND, "collect", ASSIGNMENT)
        assert code == 1, said
        assert "Nothing was collected" in said
        assert "Traceback" not in said

    def test_formgraders_button_reports_no_success(self, course: Course) -> None:
        code, said = course.run(self.lacking + BUTTON)
        assert code == 0, said
        answer = json.loads(said.partition("said: ")[2])
        assert answer["success"] is False
        assert "Nothing was graded" in answer["log"]
        assert course.untouched()

    def test_a_course_folder_brings_its_own_package(self, course: Course, tmp_path: Path) -> None:
        """Whatever folder the command is typed in."""
        skip_without_sandbox()
        own = tmp_path / "own"
        shutil.copytree(course.root, own)
        for name in ("grading", "grader_kit", "grader_tests"):
            shutil.copytree(COURSE_ROOT / name, own / name)
        code, said = course.run(
            self.lacking + COMMAND, *AUTOGRADE, "--course-dir", str(own), folder=tmp_path
        )
        assert code == 0, said
        graded = own / "autograded" / "eve" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        assert graded.read_text() != "earlier"
        assert not course.mark.exists()


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("where", ["at the start", "at the end"])
def test_settings_that_cannot_be_read(course: Course, line: str, where: str) -> None:
    path = course.root / "nbgrader_config.py"
    text = path.read_text()
    path.write_text(line + text if where == "at the start" else text + line)
    # Where the site says whose course it is, everything else works without the course's settings.
    code, said = course.run(COMMAND, *AUTOGRADE, "--course", "weight-initialization")
    if where == "at the end" and "(" not in line:
        assert "no_such_module" in said
    assert code == 1, said
    assert "Nothing was graded" in said
    assert course.untouched()


def test_settings_of_the_site_that_leave_out_the_sandbox(course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Autograde.autograde_preprocessors = ['nbgrader.preprocessors.Execute']\n")
    code, said = course.run(COMMAND, *AUTOGRADE)
    assert code == 1, said
    assert "Nothing was graded" in said
    assert "lacks SandboxedExecute and Judge" in said
    assert "Traceback" not in said
    assert course.untouched()


def test_part_of_the_course_cannot_be_imported(course: Course) -> None:
    code, said = course.run("import sys\nsys.modules['scipy'] = None\n" + COMMAND, *AUTOGRADE)
    assert code == 1, said
    assert "Nothing was graded" in said
    assert "scipy" in said
    assert course.untouched()


def test_what_judges_an_assignment_cannot_be_imported(course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.Assignments.modules = {{{ASSIGNMENT!r}: 'no_such_judge'}}\n")
    code, said = course.run(COMMAND, *AUTOGRADE)
    assert code == 1, said
    assert "Nothing was graded" in said
    assert f"names no_such_judge for {ASSIGNMENT}" in said
    assert "Traceback" not in said
    assert course.untouched()
