"""Makes feedback pages from what hidden tests observed, as nbgrader does but without a run."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade, is_grade
from traitlets.config import Config

from grader_tests.observation import MIME_TYPE
from grading.assignment import Assignments
from grading.feedback.exporter import FeedbackExporter
from grading.feedback.handing_in import HandedIn, Lateness
from grading.feedback.page import PAGE, build_page
from grading.feedback.parts import Grade
from grading.feedback.preprocessors import EmbedFigures, HideInstructorsParts
from grading.feedback.safe_pages import SafePages
from grading.judging.judge import Judge
from grading.recording.answers import is_unanswered, is_written_answer
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT
from tests.steps import EDITIONS, SETTINGS, resources_of

MODULE = Assignments(config=SETTINGS).of(EDITIONS[0])


@cache
def _source(language: str) -> str:
    edition = EDITIONS[language == "zh"]
    path = COURSE_ROOT / "source" / edition / f"{ASSIGNMENT}.ipynb"
    return path.read_text(encoding="utf-8")


def graded_notebook(
    sources: Mapping[str, str], observations: Mapping[str, Any], language: str = "en"
) -> NotebookNode:
    """Return a notebook as it is after autograding.

    Args:
        sources: what the student wrote, by grade id; other answers are the instructor's.
        observations: what the hidden tests observed, by grade id; the others did not run.
        language: "en" or "zh".
    """
    nb = nbformat.reads(_source(language), as_version=4)
    for cell in nb.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in sources:
            cell.source = sources[grade_id]
        if grade_id in observations:
            observation = json.loads(json.dumps(observations[grade_id]))
            cell.outputs = [new_output("display_data", data={MIME_TYPE: observation})]
    resources = resources_of(EDITIONS[language == "zh"])
    for step in (Judge(config=SETTINGS), SafePages()):
        nb, resources = step.preprocess(nb, resources)
    return nb


def automatic_grades(nb: NotebookNode) -> dict[str, Grade]:
    """Return what is recorded of a graded notebook; an empty answer waits for nobody."""
    grades = {}
    for cell in nb.cells:
        if is_grade(cell):
            score, points = determine_grade(cell)
            if is_written_answer(cell) and is_unanswered(cell):
                score = 0.0
            grades[cell.metadata.nbgrader.grade_id] = Grade(
                score or 0.0, points, waiting=score is None, automatic=score
            )
    return grades


def feedback_page(
    nb: NotebookNode,
    grades: Mapping[str, Grade],
    language: str = "en",
    comments: Mapping[str, str] | None = None,
    lateness: Lateness | None = None,
    handed_in: HandedIn | None = None,
) -> str:
    """Return the HTML of a graded notebook, which is not changed."""
    nb = deepcopy(nb)
    resources = ResourcesDict()
    resources["nbgrader"] = {"assignment": EDITIONS[language == "zh"]}
    resources["metadata"] = ResourcesDict(path=str(Path.cwd()))
    resources[PAGE] = build_page(nb, grades, language, MODULE, comments, lateness, handed_in)
    figures = EmbedFigures()
    figures.folder = str(COURSE_ROOT / "source/{assignment}")
    # As nbgrader_config.py has it.
    settings = Config({"ClearMarkScheme": {"enforce_metadata": False}})
    for step in (HideInstructorsParts(config=settings), figures):
        nb, resources = step.preprocess(nb, resources)
    page, _ = _exporter().from_notebook_node(nb, resources)
    return str(page)


@cache
def _exporter() -> FeedbackExporter:
    return FeedbackExporter()
