"""Tests of the release: it is what nbgrader builds from source/, and it stands on its own."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert.exporters import PythonExporter
from nbgrader.api import Gradebook

from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    EDITIONS,
    Notebook,
    ScratchCourse,
    built_release,
    cells_by_grade_id,
    read_notebook,
    solve,
    without_comparisons,
)

HELPERS = COURSE_ROOT / "helpers"
# Made by Python and Jupyter where somebody has opened the notebook; never part of the release.
_LEFTOVERS = {"__pycache__", ".ipynb_checkpoints", "data"}


def tree(folder: Path) -> dict[str, bytes]:
    """Map the relative path of every file below `folder` to its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _LEFTOVERS & set(path.relative_to(folder).parts)
    }


def student_notebook(edition: str = ASSIGNMENT) -> Notebook:
    return read_notebook(built_release(edition) / f"{ASSIGNMENT}.ipynb")


def source_notebook(edition: str) -> Notebook:
    return read_notebook(COURSE_ROOT / "source" / edition / f"{ASSIGNMENT}.ipynb")


@pytest.mark.parametrize("edition", EDITIONS)
class TestBuild:
    def test_building_again_changes_nothing(self, tmp_path: Path, edition: str) -> None:
        course = ScratchCourse(tmp_path, data="")
        course.nbgrader("generate_assignment", edition)
        built = course.root / "release" / edition
        assert tree(built) == tree(built_release(edition))
        course.nbgrader("generate_assignment", edition, "--force")
        assert tree(built) == tree(built_release(edition))

    def test_files_are_ordinary_and_readable(self, edition: str) -> None:
        for path in (built_release(edition)).rglob("*"):
            assert not path.is_symlink(), path
            mode = path.stat().st_mode
            if path.is_file() and not _LEFTOVERS & set(path.parts):
                assert stat.S_IMODE(mode) & 0o111 == 0, f"{path} is executable"
                assert mode & stat.S_IRUSR

    def test_nothing_but_what_a_student_needs(self, edition: str) -> None:
        names = set(tree(built_release(edition)))
        helpers = {f"helpers/{name}" for name in tree(HELPERS)}
        figures = {name for name in names if name.startswith("figures/")}
        language = {"language.txt"} if edition != ASSIGNMENT else set()
        lesson = {f"{ASSIGNMENT}.ipynb", "requirements.txt"}
        assert names == lesson | language | helpers | figures
        assert all(name.endswith((".svg", ".png")) for name in figures)

    def test_helpers_are_the_same_byte_for_byte(self, edition: str) -> None:
        assert tree(built_release(edition) / "helpers") == tree(HELPERS)

    def test_every_figure_is_used_and_there(self, edition: str) -> None:
        text = "\n".join(cell["source"] for cell in student_notebook(edition)["cells"])
        used = set(re.findall(r"figures/[\w.-]+", text))
        names = tree(built_release(edition))
        assert used == {name for name in names if name.startswith("figures/")}

    def test_no_outputs_and_stable_ids(self, edition: str) -> None:
        cells = student_notebook(edition)["cells"]
        assert len({cell["id"] for cell in cells}) == len(cells)
        source_ids = [cell["id"] for cell in source_notebook(edition)["cells"]]
        assert [cell["id"] for cell in cells] == source_ids
        for cell in cells:
            assert cell.get("outputs", []) == []
            assert cell.get("execution_count") is None


class TestGradebook:
    """Building fills the gradebook: without its entries nobody can be graded."""

    def entries(self, course: ScratchCourse) -> list[str]:
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            return [notebook.name for notebook in gradebook.find_assignment(ASSIGNMENT).notebooks]

    def test_a_release_that_lies_there_already(self, tmp_path: Path) -> None:
        course = ScratchCourse(tmp_path, data="")
        shutil.copytree(built_release(), course.release)
        said = course.nbgrader("generate_assignment", ASSIGNMENT)
        assert "the gradebook knows no notebook of it" in said
        assert self.entries(course) == [ASSIGNMENT]
        assert tree(course.release) == tree(built_release())
        assert "Skipping existing" in course.nbgrader("generate_assignment", ASSIGNMENT)

    def test_an_entry_without_notebooks(self, tmp_path: Path) -> None:
        """As the deadline leaves it, where it is set first."""
        course = ScratchCourse(tmp_path, data="")
        shutil.copytree(built_release(), course.release)
        course.nbgrader("db", "assignment", "add", ASSIGNMENT, "--duedate=2030-01-01 00:00 UTC")
        course.nbgrader("generate_assignment", ASSIGNMENT)
        assert self.entries(course) == [ASSIGNMENT]


