"""Records a grading: flags what a person should look at, and writes the audit log."""

import getpass
import os
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from grading.intake.remarks import Remarks
from grading.judging.judge import PROBLEMS
from grading.recording import audit
from grading.running.execute import EXECUTION

_VERSIONS = ("nbgrader", "numpy", "scipy", "torch", "weight-initialization-course")

Scores = dict[str, float | None]


def grader() -> str:
    """Return who grades; in some containers a user id has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def failure(student: str, assignment: str, notebook: str, why: str, scores: Scores) -> audit.Entry:
    """Return the log's entry on a submission that could not be graded.

    Args:
        student: whose it is.
        assignment: its name.
        notebook: its name.
        why: a sentence.
        scores: what the gradebook has now, by cell: those of an earlier grading, or none.
    """
    return {
        "when": _now(),
        "who": grader(),
        "student": student,
        "assignment": assignment,
        "notebook": notebook,
        "submission": "",
        "seconds": 0.0,
        "seed": "",
        "versions": {name: version(name) for name in _VERSIONS},
        "scores": dict(sorted(scores.items())),
        "mistakes": {},
        "flagged": True,
        "remarks": [f"Not graded: {why}"],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record(NbGraderPreprocessor):
    """Stands after SaveAutoGrades, and reads from the gradebook what that has saved."""

    log_file = Unicode(
        audit.FILE, help="The audit log, relative to the course root; see grading.recording.audit."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Flag and log one notebook's grading."""
        submission = resources["nbgrader"]
        remarks: Remarks = resources["remarks"]
        execution = resources[EXECUTION]
        problems = [remarks.unreadable] if remarks.unreadable else []
        if execution.get("died") is not None:
            problems.append("The Python process ended before the last cell.")
        if execution.get("limit") is not None:
            problems.append(f"A limit struck: {execution['limit']}.")
        problems += resources[PROBLEMS]
        with Gradebook(submission["db_url"]) as gradebook:
            graded = gradebook.find_submission_notebook(
                submission["notebook"], submission["assignment"], submission["student"]
            )
            automatic = [grade for grade in graded.grades if grade.cell.cell_type == "code"]
            if problems:
                for grade in automatic:
                    grade.needs_manual_grade = True
                gradebook.db.commit()
            scores = {grade.name: grade.auto_score for grade in automatic}
        entry = {
            "when": _now(),
            "who": grader(),
            "student": submission["student"],
            "assignment": submission["assignment"],
            "notebook": submission["notebook"],
            "submission": remarks.digest,
            "seconds": round(execution.get("seconds", 0.0), 1),
            "seed": str(execution.get("seed", "")),
            "versions": {name: version(name) for name in _VERSIONS},
            "scores": dict(sorted(scores.items())),
            "mistakes": {
                name: verdict.mistake
                for name, verdict in sorted(resources["verdicts"].items())
                if verdict.mistake
            },
            "flagged": bool(problems),
            "remarks": [*problems, *remarks.repairs],
        }
        resources["flagged"] = entry["flagged"]
        before = audit.append(Path(self.log_file), entry)
        if before is not None:
            changed = audit.changes(before, entry)
            self.log.warning(
                "Graded before, at %s. Changed: %s", before["when"], "; ".join(changed) or "nothing"
            )
        return nb, resources
