"""Grades a single notebook, for places where no gradebook is kept: pytest, Gradescope.

nbgrader's commands run on a copy of the course that lasts as long as the grading. So the notebook
is repaired, run in the sandbox and judged just as in a class.
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from grading.assignment import Assignment, Assignments
from grading.course.commands import run_nbgrader
from grading.errors import GradingError
from grading.intake.submitted_files import find_files
from grading.judging.stored_verdicts import StoredVerdict, of_notebook

COURSE_ROOT = Path(__file__).resolve().parents[2]
_STUDENT = "student"
_SETTINGS = ("nbgrader_config.py", "nbgrader_config.json")


class NothingToGrade(GradingError):
    """The notebook, or the course's assignment that it belongs to, is not there."""


@dataclass(frozen=True)
class Request:
    """Which notebook to grade, and by what.

    Attributes:
        notebook: the submission; Python files beside it go with it.
        name: the assignment's name in the course; "" for the first that the settings list.
        course: the folder with `source/` and `nbgrader_config.py`. Not changed.
        unsandboxed: where no sandbox can be started, run the notebook with your own rights.
    """

    notebook: Path
    name: str = ""
    course: Path = COURSE_ROOT
    unsandboxed: bool = False

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        """Let a command take what `of_options` reads."""
        parser.add_argument("notebook", type=Path)
        parser.add_argument("--assignment", default="", help="its name (default: the first)")
        parser.add_argument(
            "--course",
            metavar="FOLDER",
            type=Path,
            default=COURSE_ROOT,
            help="with source/ and nbgrader_config.py (default: where this is installed)",
        )
        parser.add_argument(
            "--allow-unsandboxed",
            action="store_true",
            help="where there is no sandbox, run the notebook with your own rights",
        )

    @classmethod
    def of_options(cls, options: argparse.Namespace) -> "Request":
        """Return what the arguments of a command ask for."""
        return cls(
            options.notebook.absolute(),
            options.assignment,
            options.course.absolute(),
            options.allow_unsandboxed,
        )

    @cached_property
    def _assignments(self) -> Assignments:
        try:
            config = PyFileConfigLoader(_SETTINGS[0], path=str(self.course)).load_config()
        except ConfigFileNotFound:
            raise NothingToGrade(
                f"{self.course} has no {_SETTINGS[0]}; name the course's folder."
            ) from None
        return Assignments(config=config)

    @property
    def assignment(self) -> str:
        """The assignment's name."""
        return self.name or next(iter(self._assignments.modules), "")

    @property
    def module(self) -> Assignment:
        """What judges the notebook.

        Raises:
            NothingToGrade: there is no such assignment, or nbgrader judges it by itself.
        """
        module = self._assignments.of(self.assignment)
        if module is None:
            known = ", ".join(self._assignments.modules) or "none"
            raise NothingToGrade(
                f"{self.assignment!r} is no assignment with criteria of its own; the settings of "
                f"{self.course} name: {known}."
            )
        return module

    @property
    def criteria(self) -> tuple[str, ...]:
        """The grade ids of the criteria."""
        return self.module.CRITERIA


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


def grade(request: Request) -> list[Result]:
    """Grade one notebook by every criterion, in the notebook's order.

    A run takes seconds where the course has recorded its training runs before
    (`build/recorded_runs`); elsewhere the notebook trains for itself. Draws come from the course's
    secret where it has one, and are new in each call where not.

    Raises:
        NothingToGrade: there is no such notebook or assignment.
        grading.course.commands.CommandFailed: grading failed, which is no fault of the submission.
    """
    assignment, name = request.assignment, _notebook_name(request)
    with tempfile.TemporaryDirectory(prefix="one-notebook-") as temporary:
        folder = Path(temporary)
        _copy_course(request, folder)
        run_nbgrader(["generate_assignment", assignment], folder)
        submitted = folder / "submitted" / _STUDENT / assignment
        shutil.copytree(folder / "release" / assignment, submitted)
        for module in find_files(request.notebook.parent).names:
            if len(module.parts) == 1 and module.suffix == ".py":
                shutil.copy(request.notebook.parent / module, submitted)
        shutil.copyfile(request.notebook, submitted / f"{name}.ipynb")
        run_nbgrader(["autograde", assignment, "--student", _STUDENT], folder)
        graded = folder / "autograded" / _STUDENT / assignment / f"{name}.ipynb"
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
            (record,) = gradebook.find_submission(assignment, _STUDENT).notebooks
            points = {grade.name: (grade.score or 0.0, grade.max_score) for grade in record.grades}
        return [
            Result(verdict, *points[verdict.criterion])
            for verdict in of_notebook(nbformat.read(graded, as_version=4))
        ]


def _notebook_name(request: Request) -> str:
    """Return the name of the assignment's one notebook; make sure that there is one to grade."""
    source, notebook = request.course / "source" / request.assignment, request.notebook
    names = [path.stem for path in sorted(source.glob("*.ipynb"))]
    if len(names) != 1:
        raise NothingToGrade(
            f"{source} holds {len(names)} notebooks instead of one; name the course's folder and "
            "the assignment."
        )
    if notebook.is_symlink():
        raise NothingToGrade(f"{notebook} is a link, which may lead to another's work; copy it.")
    if not notebook.is_file():
        raise NothingToGrade(f"{notebook} is not there; name the notebook to grade.")
    return names[0]


def _copy_course(request: Request, folder: Path) -> None:
    for name in ("source", *request.module.PACKAGES):
        shutil.copytree(request.course / name, folder / name, symlinks=True)
    for name in _SETTINGS:
        shutil.copy(request.course / name, folder / name)
    settings = "".join(
        f"c.SandboxedExecute.{name} = {value!r}\n" for name, value in _settings(request).items()
    )
    with (folder / _SETTINGS[0]).open("a", encoding="utf-8") as file:
        file.write(f"\n{settings}")


def _settings(request: Request) -> Mapping[str, object]:
    """Return what holds for the course itself, and would be looked for in its copy."""
    course = request.course
    runs = course / "build" / "recorded_runs"
    settings: dict[str, object] = {
        "recorded_runs": str(runs.resolve()),
        # That takes longer than to train for one notebook.
        "record_training": False,
    }
    secret = course / ".grading_secret"
    if secret.is_file():
        settings["secret_file"] = str(secret.resolve())
    if (course / "data" / request.module.DATA_FOLDER).is_dir():
        settings["data"] = str((course / "data").resolve())
    if request.unsandboxed:
        settings["allow_unsandboxed"] = True
    return settings
