"""Makes a feedback page again when what it tells has changed: points, comments, or the grading.

nbgrader's `generate_feedback` leaves a page alone until a newer submission comes; so points that a
person gave later, or a regrade, would reach nobody without --force.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import GenerateFeedback

_MARK = "<!-- made of {} -->"
_MARK_LENGTH = len(_MARK.format("0" * 64))


class CourseGenerateFeedback(GenerateFeedback):
    """nbgrader's generate_feedback, except that it knows which pages are out of date."""

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Prepare a submission's folder; return False where every page is as it should be."""
        if super().init_destination(assignment_id, student_id):
            return True
        if student_id in (self.coursedir.student_id_exclude or "").split(","):
            return False
        folder = Path(self._format_dest(assignment_id, student_id))
        pages = {folder / f"{Path(path).stem}.html": Path(path) for path in self.notebooks}
        outdated = [
            page
            for page, graded in pages.items()
            if not _says(page, self._state(graded, assignment_id, student_id))
        ]
        for page in outdated:
            page.unlink(missing_ok=True)
        return bool(outdated)

    def write_single_notebook(self, output: str, resources: Any) -> None:
        """Write a page, and at its end what it was made of."""
        names = resources["nbgrader"]
        folder = Path(self._format_source(names["assignment"], names["student"]))
        state = self._state(
            folder / f"{names['notebook']}.ipynb", names["assignment"], names["student"]
        )
        super().write_single_notebook(output + _MARK.format(state), resources)

    def _state(self, graded: Path, assignment: str, student: str) -> str:
        """Return a digest of what a page tells: the graded notebook and the gradebook's entries."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            notebook = gradebook.find_submission_notebook(graded.stem, assignment, student)
            submission = notebook.assignment
            entries: list[tuple[object, ...]] = [
                (_text(submission.timestamp), _text(submission.duedate)),
                (notebook.late_submission_penalty,),
                (submission.student.first_name, submission.student.last_name),
            ]
            entries += sorted(
                (each.name, each.score, each.max_score, each.auto_score, each.needs_manual_grade)
                for each in notebook.grades
            )
            entries += sorted(
                (each.name, each.auto_comment, each.manual_comment) for each in notebook.comments
            )
        digest = hashlib.sha256(graded.read_bytes())
        digest.update(repr(entries).encode(errors="surrogatepass"))
        return digest.hexdigest()


def _text(time: datetime | None) -> str:
    return "" if time is None else time.isoformat()


def _says(page: Path, state: str) -> bool:
    """Tell whether a page was made of this state."""
    try:
        with page.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _MARK_LENGTH))
            return file.read().decode(errors="replace") == _MARK.format(state)
    except OSError:
        return False
