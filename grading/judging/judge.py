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

from grader_tests import assignment
from grader_tests.judge import verdicts as criteria
from grader_tests.judge.verdicts import Verdict
from grader_tests.observation import MIME_TYPE
from grading.judging import plain_tests, stored_verdicts
from grading.running.execute import EXECUTION
from grading.words.judge_words import WORDS, why_cut_short, without_cell_number

_ERROR_NAMES = {"incorrect": "Incorrect", "not attempted": "NotAttempted", "correct": "Incorrect"}


PROBLEMS = "problems"
"""Key in the conversion's resources: what a person should look at, a list of sentences."""


class NotExecuted(Exception):
    """A submission reached the judge without having been run."""


class Judge(NbGraderPreprocessor):
    """Replaces the outputs of every hidden test by the verdict on its observation.

    It stands directly after Execute in `Autograde.autograde_preprocessors`. The verdicts stay in
    the notebook (`grading.judging.stored_verdicts`), and go to `resources["verdicts"]`, a dict from
    criterion to Verdict. `resources[PROBLEMS]` lists what a person should look at.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Judge every criterion's cell of `nb` in place.

        Raises:
            NotExecuted: the outputs are the student's own, as `nbgrader autograde --no-execute`
                leaves them; nothing in them can be trusted with a score.
        """
        if EXECUTION not in resources:
            raise NotExecuted(
                "This course grades what it has run itself. Run nbgrader autograde without "
                "--no-execute."
            )
        execution = resources[EXECUTION]
        language = _language(resources)
        verdicts: dict[str, Verdict] = {}
        problems: list[str] = []
        solution: NotebookNode | None = None
        stored_verdicts.forget(nb)
        for index, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            observations = _take_observations(cell)
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id in criteria.CRITERIA:
                evidence: list[NotebookNode] = []
                if len(observations) == 1 and isinstance(observations[0], dict):
                    seed = execution.get("seed")
                    verdict = criteria.judge(grade_id, observations[0], language, seed)
                    if not verdict.passed:
                        evidence = _evidence_outputs(grade_id, observations[0], language)
                else:
                    reason = _why_none(nb, index, solution, len(observations), execution, language)
                    verdict = criteria.no_observation(grade_id, reason, language)
                cell.outputs = [*verdict_outputs(verdict), *evidence]
                stored_verdicts.store(cell, verdict)
                verdicts[grade_id] = verdict
                if verdict.foreign:
                    problems.append(f"The observation of {grade_id} is not of this grading.")
                self.log.info("%s: %s (%s)", grade_id, verdict.outcome, verdict.sentence)
            elif plain_tests.is_automatic_test(cell):
                if problem := plain_tests.settle(cell, index, execution, language):
                    problems.append(problem)
            elif is_solution(cell):
                solution = cell
        resources["verdicts"] = verdicts
        resources[PROBLEMS] = problems
        return nb, resources


def verdict_outputs(verdict: Verdict) -> list[NotebookNode]:
    """Return the outputs from which nbgrader reads no points or all.

    `nbgrader.utils.determine_grade` gives 0 for an error and full marks for anything else. The
    sentence may quote the student, so it is escaped where it becomes HTML.
    """
    if not verdict.passed:
        return [
            new_output(
                "error",
                ename=_ERROR_NAMES[verdict.outcome],
                evalue=verdict.sentence,
                traceback=[verdict.sentence],
            )
        ]
    sentence = new_output(
        "display_data",
        data={
            "text/html": f"<p>{html.escape(verdict.sentence)}</p>",
            "text/plain": verdict.sentence,
        },
    )
    return [sentence]


def _evidence_outputs(
    criterion: str, observation: dict[str, Any], language: str
) -> list[NotebookNode]:
    """Return the picture of the weights behind a verdict, with its caption, if there is one."""
    drawn = assignment.evidence(criterion, observation, language)
    if drawn is None:
        return []
    image, caption = drawn
    encoded = base64.b64encode(image).decode("ascii")
    return [
        new_output("display_data", data={"image/png": encoded, "text/plain": caption}),
        new_output("display_data", data={"text/plain": caption}),
    ]


def _language(resources: ResourcesDict) -> str:
    """Return the language of the assignment's edition."""
    assignment = resources.get("nbgrader", {}).get("assignment", "")
    return "zh" if assignment.endswith("_zh") else "en"


def _take_observations(cell: NotebookNode) -> list[Any]:
    """Remove every observation from the cell's outputs and return them, in order."""
    observations = []
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if MIME_TYPE in data:
            observations.append(data.pop(MIME_TYPE))
            output.get("metadata", {}).pop(MIME_TYPE, None)
            if not data:
                continue
        kept.append(output)
    cell.outputs = kept
    return observations


def _why_none(
    nb: NotebookNode,
    index: int,
    solution: NotebookNode | None,
    count: int,
    execution: dict[str, Any],
    language: str,
) -> str:
    """Say why the test cell at `index` yields no single observation."""
    cell, words = nb.cells[index], WORDS[language]
    ran = cell.get("execution_count") is not None
    if reason := why_cut_short(execution, index, ran, language):
        return reason
    if count > 1:
        return words["several"].format(count=count)
    # An error in the exercise's own cell explains the test's, which is mostly a NameError.
    for what, source in (("exercise", solution), ("test", cell)):
        for output in source.outputs if source is not None else []:
            if output.output_type != "error":
                continue
            if output.ename == "CellTimeoutError":
                return words["timeout"].format(what=words[what])
            error = without_cell_number(f"{output.ename}: {output.evalue}")
            return words["error"].format(what=words[what], error=error)
    return words["not_run" if cell.get("execution_count") is None else "nothing"]
