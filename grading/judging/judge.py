"""Turns what hidden tests observed into verdicts, outside the kernel that ran student code.

nbgrader reads a score off a test cell's outputs, and everything in a kernel can write outputs. So
the outputs of a test cell are taken away, all of them, and replaced by the verdict that the
assignment's judge reaches from the observation alone. A test that is none of its criteria stays
nbgrader's to score; `plain_tests` sees to it that such a test has run to its end.
"""

import base64
import html
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_solution

from grading.assignment import Assignment, Assignments, Verdict
from grading.course.language import language_of
from grading.errors import GradingError
from grading.judging import plain_tests, stored_verdicts
from grading.judging.reasons import (
    deleted_name,
    what_is_odd,
    why_cut_short,
    why_not_bound,
    without_cell_number,
)
from grading.submission import Submission
from grading.words import say

_ERROR_NAMES = {"incorrect": "Incorrect", "not attempted": "NotAttempted"}


class NotExecuted(GradingError):
    """A submission reached the judge without having been run."""


class Judge(NbGraderPreprocessor):
    """Replaces the outputs of every hidden test by the verdict on its observation.

    It stands directly after Execute in `Autograde.autograde_preprocessors`. The verdicts stay in
    the notebook (`stored_verdicts`) and with the submission, and so does what a person should look
    at.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Judge every criterion's cell of `nb` in place.

        Raises:
            NotExecuted: the outputs are the student's own, as `nbgrader autograde --no-execute`
                leaves them; nothing in them can be trusted with a score.
        """
        submission = Submission.of(resources)
        if submission.run is None:
            raise NotExecuted(
                "This course grades what it has run itself. Run nbgrader autograde without "
                "--no-execute."
            )
        assignment = Assignments(parent=self).of(resources["nbgrader"]["assignment"])
        language = language_of(resources)
        solution: NotebookNode | None = None
        stored_verdicts.forget(nb)
        taken = _take_all(nb, assignment)
        alone = {_grade_id(nb.cells[i]): each[0] for i, each in taken.items() if len(each) == 1}
        completed = assignment.complete(alone) if assignment else {}
        for index, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            grade_id = _grade_id(cell)
            if assignment and grade_id in assignment.CRITERIA:
                count = len(taken[index])
                title = f'"{assignment.title(grade_id, "en")}"'
                reason = _why_none(submission, nb, index, solution, count, language)
                if not reason and submission.run.confirmed.get(grade_id) is False:
                    reason = say(language, "judge.not_confirmed")
                    submission.problems.append(
                        f"What the observation of {title} claims did not come out so again."
                    )
                observation = None if reason else completed[grade_id]
                self._judge(submission, assignment, cell, observation, reason, language)
                if problem := what_is_odd(submission, nb, index, solution, reason, title):
                    submission.problems.append(problem)
            elif plain_tests.is_automatic_test(cell):
                if problem := plain_tests.settle(submission, cell, index, language):
                    submission.problems.append(problem)
            elif is_solution(cell):
                solution = cell
        return nb, resources

    def _judge(
        self,
        submission: Submission,
        assignment: Assignment,
        cell: NotebookNode,
        observation: Any,
        reason: str,
        language: str,
    ) -> None:
        """Put the verdict on an observation, or on its absence, into a criterion's cell."""
        criterion = cell.metadata.nbgrader["grade_id"]
        evidence: list[NotebookNode] = []
        if reason:
            verdict = assignment.no_observation(criterion, reason, language)
        else:
            verdict = assignment.judge(criterion, observation, language, submission.seed)
            if not verdict.passed:
                drawn = assignment.evidence(criterion, observation, language)
                evidence = _evidence_outputs(*drawn) if drawn else []
        cell.outputs = [*verdict_outputs(verdict), *evidence]
        stored_verdicts.store(cell, verdict)
        submission.verdicts[criterion] = verdict
        if verdict.foreign:
            submission.problems.append(f"The observation of {criterion} is not of this grading.")
        self.log.info("%s: %s (%s)", criterion, verdict.outcome, verdict.sentence)


def verdict_outputs(verdict: Verdict) -> list[NotebookNode]:
    """Return the outputs from which nbgrader reads all points for a verdict, or none.

    `nbgrader.utils.determine_grade` gives 0 for an error, and full marks for what is displayed. The
    sentence may quote the student, so it is escaped where it becomes HTML.
    """
    if not verdict.passed:
        name = _ERROR_NAMES.get(verdict.outcome, "Incorrect")
        sentence = verdict.sentence
        return [new_output("error", ename=name, evalue=sentence, traceback=[sentence])]
    return [
        new_output(
            "display_data",
            data={
                "text/html": f"<p>{html.escape(verdict.sentence)}</p>",
                "text/plain": verdict.sentence,
            },
        )
    ]


def _evidence_outputs(picture: bytes, caption: str) -> list[NotebookNode]:
    """Return the picture of what is behind a verdict, with its caption."""
    encoded = base64.b64encode(picture).decode("ascii")
    return [
        new_output("display_data", data={"image/png": encoded, "text/plain": caption}),
        new_output("display_data", data={"text/plain": caption}),
    ]


def _grade_id(cell: NotebookNode) -> Any:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _take_all(nb: NotebookNode, assignment: Assignment | None) -> dict[int, list[dict[str, Any]]]:
    """Remove the observations of all cells; return those of the criteria, by the cell's place."""
    taken = {}
    for index, cell in enumerate(nb.cells if assignment else ()):
        if assignment and cell.cell_type == "code":
            found = _take_observations(cell, assignment.MIME_TYPE)
            if _grade_id(cell) in assignment.CRITERIA:
                taken[index] = [each for each in found if isinstance(each, dict)]
    return taken


def _take_observations(cell: NotebookNode, mime_type: str) -> list[Any]:
    """Remove every observation from the cell's outputs and return them, in order."""
    observations = []
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if mime_type in data:
            observations.append(data.pop(mime_type))
            output.get("metadata", {}).pop(mime_type, None)
            if not data:
                continue
        kept.append(output)
    cell.outputs = kept
    return observations


def _why_none(
    submission: Submission,
    nb: NotebookNode,
    index: int,
    solution: NotebookNode | None,
    count: int,
    language: str,
) -> str:
    """Say why the test cell at `index` has no single observation; "" where it has."""
    cell = nb.cells[index]
    if count == 1:
        return ""
    ran = cell.get("execution_count") is not None
    if reason := why_cut_short(submission, index, ran, language):
        return reason
    if count > 1:
        return say(language, "judge.several", count=count)
    # An error in the exercise's own cell explains the test's, which is mostly a NameError.
    for what, source in (("exercise", solution), ("test", cell)):
        for output in source.outputs if source is not None else []:
            if output.output_type != "error":
                continue
            named = say(language, f"judge.{what}")
            if output.ename == "CellTimeoutError":
                return say(language, "judge.timeout", what=named)
            exercise = "" if solution is None else solution.source
            if what == "test" and (reason := why_not_bound(exercise, output, language)):
                return reason
            error = without_cell_number(f"{output.ename}: {output.evalue}")
            reason = say(language, "judge.error", what=named, error=error)
            lost = deleted_name(error, submission, nb, index)
            return say(language, "judge.deleted", error=reason, name=lost) if lost else reason
    return say(language, "judge.nothing" if ran else "judge.not_run")
