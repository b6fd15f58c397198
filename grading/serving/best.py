"""Keeps the attempt that counts while another is graded, where the best one does.

What is kept lies in the course root, whole or not at all, so that it is put back after a crash too.
"""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from grading.attempt import Scores, read_scores, write_scores

FOLDER = ".serve_best"
"""Its name in the course root."""
_STEPS = ("submitted", "autograded")


class BestKept:
    """What a student's attempt at an assignment left behind, put aside.

    Args:
        coursedir: of the course; its assignment is the one.
        student: whose attempt.
    """

    def __init__(self, coursedir: CourseDirectory, student: str) -> None:
        self._coursedir, self._student = coursedir, student
        place = Path(FOLDER, quote(coursedir.assignment_id, safe=""))
        self._kept = place / quote(student, safe="", errors="surrogateescape")
        self._half = place / f"{self._kept.name}+half"

    @property
    def arrival(self) -> str:
        """For which submission something is put aside; "" where nothing is."""
        path = self._kept / "kept.json"
        return str(json.loads(path.read_text())[0]) if path.is_file() else ""

    def keep(self, arrival: str) -> None:
        """Put a copy of what is graded aside, if something is, until `restore` or `forget`.

        Args:
            arrival: the name of the submission that is to be graded now.
        """
        folders = self._folders()
        with Gradebook(self._coursedir.db_url) as gradebook:
            scores = read_scores(gradebook, self._coursedir.assignment_id, self._student)
        if scores is None or not all(folder.is_dir() for folder in folders.values()):
            return
        shutil.rmtree(self._half, ignore_errors=True)
        for step, folder in folders.items():
            shutil.copytree(folder, self._half / step, symlinks=True)
        (self._half / "kept.json").write_text(json.dumps([arrival, _to_json(scores)]))
        os.rename(self._half, self._kept)

    def restore(self) -> str:
        """Put back what is kept, if anything is; return for which submission it was put aside."""
        if not self.arrival:
            return ""
        arrival, scores = json.loads((self._kept / "kept.json").read_text())
        for step, folder in self._folders().items():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self._kept / step, folder, symlinks=True)
        with Gradebook(self._coursedir.db_url) as gradebook:
            write_scores(
                gradebook, self._coursedir.assignment_id, self._student, _from_json(scores)
            )
        self.forget()
        return str(arrival)

    def forget(self) -> None:
        """Let what is there now count."""
        shutil.rmtree(self._half, ignore_errors=True)
        if self._kept.is_dir():
            os.rename(self._kept, self._half)
            shutil.rmtree(self._half)

    def _folders(self) -> dict[str, Path]:
        course = self._coursedir
        steps = (course.submitted_directory, course.autograded_directory)
        return {
            name: Path(course.format_path(step, self._student, course.assignment_id))
            for name, step in zip(_STEPS, steps, strict=True)
        }


def students_kept(assignment: str) -> list[str]:
    """Return for which students something of an assignment is put aside."""
    place = Path(FOLDER, quote(assignment, safe=""))
    if not place.is_dir():
        return []
    names = sorted(path.name for path in place.iterdir() if not path.name.endswith("+half"))
    return [unquote(name, errors="surrogateescape") for name in names]


def _to_json(scores: Scores) -> list[object]:
    time = scores.timestamp.isoformat() if scores.timestamp else None
    grades = [[*key, *value] for key, value in scores.grades.items()]
    comments = [[*key, value] for key, value in scores.comments.items()]
    return [time, scores.penalties, grades, comments]


def _from_json(entry: list[object]) -> Scores:
    time, penalties, grades, comments = entry
    assert isinstance(penalties, dict)
    assert isinstance(grades, list)
    assert isinstance(comments, list)
    return Scores(
        datetime.fromisoformat(str(time)) if time else None,
        penalties,
        {(notebook, cell): (score, waits) for notebook, cell, score, waits in grades},
        {(notebook, cell): comment for notebook, cell, comment in comments},
    )
