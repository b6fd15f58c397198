"""Grades one submission after the other: `CourseAutograde.grade_notebook` shows the steps.

It is nbgrader's autograder with the course's steps, and the one place that leans on nbgrader's
internals. nbgrader 0.9.6 has no setting for the class that autogrades: nbgrader_config.py calls
`install`, which puts `CourseAutograde` where the command and formgrader's button look for it.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import nbformat
from nbconvert.exporters import Exporter, NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.apps import api, autogradeapp, generateassignmentapp, generatefeedbackapp
from nbgrader.converters import Autograde, NbGraderException, base
from nbgrader.converters.base import BaseConverter
from nbgrader.utils import find_all_files, setenv
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Type, default

from grading import steps
from grading.assignment import Assignments
from grading.attempt import Attempt
from grading.authoring.generate import CourseGenerateAssignment
from grading.course import course_folder
from grading.course.names import shown
from grading.course.package_files import copy_packages
from grading.handing_back.generate import CourseGenerateFeedback
from grading.in_force import not_in_force, what_is_missing
from grading.intake import submitted_folders
from grading.intake.release import other_names, read_release, released_names
from grading.intake.take_in import take_in
from grading.intake.work_digest import is_other_work
from grading.intake.working_folder import Selection, reserved_names, select_files
from grading.judging.judge import Judge
from grading.preconditions import Refused, check_machine, check_release
from grading.recording import audit
from grading.recording.record import Record, failure
from grading.running.sandboxed_execute import SandboxedExecute
from grading.submission import Run, Submission


class RestoringExporter(NotebookExporter):
    """Reads a submission as the release with the student's work in it.

    nbgrader_config.json names it as well. So nbgrader's own autograder, which is in force where
    nbgrader_config.py could not be read, ends here.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not isinstance(self.parent, CourseAutograde):
            raise not_in_force(
                self, "nbgrader_config.py was not read to its end; the error is shown above"
            )

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Convert a notebook of the submitted folder, restored.

        Raises:
            ReleaseMissing: the release has no such notebook.
        """
        converter = cast(CourseAutograde, self.parent)
        path, assignment = Path(filename), (resources or {})["nbgrader"]["assignment"]
        release = read_release(converter.coursedir, assignment, path.stem)
        others = other_names(converter.coursedir, assignment, path.stem)
        files = converter.selected_files(path.parent)
        module = Assignments(parent=converter).of(assignment)
        notebook = take_in(path, release, files, others, module.NAMES if module else None)
        metadata = ResourcesDict(name=path.stem, path=str(path.parent))
        told = ResourcesDict(**(resources or {}) | {"metadata": metadata})
        return self.from_notebook_node(notebook, told, **options)


class CourseAutograde(Autograde):
    """Grades every submission there is, whatever state it is in, and leaves no stale score."""

    exporter_class = Type(RestoringExporter, klass=Exporter).tag(config=True)

    def selected_files(self, submission: Path) -> Selection:
        """Return which files of a submission are used."""
        name = submission.name
        release = self.coursedir.format_path(self.coursedir.release_directory, ".", name)
        most = SandboxedExecute(parent=self).files_mebibytes
        reserved = reserved_names(Assignments(parent=self).of(name))
        ignored = self.coursedir.ignore
        changeable = [Path(file) for file in self.exclude_overwriting.get(name, [])]
        return select_files(submission, Path(release), most, ignored, reserved, changeable)

    def start(self) -> None:
        """Grade what there is to grade, if the settings name the sandbox and the judge.

        Raises:
            AutograderNotInForce: they do not, or not all of what they name can be imported.
            NbGraderException: not everybody has a grade, or nothing was done at all (Refused); the
                log says who has none, and why.
        """
        if why := what_is_missing(self.autograde_preprocessors):
            raise not_in_force(self, why)
        self.failed: dict[str, str] = {}
        try:
            super().start()
        except Refused as error:
            self.log.error("%s", error)
            raise

    def init_notebooks(self) -> None:
        """Take every submission's notebook by its right name, also where no file has it."""
        self.assignments: dict[str, list[str]] = {}
        self.notebooks: list[str] = []
        wanted = self.coursedir.notebook_id
        names = [name for name in released_names(self.coursedir) if wanted in ("*", name)]
        for handed_in in submitted_folders.find(self.coursedir):
            if handed_in.problem:
                self._failed(handed_in.student, handed_in.problem)
                continue
            folder = handed_in.folder
            self.assignments[folder] = [os.path.join(folder, f"{name}.ipynb") for name in names]
        if not any(self.assignments.values()) and not self.failed:
            # nbgrader's own message on what it looked for and might have been meant.
            super().init_notebooks()

    def convert_notebooks(self) -> None:
        """Grade one submission after the other; who cannot be graded keeps what was there."""
        self.check_machine()
        for folder, notebooks in sorted(self.assignments.items()):
            attempt = self.attempt(folder, notebooks)
            try:
                if not self.begin(attempt):
                    continue
                for path in self.notebooks:
                    self.grade_notebook(self.intake(path))
                self.finish(attempt)
            except BaseException as error:
                self.fail(attempt, error)
                if not isinstance(error, Exception):
                    raise
        if self.failed:
            raise NbGraderException(f"Not graded: {', '.join(map(shown, sorted(self.failed)))}")

    def intake(self, submitted: str) -> Path:
        """Make a notebook of the release's form of what was handed in; return where it lies."""
        self._init_preprocessors()
        BaseConverter.convert_single_notebook(self, submitted)
        return Path(self.writer.build_directory, os.path.basename(submitted))

    def grade_notebook(self, restored: Path, run: Run | None = None) -> Submission:
        """Take a restored notebook through the steps that follow the intake.

        Each step is a part of the list `c.Autograde.autograde_preprocessors`, in its order: what
        runs the notebook, up to SandboxedExecute; what judges it, up to Judge; what cleans, records
        and shows, the rest. Feedback, the last step, is nbgrader's `generate_feedback`, from what
        was recorded.

        Args:
            restored: what `intake` returned.
            run: what came of the run, where a worker has run it already.
        """
        listed = iter(self.autograde_preprocessors)
        # Where nbgrader looks for a notebook depends on this.
        self._sanitizing = False
        resources = self.init_single_notebook_resources(str(restored))
        self._sanitizing = True
        resources["metadata"] = {"name": restored.stem, "path": str(restored.parent)}
        submission = Submission.of(resources)
        submission.run = run
        notebook = nbformat.read(restored, as_version=4)

        with setenv(NBGRADER_EXECUTION="autograde"):
            run_it = steps.up_to(SandboxedExecute, listed)
            notebook = steps.take(run_it, notebook, resources, self.exporter)
        judge_it = steps.up_to(Judge, listed)
        notebook = steps.take(judge_it, notebook, resources, self.exporter)
        notebook = steps.take(listed, notebook, resources, self.exporter)

        self.write_single_notebook(
            nbformat.writes(notebook), resources | {"output_extension": ".ipynb"}
        )
        return submission

    def check_machine(self) -> None:
        """Make sure, before anything is changed, that no fault awaits every submission.

        Raises:
            Refused: one does.
        """
        check_machine(SandboxedExecute(parent=self), Record(parent=self), self.coursedir, self.log)
        released = {Path(path).stem for paths in self.assignments.values() for path in paths}
        check_release(self.coursedir, sorted(released))

    def attempt(self, folder: str, notebooks: list[str]) -> Attempt:
        """Return an attempt to grade a submission, not begun."""
        assignment, student = submitted_folders.names(self.coursedir, folder)
        target = Path(self._format_dest(assignment, student))
        return Attempt(assignment, student, sorted(notebooks), target, self.coursedir.db_url)

    def begin(self, attempt: Attempt) -> bool:
        """Prepare a submission's folder; return False where there is nothing to grade."""
        self.notebooks = list(attempt.notebooks)
        if not self._is_due(attempt):
            return False
        whole = self.coursedir.notebook_id == "*"
        attempt.begin(() if whole else [Path(path).name for path in attempt.notebooks])
        self.run_pre_convert_hook()
        self.init_assignment(attempt.assignment, attempt.student)
        return True

    def finish(self, attempt: Attempt) -> None:
        """Let what was graded count."""
        attempt.keep()
        self.set_permissions(attempt.assignment, attempt.student)
        self.run_post_convert_hook()

    def fail(self, attempt: Attempt, error: BaseException) -> None:
        """Put back what was graded before, say what happened, and log it."""
        why = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else "Stopped."
        self.log.debug("%s", shown(attempt.student), exc_info=error)
        try:
            if attempt.take_back():
                why += " The grade from before stays."
        except (OSError, SQLAlchemyError) as obstacle:
            why += f" The grade from before could not be put back: {obstacle}"
        self._failed(attempt.student, why)
        if attempt.begun:
            for name in attempt.names:
                # A full disk takes no line either.
                with suppress(OSError, audit.AuditLogBroken):
                    names = (attempt.student, attempt.assignment, name)
                    entry = failure(*names, why, attempt.scores(name))
                    audit.append(Path(Record(parent=self).log_file), entry)

    def _failed(self, student: str, why: str) -> None:
        self.failed[student] = why
        self.log.error("%s was not graded: %s", shown(student), shown(why))

    def _is_due(self, attempt: Attempt) -> bool:
        """Say whether to grade: what is new, what is newer, what was interrupted, or all."""
        if attempt.student in self.coursedir.student_id_exclude.split(","):
            return False
        files = [attempt.target / Path(path).name for path in attempt.notebooks]
        wanted = [attempt.target] if self.coursedir.notebook_id == "*" else files
        if self.force or attempt.was_interrupted() or not all(path.exists() for path in wanted):
            return True
        source = self._format_source(attempt.assignment, attempt.student)
        submitted = self.coursedir.get_existing_timestamp(source)
        graded = self.coursedir.get_existing_timestamp(str(attempt.target))
        if None not in (submitted, graded) and submitted > graded:
            return True
        for path, before in zip(map(Path, attempt.notebooks), files, strict=True):
            others = other_names(self.coursedir, attempt.assignment, path.stem)
            if is_other_work(before, path, self.selected_files(path.parent), others):
                self.log.warning(
                    "%s has handed in other work at no later time, which is graded again; look at "
                    "points given by hand",
                    shown(attempt.student),
                )
                return True
        self.log.info("Skipping %s, who has been graded", shown(attempt.student))
        return False

    @default("permissions")
    def _permissions_default(self) -> int:
        return 660 if self.coursedir.groupshared else 440

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Prepare the folder; of what a student handed in, copy what is used."""

        def selected_files(path: str, _: list[str]) -> list[str]:
            selection = self.selected_files(Path(path))
            for name in selection.left_out:
                self.log.warning("Left out %s", shown(str(Path(path, name))))
            return [os.path.join(path, name) for name in selection.names]

        # nbgrader copies what this function of its module finds; only there are links followed.
        base.find_all_files = selected_files
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            base.find_all_files = find_all_files
        if assignment := Assignments(parent=self).of(assignment_id):
            target = Path(self._format_dest(assignment_id, student_id))
            copy_packages(Path(self.coursedir.root), target, assignment.PACKAGES)


def install() -> None:
    """Make nbgrader's commands and formgrader's buttons use this course's converters."""
    course_folder.install()
    api.Autograde = autogradeapp.Autograde = CourseAutograde
    api.GenerateAssignment = generateassignmentapp.GenerateAssignment = CourseGenerateAssignment
    api.GenerateFeedback = generatefeedbackapp.GenerateFeedback = CourseGenerateFeedback
