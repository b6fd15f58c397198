"""What the engine may ask of an assignment, and the way to its module, which settings name.

The engine imports no assignment. An assignment that no module is named for is graded as nbgrader
grades it, in the same sandbox.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from nbformat.notebooknode import NotebookNode
from traitlets import Dict, Unicode
from traitlets.config import Config, LoggingConfigurable
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from grading.errors import GradingError

Outcome = Literal["correct", "incorrect", "not attempted"]


class Verdict(Protocol):
    """What the judge makes of one criterion; `grader_tests.judge.verdict` says what each holds."""

    @property
    def criterion(self) -> str: ...  # noqa: D102 - described there
    @property
    def passed(self) -> bool: ...  # noqa: D102
    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def sentence(self) -> str: ...  # noqa: D102
    @property
    def finding(self) -> str: ...  # noqa: D102
    @property
    def mistake(self) -> str: ...  # noqa: D102
    @property
    def explanation(self) -> str: ...  # noqa: D102
    @property
    def hint(self) -> str: ...  # noqa: D102
    @property
    def foreign(self) -> bool: ...  # noqa: D102


class Assignment(Protocol):
    """An assignment's module. What `OPTIONAL` lists it may leave out.

    Attributes:
        MIME_TYPE: the only key of the display message that carries an observation.
        SEED_VARIABLE: the environment variable in which the probe finds the grading's seed.
        CRITERIA: the grade ids of its criteria, in the notebook's order.
        INSIDE: files and folders that hidden tests import beside student code.
        IMPORTS: modules that nearly every submission imports; the sandbox imports them once.
        PACKAGES: folders in the course root that every release holds a copy of.
        DATA_VARIABLE: the environment variable that names the folder of data; "" for no data.
        DATA_FOLDER: what lies in it where the data are there; its files may be packed by gzip.
        DEMO_STUDENTS: a file with the students of the demonstration (`grading.demo.students`).
        VERSIONS: distributions whose versions decide how a training goes.
        CODE_STUB: what a student's empty cell of code holds, or that by language; "": nbgrader's.
        NAMES: what exercises bind, by grade id, where that is not the grade id itself.
        CELL_SECONDS: wall time that a cell of it may need, where nbgrader allows less.
    """

    MIME_TYPE: str
    SEED_VARIABLE: str
    CRITERIA: tuple[str, ...]
    INSIDE: tuple[Path, ...]
    IMPORTS: tuple[str, ...]
    PACKAGES: tuple[str, ...]
    DATA_VARIABLE: str
    DATA_FOLDER: Path
    DEMO_STUDENTS: Path
    VERSIONS: tuple[str, ...]
    CODE_STUB: str | Mapping[str, str]
    NAMES: Mapping[str, str]
    CELL_SECONDS: float

    def judge(
        self, criterion: str, observation: object, language: str, seed: int | None
    ) -> Verdict:
        """Return the verdict on an observation, of which nothing is trusted."""

    def no_observation(self, criterion: str, reason: str, language: str) -> Verdict:
        """Return the verdict on a test that reported nothing; `reason` is a sentence."""

    def complete(self, observations: Mapping[str, object]) -> Mapping[str, object]:
        """Return a submission's observations by criterion, where one may answer for another."""

    def confirm(
        self,
        observations: Mapping[str, object],
        recorded: Callable[[Mapping[str, Any], Any, float], bool],
        repeat: Callable[[str, Mapping[str, bytes]], object],
    ) -> Mapping[str, bool]:
        """Tell by criterion whether what an observation claims is so, where it claims something.

        Args:
            observations: of a submission in the sandbox, by criterion; nothing in them is trusted.
            recorded: tells whether a training from these initial weights, by name, with these
                losses and this accuracy is among the recorded runs.
            repeat: runs a cell in a sandbox, beside `PACKAGES` and the files given, by name, where
                nothing of the student's is; returns what it reports under `MIME_TYPE`, or None.
        """

    def evidence(
        self, criterion: str, observation: object, language: str
    ) -> tuple[bytes, str] | None:
        """Return a picture in PNG of what is behind a verdict, and its caption, if there is one."""

    def title(self, grade_id: str, language: str) -> str:
        """Return what a person calls a part; the grade id itself for one it does not know."""

    def note(self, verdicts: Sequence[str], language: str) -> str:
        """Return what a page should add to sentences that verdicts say, or ""."""

    def teaching(self, mistake: str, language: str) -> tuple[str, str]:
        """Return what a teacher calls a mistake, and a sentence to say in class; "" for neither."""

    def variants(self, notebook: NotebookNode) -> list[NotebookNode]:
        """Return forms of the instructor's notebook whose training is common in submissions."""


OPTIONAL: Mapping[str, object] = {
    "IMPORTS": (),
    "PACKAGES": (),
    "DATA_VARIABLE": "",
    "DATA_FOLDER": Path(),
    "VERSIONS": (),
    "CODE_STUB": "",
    "NAMES": {},
    "CELL_SECONDS": 0.0,
    "complete": lambda observations: observations,
    "confirm": lambda observations, recorded, repeat: {},
    "evidence": lambda criterion, observation, language: None,
    "title": lambda grade_id, language: grade_id,
    "note": lambda verdicts, language: "",
    "teaching": lambda mistake, language: ("", ""),
    "variants": lambda notebook: [],
}
"""What an assignment's module may leave out, and what then stands for it: no data, no packages, no
training to record, no pictures. `DEMO_STUDENTS` only the demonstration asks for."""

_NEEDED = ("MIME_TYPE", "SEED_VARIABLE", "CRITERIA", "INSIDE", "judge", "no_observation")


class AssignmentNotFound(GradingError):
    """The module that settings name for an assignment cannot be imported, or is none."""


class Assignments(LoggingConfigurable):
    """Finds the module of an assignment; set `c.Assignments.modules`."""

    modules = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="Names of assignments to the modules that judge them. One that is not listed is "
        "graded as nbgrader grades it, in the sandbox.",
    ).tag(config=True)

    def of(self, name: str) -> Assignment | None:
        """Return the module of an assignment; None for one that nbgrader grades by itself.

        Raises:
            AssignmentNotFound: its module cannot be imported, or lacks what is always asked for.
        """
        named = self.module_of(name)
        return load(named, name) if named else None

    def module_of(self, name: str) -> str:
        """Return the name of an assignment's module; "" for one that nbgrader grades by itself."""
        return cast(Mapping[str, str], self.modules).get(name, "")


def load(named: str, assignment: str) -> Assignment:
    """Import an assignment's module.

    Raises:
        AssignmentNotFound: it cannot be imported, or lacks what is always asked for.
    """
    try:
        module = import_module(named)
    except ImportError as error:
        raise AssignmentNotFound(
            f"c.Assignments.modules names {named} for {assignment}, which cannot be imported: "
            f"{error}."
        ) from error
    if missing := [each for each in _NEEDED if not hasattr(module, each)]:
        raise AssignmentNotFound(
            f"c.Assignments.modules names {named} for {assignment}, which lacks "
            f"{', '.join(missing)}; grading/assignment.py says what each is."
        )
    for each, default in OPTIONAL.items():
        vars(module).setdefault(each, default)
    return cast(Assignment, module)


def course_config(course: Path) -> Config:
    """Return the settings of a course's nbgrader_config.py.

    Raises:
        AssignmentNotFound: the folder has no such file.
    """
    # The settings narrow this process's umask, as they do for nbgrader.
    before = os.umask(0o022)
    try:
        return PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    except ConfigFileNotFound:
        raise AssignmentNotFound(f"{course} has no nbgrader_config.py.") from None
    finally:
        os.umask(before)
