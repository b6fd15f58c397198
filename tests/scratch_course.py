"""A copy of the course in a folder of its own, for tests that run nbgrader on it."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from grading import sandbox
from grading.course.commands import run_nbgrader

ASSIGNMENT = "weight_initialization"
# The same assignment in English and in Chinese; the notebooks have one name.
EDITIONS = (ASSIGNMENT, f"{ASSIGNMENT}_zh")
COURSE_ROOT = Path(__file__).resolve().parents[1]

Notebook = dict[str, Any]
Edit = Callable[[Notebook], None]


class ScratchCourse:
    """The course's source, helpers and configuration in `root`, and an exchange beside it."""

    def __init__(self, folder: Path, data: str) -> None:
        self.root = folder / "course"
        self.exchange = folder / "exchange"
        for name in ("source", "helpers"):
            shutil.copytree(
                COURSE_ROOT / name,
                self.root / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
            )
        for name in ("nbgrader_config.py", "nbgrader_config.json"):
            shutil.copy(COURSE_ROOT / name, self.root)
        self.exchange.mkdir()
        self.exchange.chmod(0o1777)
        # An empty folder for Jupyter's settings keeps the machine's own out of the tests.
        self._settings = folder / "jupyter"
        self._settings.mkdir()
        self._data = data
        # Runs are found by what decides them, so all courses of all tests may share a folder.
        settings = (
            "c = get_config()\n"
            f"c.SandboxedExecute.recorded_runs = {str(COURSE_ROOT / 'build/recorded_runs')!r}\n"
        )
        try:
            sandbox.check_available()
        except sandbox.SandboxUnavailable:
            settings += "c.SandboxedExecute.allow_unsandboxed = True\n"
        (self._settings / "nbgrader_config.py").write_text(settings)

    @property
    def settings(self) -> str:
        """What the site's nbgrader_config.py holds."""
        return (self._settings / "nbgrader_config.py").read_text()

    @property
    def environment(self) -> dict[str, str]:
        """What a command in this course runs with."""
        settings = str(self._settings)
        own = {"JUPYTER_CONFIG_DIR": settings, "JUPYTER_DATA_DIR": settings}
        return {**os.environ, **own, "FASHION_MNIST": self._data}

    def nbgrader(self, *arguments: str, folder: Path | None = None) -> str:
        """Run an nbgrader command in the course root, or in `folder`; return what it printed."""
        exchange = f"--Exchange.root={self.exchange}"
        return run_nbgrader([*arguments, exchange], folder or self.root, self.environment)

    def shorten(self) -> None:
        """Drop what the lesson compares and shows: most of a run's time, and it scores nothing.

        Every deleted given cell comes back in grading, so it is the source that is shortened.
        """
        shorten(self.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")

    def build(self) -> None:
        """Shorten the lesson and generate the assignment: copy what one course has come to."""
        generated = _generated(ASSIGNMENT, short=True)
        notebook = Path("source", ASSIGNMENT, f"{ASSIGNMENT}.ipynb")
        shutil.copy(generated / notebook, self.root / notebook)
        shutil.copytree(generated / "release", self.root / "release")
        shutil.copy(generated / "gradebook.db", self.root)

    @property
    def release(self) -> Path:
        """The folder that students get."""
        return self.root / "release" / ASSIGNMENT

    def released(self) -> Notebook:
        """The student notebook."""
        return read_notebook(self.release / f"{ASSIGNMENT}.ipynb")

    def submit_all(self, points: Mapping[str, float]) -> None:
        """Hand in a right notebook for whoever is to get points, a blank one for the others."""
        for student, wanted in points.items():
            notebook = self.released()
            if wanted:
                solve(notebook)
            self.submit(student, notebook)

    def submit(self, student: str, notebook: Notebook | str) -> Path:
        """Put a submission where `nbgrader collect` puts it; return its folder."""
        folder = self.root / "submitted" / student / ASSIGNMENT
        shutil.copytree(self.release, folder)
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(text, encoding="utf-8")
        return folder

    def graded(self, student: str) -> Notebook:
        """The autograded notebook of a student."""
        return read_notebook(
            self.root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        )


@cache
def _generated(edition: str, *, short: bool) -> Path:
    """Return the root of a course with one assignment generated, once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="generated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    course = ScratchCourse(folder, data="")
    if short:
        course.shorten()
    course.nbgrader("generate_assignment", edition)
    return course.root


def built_release(edition: str = ASSIGNMENT) -> Path:
    """Return a folder with what students get, built once for all tests of this process."""
    return _generated(edition, short=False) / "release" / edition


def read_notebook(path: Path) -> Notebook:
    """Return a notebook as plain dicts, the sources and other texts of its cells as strings."""
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def shorten(path: Path) -> None:
    """Drop what the lesson compares and shows from a notebook's file."""
    notebook = read_notebook(path)
    without_comparisons(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def without_comparisons(notebook: Notebook) -> None:
    """Drop what the lesson compares and shows."""
    shown = ("compare_", "show_", "try_")
    notebook["cells"] = [
        cell
        for cell in notebook["cells"]
        if not cell["metadata"].get("nbgrader", {}).get("grade_id", "").startswith(shown)
    ]


def instructors_notebook() -> Notebook:
    """The source notebook, with solutions and hidden tests."""
    return read_notebook(COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")


def cells_by_grade_id(notebook: Notebook) -> dict[str, dict[str, Any]]:
    """Return the cells that nbgrader knows."""
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in notebook["cells"]
        if "nbgrader" in cell["metadata"]
    }


def solve(notebook: Notebook) -> None:
    """Fill the reference solutions into a student's notebook."""
    sources = {
        grade_id: _without_marks(cell["source"])
        for grade_id, cell in cells_by_grade_id(instructors_notebook()).items()
        if cell["metadata"]["nbgrader"]["solution"]
    }
    for grade_id, cell in cells_by_grade_id(notebook).items():
        if grade_id in sources:
            cell["source"] = sources[grade_id]


def _without_marks(source: str) -> str:
    lines = source.splitlines()
    return "\n".join(line for line in lines if " SOLUTION" not in line)
