"""Wires the course to nbgrader: read by every nbgrader command that is run in this folder."""

# mypy: disable-error-code="name-defined"
import sys
from pathlib import Path
from typing import Any

c = get_config()  # noqa: F821 - nbgrader defines it while it reads this file

# The course's own package is found beside this file, whatever folder the command was typed in.
_folder = str(Path(__file__).resolve().parent)
if _folder not in sys.path:
    sys.path.insert(0, _folder)

# Submissions are read and repaired by the course's own autograder, a subclass of nbgrader's, for
# which nbgrader has no setting. Without it nbgrader's would run student code with your rights, so
# nothing is graded then. (Where not even this file can be read, nbgrader_config.json sees to that.)
# Collecting takes what a student owns, and follows no link out of a submission; feedback is
# released under the name that a student has given a notebook, too. All three keep the exchange's
# folders closed.
try:
    from grading.autograde import install
    from grading.course.terminal import guard_nbgrader
    from grading.intake.collect import CourseCollect
except ImportError as error:
    from nbgrader.apps import api, autogradeapp
    from nbgrader.converters.base import NbGraderException
    from nbgrader.exchange import ExchangeError
    from nbgrader.exchange.default import ExchangeCollect
    from traitlets.config import LoggingConfigurable

    _why = (
        f"{sys.executable} cannot import the course's autograder ({error}). "
        f"Install the course there: pip install --editable {_folder}"
    )

    class _RefusingAutograde(LoggingConfigurable):
        def __init__(self, coursedir: Any = None, **options: Any) -> None:
            super().__init__(**options)

        def start(self, why: str = _why, failure: type[Exception] = NbGraderException) -> None:
            self.log.error("Nothing was graded: %s", why)
            raise failure(why)

    class _RefusingCollect(ExchangeCollect):
        def start(self, why: str = _why, failure: type[Exception] = ExchangeError) -> None:
            self.log.error("Nothing was collected: %s", why)
            raise failure(why)

    api.Autograde = autogradeapp.Autograde = _RefusingAutograde
    c.ExchangeFactory.collect = _RefusingCollect
else:
    install()
    guard_nbgrader()
    c.ExchangeFactory.collect = CourseCollect
    c.ExchangeFactory.release_assignment = "grading.course.exchange_folders.CourseReleaseAssignment"
    c.ExchangeFactory.release_feedback = "grading.handing_back.release.CourseReleaseFeedback"

# nbgrader's format without its colors: whatever else steers a terminal is shown as an escape, lest
# a student's signs reach it (grading/course/terminal.py).
c.NbGrader.log_format = "[%(name)s | %(levelname)s] %(message)s"

# The name under which assignments travel through the exchange. Students give the same name, or
# their site's nbgrader_config.py does. Where the exchange lies is the site's matter as well:
# nbgrader's default, /usr/local/share/nbgrader/exchange, or `c.Exchange.root` in the site's file.
c.CourseDirectory.course_id = "weight-initialization"

# What never travels with an assignment: nbgrader's own list, then the data that the lesson loads
# into data/FashionMNIST (86 MB beside every submission otherwise) and what tools leave behind.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "FashionMNIST",
    ".DS_Store",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
]

# nbgrader's own list, with stubs that an assignment chooses, in its language.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "nbgrader.preprocessors.LockCells",
    "grading.authoring.stubs.ClearSolutionsInLanguage",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# The rubric for the written answers stands between mark-scheme marks in a read-only cell of the
# source: cleared from the release, and restored in the notebook that formgrader shows to whoever
# grades. nbgrader expects the marks in task cells alone, which a student must answer in.
c.ClearMarkScheme.enforce_metadata = False

# Seconds to wait for outputs after a cell has finished. Figures come late on a loaded machine,
# and with the default of 4 s nbgrader then drops the whole submission.
c.Execute.iopub_timeout = 30

# Neither this list of nbgrader's nor the next ends in CheckCellMetadata any more: a submission gets
# its marks from the release, where they were checked, and the check takes a fifth of the time that
# is spent outside the sandbox.
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
]

# nbgrader's own list with SandboxedExecute in place of Execute, and five additions.
# SandboxedExecute runs student code in a sandbox, gives the hidden tests a seed that a regrade
# repeats, and keeps a submission whose kernel died; its limits are settings, such as
# c.SandboxedExecute.memory_mebibytes. Judge replaces the outputs of every test cell by the verdict
# on what the test observed; it stands before everything that reads outputs, so that neither
# warnings on stderr nor anything else a kernel prints can score. SafePages takes out what could run
# on a page; ShowRemarks tells student and instructor what had to be repaired; GradeUnanswered keeps
# empty answers from waiting for a person; Record flags what a person should look at, and writes the
# audit log (grading_log.jsonl; python -m grading audit).
# The names are strings so that commands which do not grade start without importing SciPy.
c.Autograde.autograde_preprocessors = [
    "grading.running.sandboxed_execute.SandboxedExecute",
    "grading.judging.judge.Judge",
    "grading.feedback.safe_pages.SafePages",
    "grading.intake.remarks.ShowRemarks",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "grading.recording.answers.GradeUnanswered",
    "grading.recording.record.Record",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# Feedback pages have the course's own template, grading/templates/course_feedback: points on top,
# each verdict in its place, no script. DescribeGrades reads the gradebook for it; without
# HideInstructorsParts a page shows the hidden tests, and without EmbedFigures it lacks the lesson's
# figures, because nbgrader hands out the page alone.
c.GenerateFeedback.exporter_class = "grading.feedback.exporter.FeedbackExporter"
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "grading.feedback.exporter.DescribeGrades",
    "grading.feedback.preprocessors.HideInstructorsParts",
    "grading.feedback.preprocessors.EmbedFigures",
]

# `nbgrader export` writes nbgrader's table, but no cell that a spreadsheet program would run: a
# student's id is the name of a folder, and may be =HYPERLINK("http://...").
c.ExportApp.plugin_class = "grading.reports.exporters.GradesExporter"

# The module that judges an assignment's hidden tests. An assignment without one is graded as
# nbgrader grades it, in the same sandbox.
c.Assignments.modules = dict.fromkeys(
    ["weight_initialization", "weight_initialization_zh"], "grader_tests.assignment"
)

# What a late submission costs: nothing, by default. PointsPerDay and CutOff are the others; see
# grading/recording/late_policies.py. An extension given in the gradebook counts before any of them.
c.AssignLatePenalties.plugin_class = "grading.recording.late_policies.LatePolicy"
