"""An attempt to grade a submission: what was graded before is put aside, and back if it fails.

A student's doing never makes an attempt fail: a dead kernel or a damaged file is graded. What does
is a fault of the machine, and that must not cost the grade that was there.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SQLAlchemyError

from grading.errors import GradingError

PENDING = ".being-graded"
"""A file in a submission's autograded folder until it is recorded."""


class NotOurs(GradingError):
    """What was graded before cannot be replaced: it belongs to somebody else."""


@dataclass(frozen=True)
class Scores:
    """What a grading writes into the gradebook; keys are the names of notebooks and cells."""

    timestamp: datetime | None
    penalties: dict[str, float | None]
    grades: dict[tuple[str, str], tuple[float | None, bool]]
    comments: dict[tuple[str, str], str | None]


@dataclass
class Attempt:
    """One attempt to grade a submission.

    Attributes:
        assignment: its name.
        student: whose submission.
        notebooks: the submitted notebooks, by the paths that they should have.
        target: the submission's folder in `autograded`.
        database: the gradebook's address.
        begun: whether anything was changed for it.
    """

    assignment: str
    student: str
    notebooks: list[str]
    target: Path
    database: str
    begun: bool = False
    _scores: Scores | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """The notebooks' names, as the gradebook has them."""
        return [Path(path).stem for path in self.notebooks]

    @property
    def _aside(self) -> Path:
        # No pattern of nbgrader's finds it.
        return self.target.with_name(f".{self.target.name}.before")

    def was_interrupted(self) -> bool:
        """Say whether an earlier attempt ended with its process."""
        return (self.target / PENDING).exists() or (
            self._aside.exists() and not self.target.exists()
        )

    def begin(self, only: Sequence[str] = ()) -> None:
        """Put aside what was graded before.

        Args:
            only: the files to be replaced; the others stay. All, if there is none.

        Raises:
            NotOurs: it may not be removed. Nothing has been changed then.
            OSError: it cannot be.
        """
        self._check()
        with Gradebook(self.database) as gradebook:
            self._scores = read_scores(gradebook, self.assignment, self.student)
        self.begun = True
        if (self.target / PENDING).exists():
            shutil.rmtree(self.target)
        elif self.target.exists():
            if self._aside.exists():
                shutil.rmtree(self._aside)
            self.target.rename(self._aside)
        if only and self._aside.exists():
            shutil.copytree(self._aside, self.target, ignore=shutil.ignore_patterns(*only))
        self.target.mkdir(parents=True, exist_ok=True)
        (self.target / PENDING).touch()

    def keep(self) -> None:
        """Let what was graded now take the place of what was there before."""
        (self.target / PENDING).unlink()
        shutil.rmtree(self._aside, ignore_errors=True)

    def take_back(self) -> bool:
        """Put back what was there before; return whether there is a grade now.

        Raises:
            OSError: the folder could not be put back.
            SQLAlchemyError: the scores could not: a full disk takes no change.
        """
        if not self.begun:
            return self.target.exists()
        shutil.rmtree(self.target, ignore_errors=True)
        if self._aside.exists():
            self._aside.rename(self.target)
        with Gradebook(self.database) as gradebook:
            write_scores(gradebook, self.assignment, self.student, self._scores)
        return self._scores is not None

    def scores(self, notebook: str) -> dict[str, float | None]:
        """Return the automatic scores that the gradebook has now, by cell."""
        with suppress(SQLAlchemyError, MissingEntry), Gradebook(self.database) as gradebook:
            found = gradebook.find_submission_notebook(notebook, self.assignment, self.student)
            return {
                grade.name: grade.auto_score
                for grade in found.grades
                if grade.cell.cell_type == "code"
            }
        return {}

    def _check(self) -> None:
        for root in (self.target, self._aside):
            if not root.exists():
                continue
            below = [Path(path) / name for path, names, _ in os.walk(root) for name in names]
            for folder in (root.parent, root, *below):
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    raise NotOurs(
                        f"{folder} cannot be written to by you, so what was graded before cannot "
                        "be replaced. Let its owner grade, or share the course "
                        "(c.CourseDirectory.groupshared)."
                    )


def read_scores(gradebook: Gradebook, assignment: str, student: str) -> Scores | None:
    """Return what the gradebook has on a submission; None where it was not graded."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None
    grades = {
        (notebook.name, grade.name): (grade.auto_score, grade.needs_manual_grade)
        for notebook in submission.notebooks
        for grade in notebook.grades
    }
    if all(score is None for score, _ in grades.values()):
        return None
    comments = {
        (notebook.name, comment.name): comment.auto_comment
        for notebook in submission.notebooks
        for comment in notebook.comments
    }
    penalties = {item.name: item.late_submission_penalty for item in submission.notebooks}
    return Scores(submission.timestamp, penalties, grades, comments)


def write_scores(
    gradebook: Gradebook, assignment: str, student: str, scores: Scores | None
) -> None:
    """Write what `read_scores` returned; leave no score where it returned None."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return
    if scores is not None:
        submission.timestamp = scores.timestamp
    for notebook in submission.notebooks:
        if scores is not None:
            notebook.late_submission_penalty = scores.penalties.get(notebook.name)
        for grade in notebook.grades:
            key = (notebook.name, grade.name)
            if scores is not None and key in scores.grades:
                grade.auto_score, grade.needs_manual_grade = scores.grades[key]
            elif grade.cell.cell_type == "code":
                grade.auto_score, grade.needs_manual_grade = None, True
        for comment in notebook.comments:
            key = (notebook.name, comment.name)
            if scores is not None and key in scores.comments:
                comment.auto_comment = scores.comments[key]
    gradebook.db.commit()
