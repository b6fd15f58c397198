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

from grading.assignment import Assignments
from grading.recording import audit
from grading.submission import Remarks, Submission

_VERSIONS = ("nbgrader", "numpy", "scipy")

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
        "versions": {},
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
        names, submission = resources["nbgrader"], Submission.of(resources)
        remarks, run = submission.remarks, submission.run
        assignment = Assignments(parent=self).of(names["assignment"])
        problems = list(map(str, remarks.for_a_person))
        if run is not None and run.died is not None:
            problems.append("The Python process ended before the last cell.")
        if run is not None and run.limit is not None:
            problems.append(f"A limit struck: {run.limit}.")
        if run is not None and run.broke is not None:
            problems.append(
                f"Cell {run.broke} made the run break down, while another notebook ran well."
            )
        problems += submission.problems
        with Gradebook(names["db_url"]) as gradebook:
            graded = gradebook.find_submission_notebook(
                names["notebook"], names["assignment"], names["student"]
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
            "student": names["student"],
            "assignment": names["assignment"],
            "notebook": names["notebook"],
            "submission": remarks.digest,
            "seconds": round(run.seconds if run else 0.0, 1),
            "seed": str(submission.seed or ""),
            "versions": {
                name: version(name)
                for name in (*_VERSIONS, *(assignment.VERSIONS if assignment else ()))
            },
            "scores": dict(sorted(scores.items())),
            "mistakes": {
                name: verdict.mistake
                for name, verdict in sorted(submission.verdicts.items())
                if verdict.mistake
            },
            "flagged": bool(problems),
            "remarks": list(dict.fromkeys([*problems, *map(str, remarks.repairs)])),
        }
        # By these it is told whether something else is handed in later, and what a page says.
        Remarks((), remarks.unreadable, remarks.digest, remarks.work).write(nb)
        submission.flagged = bool(problems)
        before = audit.append(Path(self.log_file), entry)
        if before is not None:
            changed = audit.changes(before, entry)
            self.log.warning(
                "Graded before, at %s. Changed: %s", before["when"], "; ".join(changed) or "nothing"
            )
        return nb, resources
