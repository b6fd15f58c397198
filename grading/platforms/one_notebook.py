"""Grades a single notebook, for places where no gradebook is kept: pytest, Gradescope.

nbgrader's commands run on a copy of the course that lasts as long as the grading. So the notebook
is repaired, run in the sandbox and judged just as in a class.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from grading.course.commands import run_nbgrader
from grading.intake.submitted_files import find_files
from grading.judging.stored_verdicts import StoredVerdict, of_notebook

COURSE_ROOT = Path(__file__).resolve().parents[1]
_STUDENT = "student"
_COPIED = ("source", "helpers", "nbgrader_config.py", "nbgrader_config.json")


class NothingToGrade(Exception):
    """The notebook, or the course's assignment that it belongs to, is not there."""


@dataclass(frozen=True)
class Result:
    """How a notebook does by one criterion.

    Attributes:
        verdict: what was found, with the likely misconception and a hint.
        points: what it gets.
        most: what it could get.
    """

    verdict: StoredVerdict
    points: float
    most: float

    @property
    def told(self) -> str:
        """What was found, what it may come from, and what to think about, a line for each."""
        verdict = self.verdict
        return "\n".join(filter(None, (verdict.finding, verdict.explanation, verdict.hint)))


def grade(
    notebook: Path,
    assignment: str,
    course: Path = COURSE_ROOT,
    *,
    allow_unsandboxed: bool = False,
) -> list[Result]:
    """Grade one notebook by every criterion, in the notebook's order.

    A run takes seconds where the course has recorded its training runs before
    (`build/recorded_runs`); elsewhere the notebook trains for itself. Draws come from the course's
    secret where it has one, and are new in each call where not.

    Args:
        notebook: the submission; Python files beside it go with it.
        assignment: its name in the course.
        course: the folder with `source/`, `helpers/` and `nbgrader_config.py`. Not changed.
        allow_unsandboxed: where no sandbox can be started, run the notebook with your own rights.

    Raises:
        NothingToGrade: there is no such notebook or assignment.
        grading.course.commands.CommandFailed: grading failed, which is no fault of the submission.
    """
    names = [path.stem for path in sorted((course / "source" / assignment).glob("*.ipynb"))]
    if len(names) != 1:
        raise NothingToGrade(
            f"{course / 'source' / assignment} holds {len(names)} notebooks instead of one; name "
            "the course's folder and the assignment."
        )
    if notebook.is_symlink():
        raise NothingToGrade(f"{notebook} is a link, which may lead to another's work; copy it.")
    if not notebook.is_file():
        raise NothingToGrade(f"{notebook} is not there; name the notebook to grade.")
    with tempfile.TemporaryDirectory(prefix="one-notebook-") as temporary:
        folder = Path(temporary)
        for name in _COPIED:
            source = course / name
            if source.is_dir():
                shutil.copytree(source, folder / name, symlinks=True)
            else:
                shutil.copy(source, folder / name)
        settings = "".join(
            f"c.SandboxedExecute.{name} = {value!r}\n"
            for name, value in _settings(course, allow_unsandboxed).items()
        )
        with (folder / "nbgrader_config.py").open("a", encoding="utf-8") as file:
            file.write(f"\n{settings}")
        run_nbgrader(["generate_assignment", assignment], folder)
        submitted = folder / "submitted" / _STUDENT / assignment
        shutil.copytree(folder / "release" / assignment, submitted)
        for module in find_files(notebook.parent).names:
            if len(module.parts) == 1 and module.suffix == ".py":
                shutil.copy(notebook.parent / module, submitted)
        shutil.copyfile(notebook, submitted / f"{names[0]}.ipynb")
        run_nbgrader(["autograde", assignment, "--student", _STUDENT], folder)
        graded = folder / "autograded" / _STUDENT / assignment / f"{names[0]}.ipynb"
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
            (record,) = gradebook.find_submission(assignment, _STUDENT).notebooks
            points = {grade.name: (grade.score or 0.0, grade.max_score) for grade in record.grades}
        return [
            Result(verdict, *points[verdict.criterion])
            for verdict in of_notebook(nbformat.read(graded, as_version=4))
        ]


def _settings(course: Path, allow_unsandboxed: bool) -> Mapping[str, object]:
    """Return what holds for the course itself, and would be looked for in its copy."""
    runs = course / "build" / "recorded_runs"
    settings: dict[str, object] = {
        "recorded_runs": str(runs.resolve()),
        # That takes longer than to train for one notebook.
        "record_training": False,
    }
    secret = course / ".grading_secret"
    if secret.is_file():
        settings["secret_file"] = str(secret.resolve())
    if (course / "data" / "FashionMNIST" / "raw").is_dir():
        settings["data"] = str((course / "data").resolve())
    if allow_unsandboxed:
        settings["allow_unsandboxed"] = True
    return settings
