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

from grading.assignment import Assignment, Assignments, course_config
from grading.course.commands import CommandFailed, run_nbgrader
from grading.course.language import read_language
from grading.course.terminal import harmless
from grading.errors import GradingError
from grading.intake.submitted_files import find_files
from grading.judging.stored_verdicts import StoredVerdict, of_notebook
from grading.platforms.kept_release import release

_STUDENT = "student"
_SETTINGS = ("nbgrader_config.py", "nbgrader_config.json")


class NothingToGrade(GradingError):
    """The notebook, or the course's assignment that it belongs to, is not there."""


class NotGraded(GradingError):
    """Grading failed, which is no fault of the submission; the message has nbgrader's log."""


@dataclass(frozen=True)
class Result:
    """How a notebook does by one criterion.

    Attributes:
        verdict: what was found, with the likely misconception and a hint.
        points: what it gets.
        most: what it could get.
        title: what a person calls the criterion.
    """

    verdict: StoredVerdict
    points: float
    most: float
    title: str

    @property
    def told(self) -> str:
        """What was found, what it may come from, and what to think about, a line for each."""
        verdict = self.verdict
        told = "\n".join(filter(None, (verdict.finding, verdict.explanation, verdict.hint)))
        # It quotes the student, and pytest prints it.
        return harmless(told)


def grade(
    notebook: Path, assignment: str, course: Path, *, allow_unsandboxed: bool = False
) -> list[Result]:
    """Grade one notebook by every criterion, in the notebook's order.

    A run takes seconds where the course has recorded its training runs before
    (`build/recorded_runs`); elsewhere the notebook trains for itself. Draws come from the course's
    secret where it has one, and are new in each call where not.

    Args:
        notebook: the submission; Python files beside it go with it.
        assignment: its name in the course; "" for the one that has a notebook of that name, or the
            first where none has.
        course: the folder with `source/`, `helpers/` and `nbgrader_config.py`. Not changed.
        allow_unsandboxed: where no sandbox can be started, run the notebook with your own rights.

    Raises:
        NothingToGrade: there is no such notebook or assignment.
        NotGraded: grading failed.
    """
    if notebook.is_symlink():
        raise NothingToGrade(f"{notebook} is a link, which may lead to another's work; copy it.")
    if not notebook.is_file():
        raise NothingToGrade(f"{notebook} is not there; name the notebook to grade.")
    assignment = assignment or _assignment_of(notebook, course)
    name = _name_of_notebook(course / "source" / assignment)
    with tempfile.TemporaryDirectory(prefix="one-notebook-") as temporary:
        folder = Path(temporary)
        settings = course_config(course)
        module = Assignments(config=settings).of(assignment)
        tests = str(Assignments(config=settings).modules.get(assignment, "")).partition(".")[0]
        _copy_course(course, folder, module, tests, allow_unsandboxed)
        try:
            release(
                folder,
                assignment,
                course / "build" / "releases",
                lambda: run_nbgrader(["generate_assignment", assignment], folder),
            )
            _submit(notebook, folder, assignment, name)
            run_nbgrader(["autograde", assignment, "--student", _STUDENT], folder)
        except CommandFailed as error:
            raise NotGraded(f"{error.output}\n{error}") from None
        return _results(folder, assignment, name, module)


def _assignment_of(notebook: Path, course: Path) -> str:
    """Return the assignment that has a notebook of the same name, else the course's first."""
    sources = sorted(path for path in (course / "source").glob("*") if path.is_dir())
    if not sources:
        raise NothingToGrade(f"{course / 'source'} holds no assignment; name the course's folder.")
    namesakes = (source for source in sources if (source / notebook.name).is_file())
    return next(namesakes, sources[0]).name


def _name_of_notebook(source: Path) -> str:
    names = [path.stem for path in source.glob("*.ipynb")]
    if len(names) != 1:
        raise NothingToGrade(
            f"{source} holds {len(names)} notebooks instead of one; name the course's folder and "
            "the assignment."
        )
    return names[0]


def _copy_course(
    course: Path, folder: Path, module: Assignment | None, tests: str, allow_unsandboxed: bool
) -> None:
    """Copy what an assignment is graded with; its hidden tests where they are not installed."""
    packages = module.PACKAGES if module else ()
    for name in ("source", *packages, *([tests] if tests and (course / tests).is_dir() else [])):
        shutil.copytree(course / name, folder / name, symlinks=True)
    for name in _SETTINGS:
        shutil.copy(course / name, folder / name)
    settings = _settings(course, module, allow_unsandboxed)
    lines = (f"c.SandboxedExecute.{name} = {value!r}" for name, value in settings.items())
    with (folder / _SETTINGS[0]).open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(lines) + "\n")


def _submit(notebook: Path, folder: Path, assignment: str, name: str) -> None:
    """Lay a notebook, and the modules beside it, where a student's submission is collected."""
    submitted = folder / "submitted" / _STUDENT / assignment
    shutil.copytree(folder / "release" / assignment, submitted)
    for module in find_files(notebook.parent).names:
        if len(module.parts) == 1 and module.suffix == ".py":
            shutil.copy(notebook.parent / module, submitted)
    shutil.copyfile(notebook, submitted / f"{name}.ipynb")


def _results(folder: Path, assignment: str, name: str, module: Assignment | None) -> list[Result]:
    """Return what the gradebook and the graded notebook of a course with one student hold."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        (record,) = gradebook.find_submission(assignment, _STUDENT).notebooks
        points = {grade.name: (grade.score or 0.0, grade.max_score) for grade in record.grades}
    graded = folder / "autograded" / _STUDENT / assignment / f"{name}.ipynb"
    language = read_language(folder / "source" / assignment)
    return [
        Result(
            verdict,
            *points[verdict.criterion],
            module.title(verdict.criterion, language) if module else verdict.criterion,
        )
        for verdict in of_notebook(nbformat.read(graded, as_version=4))
    ]


def _settings(
    course: Path, module: Assignment | None, allow_unsandboxed: bool
) -> Mapping[str, object]:
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
    if module and (course / "data" / module.DATA_FOLDER).is_dir():
        settings["data"] = str((course / "data").resolve())
    if allow_unsandboxed:
        settings["allow_unsandboxed"] = True
    return settings
