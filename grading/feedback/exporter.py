"""Writes feedback pages: the gradebook's entries and the graded notebook, by the course's template.

nbgrader's `generate_feedback` and formgrader's button use it because nbgrader_config.py names it as
`c.GenerateFeedback.exporter_class`.
"""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbconvert.exporters import Exporter, HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, SubmittedNotebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_solution
from traitlets import Unicode
from traitlets.config import Config

from grading.assignment import Assignments
from grading.course.language import read_language
from grading.course.names import shown
from grading.errors import GradingError
from grading.feedback import page as feedback_page
from grading.feedback import rendering as feedback_rendering
from grading.feedback import sections as feedback_sections
from grading.feedback.cuts import Allowance, shown_outputs
from grading.feedback.handing_in import HandedIn, Lateness, full_name
from grading.feedback.limited_work import WorkLimits, work_through
from grading.feedback.page import PAGE, Page, build_page
from grading.feedback.parts import Grade
from grading.feedback.sections import is_given
from grading.recording import audit
from grading.recording.attempts import Attempts, attempts_of
from grading.recording.record import Record
from grading.submission import Remarks
from grading.words import words

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "course_feedback"

_LIMITS = WorkLimits(seconds=20, all_seconds=30)


class PageFailed(GradingError):
    """A feedback page could not be made, not even without what the student wrote."""


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
                Assignments(parent=self).of(names["assignment"]),
                {
                    comment.name: comment.manual_comment
                    for comment in notebook.comments
                    if comment.manual_comment
                },
                self._lateness(notebook),
                self._handed_in(nb, notebook, language),
            )
        return nb, resources

    def _lateness(self, notebook: SubmittedNotebook) -> Lateness | None:
        submission = notebook.assignment
        if submission.total_seconds_late <= 0:
            return None
        return Lateness(
            submission.timestamp - submission.duedate,
            self._local(submission.duedate),
            notebook.late_submission_penalty or 0.0,
        )

    def _handed_in(self, nb: NotebookNode, notebook: SubmittedNotebook, language: str) -> HandedIn:
        submission, remarks = notebook.assignment, Remarks.read(nb)
        student = submission.student
        time, deadline = (
            None if each is None else self._local(each)
            for each in (submission.timestamp, submission.duedate)
        )
        log = Path(Record(parent=self).log_file)
        of = (student.id, submission.name, notebook.name)
        attempts, made = Attempts(parent=self), attempts_of(log, student.id, submission.name)
        return HandedIn(
            student=shown(full_name(student.first_name, student.last_name, student.id)),
            notebook=notebook.name,
            page_made=datetime.now(UTC),
            time=time,
            deadline=deadline,
            before=audit.scores_before(log, of, remarks.digest),
            unreadable=remarks.unreadable,
            attempt=attempts.sentence(made, remarks.digest, words(language)["feedback"]),
            may_follow=not attempts.are_used_up(made),
            counts=attempts.counts,
        )

    def _local(self, time: datetime) -> datetime:
        """Return one of the gradebook's times, which are in UTC, by the course's clocks."""
        aware = time.replace(tzinfo=UTC)
        try:
            return aware.astimezone(ZoneInfo(self.config.Exchange.get("timezone", "UTC")))
        except (ZoneInfoNotFoundError, ValueError):
            return aware


def _grade(entry: Any) -> Grade:
    return Grade(
        score=entry.score,
        points=entry.max_score,
        waiting=entry.needs_manual_grade,
        automatic=entry.auto_score,
        manual=entry.manual_score,
    )


class FeedbackExporter(HTMLExporter):
    """Puts a page into words, pictures and formulas that need no script and no network."""

    def from_notebook_node(  # type: ignore[override]  # as in HTMLExporter
        self, nb: NotebookNode, resources: ResourcesDict | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page, cut to what a page shows.

        It is made in a child process with limits of time and memory. Where they are reached, the
        page has the points and the verdicts, and of what the student wrote nothing.

        Raises:
            PageFailed: not even that could be made.
        """
        # The preprocessors alone, which read the gradebook.
        nb, found = Exporter.from_notebook_node(self, nb, resources, **options)
        page: Page = found[PAGE]

        def render(version: NotebookNode) -> str:
            self._preprocessors = []  # they have run; this is the child's own exporter
            return str(super(FeedbackExporter, self).from_notebook_node(version, found)[0])

        for version in (_shown, _without_students_parts):
            (made,) = work_through(render, [version(nb, page)], _LIMITS)
            if made is not None:
                return made, found
            self.log.warning("A part of the page was too much work, so it is left out.")
        raise PageFailed(
            "The page could not be made within 20 s and 1 GiB; free memory, and generate it again."
        )

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
            feedback_sections.sections,
            feedback_page.number,
        ):
            yield f"page_{render.__name__}", render

    def _init_resources(self, resources: ResourcesDict) -> ResourcesDict:
        resources = super()._init_resources(resources)
        folder = TEMPLATES / TEMPLATE
        resources["page_style"] = (folder / "page.css").read_text(encoding="utf-8")
        resources["code_style"] = feedback_rendering.style()
        return resources


def _shown(nb: NotebookNode, page: Page) -> NotebookNode:
    """Return the notebook with as much of the student's part as a page shows."""
    nb = deepcopy(nb)
    allowance = Allowance(page.language)
    # Answers come before what else there is, should not all have room.
    for cell in sorted(nb.cells, key=lambda cell: not is_solution(cell)):
        if is_given(cell):
            continue
        start = allowance.shown(cell.source)
        if len(start) < len(cell.source):
            cell.source, cell["cut"] = start, allowance.notice
    for cell in nb.cells:
        if cell.cell_type == "code" and not _is_verdict(cell, page):
            cell.outputs = shown_outputs(cell.outputs, allowance)
    return nb


def _without_students_parts(nb: NotebookNode, page: Page) -> NotebookNode:
    """Return the notebook with a sentence in place of what the student wrote and printed."""
    nb = deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code" and not _is_verdict(cell, page):
            cell.outputs = []
        if not is_given(cell):
            cell.source, cell["cut"] = "", page.words["not_shown"]
            cell.pop("attachments", None)
    return nb


def _is_verdict(cell: NotebookNode, page: Page) -> bool:
    part = page.part(cell)
    return part is not None and part.verdict is not None
