"""Writes feedback pages: the gradebook's entries and the graded notebook, by the course's template.

nbgrader's `generate_feedback` and formgrader's button use it because nbgrader_config.py names it as
`c.GenerateFeedback.exporter_class`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, SubmittedNotebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode
from traitlets.config import Config

from grading import feedback_page, feedback_rendering
from grading.feedback_page import Grade, Lateness, build_page
from grading.language import read_language

PAGE = "feedback_page"
"""Where the preprocessor leaves the page for the template, in the resources."""

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "course_feedback"


class DescribeGrades(NbGraderPreprocessor):
    """Reads the gradebook; stands before whatever hides the mark scheme, from which it quotes."""

    folder = Unicode(
        "source/{assignment}",
        help="Where the assignment says its language, relative to the course root.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Leave the page in `resources`; `nb` stays as it is."""
        names = resources["nbgrader"]
        language = read_language(Path(self.folder.format(assignment=names["assignment"])))
        with Gradebook(names["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(
                names["notebook"], names["assignment"], names["student"]
            )
            resources[PAGE] = build_page(
                nb,
                {grade.name: _grade(grade) for grade in notebook.grades},
                language,
                {
                    comment.name: comment.manual_comment
                    for comment in notebook.comments
                    if comment.manual_comment
                },
                _lateness(notebook),
            )
        return nb, resources


def _grade(entry: Any) -> Grade:
    return Grade(
        score=entry.score,
        points=entry.max_score,
        waiting=entry.needs_manual_grade,
        automatic=entry.auto_score,
        manual=entry.manual_score,
    )


def _lateness(notebook: SubmittedNotebook) -> Lateness | None:
    submission = notebook.assignment
    if submission.total_seconds_late <= 0:
        return None
    deadline = submission.duedate
    return Lateness(
        submission.timestamp - deadline, deadline, notebook.late_submission_penalty or 0.0
    )


class FeedbackExporter(HTMLExporter):
    """Puts a page into words, pictures and formulas that need no script and no network."""

    @property
    def default_config(self) -> Config:
        """The course's template; nbgrader sets its own for every HTMLExporter."""
        config = Config(
            {
                "FeedbackExporter": {
                    "template_name": TEMPLATE,
                    "extra_template_basedirs": [str(TEMPLATES)],
                }
            }
        )
        inherited = super().default_config
        inherited.merge(config)
        return inherited

    def default_filters(self) -> Iterable[tuple[str, Any]]:
        """Return nbconvert's filters and those of the page."""
        yield from super().default_filters()
        for render in (
            feedback_rendering.markdown,
            feedback_rendering.code,
            feedback_rendering.sentence,
            feedback_rendering.outputs,
            feedback_rendering.picture,
            feedback_page.sections,
            feedback_page.number,
        ):
            yield f"page_{render.__name__}", render

    def _init_resources(self, resources: ResourcesDict) -> ResourcesDict:
        resources = super()._init_resources(resources)
        folder = TEMPLATES / TEMPLATE
        resources["page_style"] = (folder / "page.css").read_text(encoding="utf-8")
        resources["code_style"] = feedback_rendering.style()
        return resources
