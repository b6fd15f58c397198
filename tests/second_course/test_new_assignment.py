"""Tests that the skeleton of a new assignment works as made, and that its page leads to one."""

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.authoring.new_assignment import NotMade, make
from grading.authoring.notebook_format import canonical
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import (
    COURSE_ROOT,
    ScratchCourse,
    cells_by_grade_id,
    read_notebook,
)
from tests.second_course.course import course_command

PAGE = (COURSE_ROOT / "docs" / "adding_an_assignment.md").read_text(encoding="utf-8")
LINE = 'c.Assignments.modules["{name}"] = "{name}_tests.assignment"'
STUB = "# Write your code here."


def command(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command of this environment in a course's folder."""
    program = [sys.executable, *arguments[1:]]
    if arguments[0] == "nbgrader":
        program = [sys.executable, "-m", *arguments]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def new(folder: Path, name: str) -> tuple[int, str]:
    return command(folder, "python", "-m", "grading", "new", name)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def empty_course(tmp_path: Path) -> Path:
    shutil.copy(COURSE_ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path


class TestCommand:
    def test_it_says_which_line_to_add(self, empty_course: Path) -> None:
        code, said = new(empty_course, "batch_norm")
        assert code == 0, said
        assert LINE.format(name="batch_norm") in said
        for path in said.split("\n\n")[0].splitlines():
            assert (empty_course / path).is_file()

    def test_it_overwrites_nothing(self, empty_course: Path) -> None:
        for folder in ("relu_tests", "source/relu"):
            (empty_course / folder).mkdir(parents=True)
            code, said = new(empty_course, "relu")
            assert code == 1
            assert said == f"{folder} is there already; nothing was written. Take another name.\n"
            (empty_course / folder).rmdir()
        assert not (empty_course / "relu_tests").exists()

    @pytest.mark.parametrize("name", ["3d", "class", "Dropout", "a b", "../x", "", "批"])
    def test_a_bad_name_gets_a_sentence(self, empty_course: Path, name: str) -> None:
        code, said = new(empty_course, name)
        assert code == 2
        assert "cannot name an assignment and its function" in said
        assert [path.name for path in empty_course.iterdir()] == ["nbgrader_config.py"]

    def test_outside_a_course_it_refuses(self, tmp_path: Path) -> None:
        with pytest.raises(NotMade, match=r"has no nbgrader_config\.py"):
            make("relu", tmp_path)

    def test_its_files_are_in_form(self, empty_course: Path) -> None:
        make("relu", empty_course)
        notebook = (empty_course / "source" / "relu" / "relu.ipynb").read_text(encoding="utf-8")
        assert canonical(notebook) == notebook
        assert_in_form(empty_course, "relu_tests", "source")


def assert_in_form(course: Path, *names: str) -> None:
    """Let ruff look at folders of a course with this one's settings."""
    settings = ("--config", str(COURSE_ROOT / "pyproject.toml"))
    for arguments in (("check",), ("format", "--check")):
        code, said = command(course, "python", "-m", "ruff", *arguments, *settings, *names)
        assert code == 0, said


def follow(root: Path) -> None:
    """Do what the page says, up to trying it."""
    for line in "".join(blocks("sh")[:1]).splitlines():
        code, said = command(root, *shlex.split(line))
        assert code == 0, said
    (settings,) = (block for block in blocks("python") if block.startswith("c."))
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(settings)
    whole = r"whole\s+file\s+`([^`]+)`:\n\n```\w+\n(.*?)^```$"
    files = re.findall(whole, PAGE, re.DOTALL | re.MULTILINE)
    assert len(files) == 4
    for path, text in files:
        assert (root / path).is_file()
        (root / path).write_text(text, encoding="utf-8")
    path = root / "source" / "noise" / "noise.ipynb"
    text = path.read_text(encoding="utf-8")
    notebook = read_notebook(path)
    sources = re.findall(r"cell `(\w+)`[^`]+```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in sources] == ["noise", "try_noise"]
    for name, source in sources:
        cells_by_grade_id(notebook)[name]["source"] = source
    assert canonical(json.dumps(notebook)) != text
    path.write_text(canonical(json.dumps(notebook)), encoding="utf-8")


WAYS = {
    "right": "return x + torch.randn_like(x) * scale",
    "variance": "return x + torch.randn_like(x) * scale**0.5",
    "off": "return x + torch.randn_like(x) * scale * 1.06",
    "other": "return x + torch.rand_like(x)",
}


def test_the_number_of_values_is_the_least() -> None:
    (example,) = blocks("pycon")
    test = doctest.DocTestParser().get_doctest(example, {}, "page", None, None)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_its_blocks_are_in_form(empty_course: Path) -> None:
    follow(empty_course)
    assert_in_form(empty_course, "noise_tests", "source")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_leads_to_a_judge(empty_course: Path, language: str) -> None:
    follow(empty_course)
    functions = "\n".join(f"def {name}(x, scale):\n    {body}" for name, body in WAYS.items())
    code = f"""
import json, os, torch
os.environ["NOISE_TESTS_SEED"] = "5"
from noise_tests import assignment
from noise_tests.probe import observe
{functions}
for function in ({", ".join(WAYS)}):
    observation = json.loads(json.dumps(observe("test_noise", function)))
    verdict = assignment.judge("test_noise", observation, {language!r}, 5)
    picture, caption = assignment.evidence("test_noise", observation, {language!r})
    print(verdict.outcome, verdict.mistake, len(picture) > 1000)
    assert caption and (verdict.passed or "0." in verdict.sentence)
"""
    environment = os.environ | {"PYTHONPATH": str(empty_course)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=empty_course, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "correct  True",
        "incorrect variance True",
        "incorrect  True",
        "incorrect  True",
    ]


def run(course: ScratchCourse, block: str) -> None:
    """Run a block of commands of the page."""
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        if program == "nbgrader":
            course.nbgrader(*arguments)
        else:
            course_command(course, *arguments[2:])


@pytest.mark.slow
def test_both_are_released_and_graded(tmp_path: Path) -> None:
    """The skeleton as made, and the page's example: right and wrong functions, and a blank one."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path, data="")
    follow(course.root)
    make("double", course.root)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("\n" + LINE.format(name="double") + "\n")
    answers = {
        "double": {"ada": "return x + x", "ben": "return x**2", "cy": ""},
        "noise": {"ada": WAYS["right"], "ben": WAYS["variance"]},
    }
    told = {"double": "The values are squared.", "noise": "The variance of the noise is scale."}
    for name, bodies in answers.items():
        released, graded = (block.replace("noise", name) for block in blocks("sh")[2:])
        run(course, released)
        for student, body in bodies.items():
            folder = course.root / "submitted" / student / name
            shutil.copytree(course.root / "release" / name, folder)
            notebook = read_notebook(folder / f"{name}.ipynb")
            cell = cells_by_grade_id(notebook)[name]
            assert STUB in cell["source"]
            cell["source"] = cell["source"].replace(STUB, body or STUB)
            (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        run(course, graded)
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            points = {
                each.student.id: each.score for each in gradebook.assignment_submissions(name)
            }
        assert points == dict.fromkeys(bodies, 0) | {"ada": 3}
        page = course.root / "feedback" / "ben" / name / f"{name}.html"
        assert told[name] in page.read_text(encoding="utf-8")