# What stands in place of a written answer, and of code.
_TEXT_STUBS = dict(zip(EDITIONS, ("Write your answer here.", "请在这里作答。"), strict=True))
_CODE_STUBS = dict(zip(EDITIONS, ("# Write your code here.", "# 请在这里编写代码。"), strict=True))


def without_secrets(cell: dict[str, Any], edition: str) -> str:
    """What a source cell must look like in the release, worked out anew: lines between marks go."""
    stub = (_CODE_STUBS if cell["cell_type"] == "code" else _TEXT_STUBS)[edition]
    secret = False
    lines = []
    for line in cell["source"].split("\n"):
        if "### BEGIN" in line:
            secret = True
            if "SOLUTION" in line:
                lines.append(line.replace("### BEGIN SOLUTION", stub))
        elif "### END" in line:
            secret = False
        elif not secret:
            lines.append(line)
    whole = "### BEGIN" not in cell["source"]
    if whole and cell["metadata"].get("nbgrader", {}).get("solution"):
        return stub
    return "\n".join(lines)


class TestSecrets:
    """What a student must not find in the release."""

    @pytest.mark.parametrize(
        "secret",
        ["grader_tests", "BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "rubric", "评分标准"],
    )
    @pytest.mark.parametrize("edition", EDITIONS)
    def test_word_appears_nowhere(self, secret: str, edition: str) -> None:
        for name, content in tree(built_release(edition)).items():
            if name.startswith("figures/"):
                continue
            assert secret.lower() not in content.decode().lower(), f"{secret} in {name}"

    @pytest.mark.parametrize("edition", EDITIONS)
    def test_cells_are_the_sources_without_what_is_secret(self, edition: str) -> None:
        released = student_notebook(edition)["cells"]
        for cell, source in zip(released, source_notebook(edition)["cells"], strict=True):
            assert cell["source"] == without_secrets(source, edition)

    @pytest.mark.parametrize("edition", EDITIONS)
    def test_solution_is_not_given_away(self, edition: str) -> None:
        files = tree(built_release(edition))
        text = "".join(content.decode() for name, content in files.items() if ".py" in name)
        text += "".join(cell["source"] for cell in student_notebook(edition)["cells"])
        assert "normal_(" not in text
        assert "model_default = " not in text

    @pytest.mark.parametrize("edition", EDITIONS)
    def test_stubs_are_comments(self, edition: str) -> None:
        cells = cells_by_grade_id(student_notebook(edition))
        stub = _CODE_STUBS[edition]
        assert cells["default_model"]["source"].strip() == stub
        assert cells["default_comparison"]["source"].strip() == stub
        function = cells["weights_init_normal"]["source"]
        assert function.count(stub) == 1
        (definition,) = ast.parse(function).body
        assert isinstance(definition, ast.FunctionDef)
        assert len(definition.body) == 1, "the stub holds more than the docstring"
        for reflection in ("reflection_results", "reflection_choice"):
            assert _TEXT_STUBS[edition] in cells[reflection]["source"]


def imported_packages() -> set[str]:
    """Top-level names of what the student notebook and helpers import from outside."""
    sources = [
        path.read_text(encoding="utf-8") for path in (built_release() / "helpers").rglob("*.py")
    ]
    sources += [cell["source"] for cell in student_notebook()["cells"] if "outputs" in cell]
    names = set()
    for source in sources:
        for node in ast.walk(ast.parse(re.sub(r"(?m)^\s*%.*$", "", source))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"helpers"}


class TestRequirements:
    def test_what_is_imported_is_required(self) -> None:
        lines = (built_release() / "requirements.txt").read_text(encoding="utf-8").splitlines()
        required = {
            re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-")
            for line in lines
            if line.strip() and not line.startswith("#")
        }
        distributions = importlib.metadata.packages_distributions()
        missing = {
            name for name in imported_packages() if not set(distributions[name]) & required
        } - required
        assert not missing, "imported, but not in requirements.txt"


# Runs as the first cell: the course must be out of reach, and helpers the folder's own.
_ALONE = """
import importlib.util, pathlib
for course_module in ("grader_kit", "grader_tests", "grading"):
    assert importlib.util.find_spec(course_module) is None, course_module
origin = pathlib.Path(importlib.util.find_spec("helpers").origin)
assert origin.parent == pathlib.Path.cwd() / "helpers", origin
"""


@pytest.fixture(scope="module")
def lone_kernel(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> Iterator[str]:
    """The name of a kernel that has the installed packages, but not this course.

    The course is installed for editing: a .pth file in site-packages makes its modules importable
    everywhere. Python's option -S skips such files; PYTHONPATH then brings the packages back.
    """
    folder = tmp_path_factory.mktemp("jupyter")
    name = "lone"
    specification = {
        "argv": [sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {
            "PYTHONPATH": sysconfig.get_path("purelib"),
            "FASHION_MNIST": any_data,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # for the reason that grading/running/execute.py gives
        },
    }
    (folder / "kernels" / name).mkdir(parents=True)
    (folder / "kernels" / name / "kernel.json").write_text(json.dumps(specification))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", os.pathsep.join([str(folder)]))
        yield name


def run_alone(
    notebook: Notebook, folder: Path, kernel: str, edition: str = ASSIGNMENT
) -> list[dict[str, object]]:
    """Run a notebook in a copy of the release; return the outputs of its code cells."""
    for name, content in tree(built_release(edition)).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    document = nbformat.from_dict(notebook)
    document.cells.insert(0, nbformat.v4.new_code_cell(_ALONE))
    client = NotebookClient(
        document,
        kernel_name=kernel,
        timeout=300,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return [output for cell in document.cells for output in cell.get("outputs", [])]


@pytest.mark.slow
class TestSelfContained:
    def test_runs_from_top_to_bottom_once_solved(self, tmp_path: Path, lone_kernel: str) -> None:
        notebook = student_notebook()
        solve(notebook)
        outputs = run_alone(notebook, tmp_path, lone_kernel)
        assert [output for output in outputs if output["output_type"] == "error"] == []
        shown = str(outputs)
        assert "image/png" in shown
        assert shown.count("validation accuracy") >= 1

    def test_the_chinese_edition_speaks_chinese(self, tmp_path: Path, lone_kernel: str) -> None:
        edition = EDITIONS[1]
        notebook = student_notebook(edition)
        solve(notebook)
        # The English run above is the same code; here what is printed and drawn counts.
        without_comparisons(notebook)
        outputs = run_alone(notebook, tmp_path, lone_kernel, edition)
        assert [output for output in outputs if output["output_type"] == "error"] == []
        shown = str(outputs)
        assert "weights_init_normal 的自检结果：正确" in shown
        assert "验证准确率" in shown
        assert "初始权重" in shown

    @pytest.mark.parametrize("edition", EDITIONS)
    def test_runs_as_a_plain_script(self, tmp_path: Path, any_data: str, edition: str) -> None:
        notebook = student_notebook(edition)
        solve(notebook)
        without_comparisons(notebook)
        folder = tmp_path / edition
        shutil.copytree(built_release(edition), folder)
        script, _ = PythonExporter().from_notebook_node(nbformat.from_dict(notebook))
        (folder / "lesson.py").write_text(script, encoding="utf-8")
        variables = os.environ | {"FASHION_MNIST": any_data, "MPLBACKEND": "agg"}
        variables.pop("NBGRADER_EXECUTION", None)
        run = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "lesson.py"],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert {ASSIGNMENT: ": correct", EDITIONS[1]: "：正确"}[edition] in run.stdout

    def test_empty_stubs_are_explained_not_traced_back(
        self, tmp_path: Path, lone_kernel: str
    ) -> None:
        outputs = run_alone(student_notebook(), tmp_path, lone_kernel)
        assert [output for output in outputs if output["output_type"] == "error"] == []
        assert "Traceback" not in str(outputs)
        assert "Fill in the exercise" in str(outputs)
