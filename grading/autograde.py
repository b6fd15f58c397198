"""nbgrader's autograder with the course's reading, restoring and failing: what leans on internals.

nbgrader 0.9.6 has no setting for the class that autogrades. `install` puts `CourseAutograde` where
the command and formgrader's button look for it; nbgrader_config.py calls it.
"""

import glob
import hashlib
import os
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter, NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import api, autogradeapp, generateassignmentapp
from nbgrader.converters import Autograde, base
from nbgrader.converters.base import NbGraderException
from nbgrader.utils import find_all_files
from traitlets import Type
from traitlets.config import LoggingConfigurable

from grading.generate import CourseGenerateAssignment
from grading.in_force import what_is_missing
from grading.remarks import Remarks, write_remarks
from grading.restore import restore
from grading.sandboxed_execute import SandboxedExecute
from grading.submitted_notebook import UnreadableSubmission, find_notebook, read_notebook
from grading.working_folder import Selection, select_files


class ReleaseMissing(Exception):
    """The notebook that students got is not there to compare a submission with."""


class AutograderNotInForce(NbGraderException):
    """Something of the course's autograder is missing; without it nothing is graded."""


class RestoringExporter(NotebookExporter):
    """Reads a submission as the release with the student's work in it.

    nbgrader_config.json names it as well. So nbgrader's own autograder, which is in force where
    nbgrader_config.py could not be read, ends here.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not isinstance(self.parent, CourseAutograde):
            raise _not_in_force(
                self, "nbgrader_config.py was not read to its end; the error is shown above"
            )

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Convert a notebook; one from the submitted folder is restored first.

        Raises:
            ReleaseMissing: the release has no such notebook.
        """
        converter = self.parent
        if not (isinstance(converter, CourseAutograde) and converter.is_sanitizing):
            return super().from_filename(filename, resources, **options)
        path = Path(filename)
        release = converter.release_of(path.stem, resources)
        notebook = _restored(path, release, converter.selected_files(path.parent))
        resources = ResourcesDict(**(resources or {}))
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        return self.from_notebook_node(notebook, resources, **options)


def _not_in_force(speaker: LoggingConfigurable, why: str) -> AutograderNotInForce:
    text = f"Nothing was graded: {why}."
    speaker.log.error(text)
    return AutograderNotInForce(text)


def _restored(path: Path, release: NotebookNode, files: Selection) -> NotebookNode:
    remarks: list[str] = []
    unreadable = digest = ""
    try:
        found, remarks = find_notebook(path.parent, path.stem)
        with found.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        submitted = read_notebook(found)
        notebook, repairs = restore(submitted.cells, release)
        remarks += submitted.remarks + repairs
        remarks += files.remarks
    except UnreadableSubmission as error:
        notebook, unreadable = release, str(error)
    write_remarks(notebook, Remarks(tuple(remarks), unreadable, digest))
    return notebook


class CourseAutograde(Autograde):
    """Grades every submission there is, whatever state it is in, and leaves no stale score."""

    exporter_class = Type(RestoringExporter, klass=Exporter).tag(config=True)

    @property
    def is_sanitizing(self) -> bool:
        """Whether the submitted notebook is being read, and not yet run."""
        return bool(self._sanitizing)

    def selected_files(self, submission: Path) -> Selection:
        """Return which files of a submission are used."""
        release = self.coursedir.format_path(self.coursedir.release_directory, ".", submission.name)
        most = SandboxedExecute(parent=self).files_mebibytes
        return select_files(submission, Path(release), most, self.coursedir.ignore)

    def start(self) -> None:
        """Grade, if the settings name the sandbox and the judge.

        Raises:
            AutograderNotInForce: they do not, or not all of what they name can be imported.
        """
        if why := what_is_missing(self.autograde_preprocessors):
            raise _not_in_force(self, why)
        super().start()

    def init_notebooks(self) -> None:
        """Take every submission's notebook by its right name, also where no file has it."""
        self.assignments: dict[str, list[str]] = {}
        self.notebooks: list[str] = []
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        for folder in sorted(glob.glob(pattern)):
            names = self._released_names()
            if self.coursedir.notebook_id != "*":
                names = [name for name in names if name == self.coursedir.notebook_id]
            self.assignments[folder] = [os.path.join(folder, f"{name}.ipynb") for name in names]
        if not any(self.assignments.values()):
            # nbgrader's own message on what it looked for and might have been meant.
            super().init_notebooks()

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Prepare the folder; of what a student handed in, copy what is used."""

        def selected_files(path: str, _: list[str]) -> list[str]:
            selection = self.selected_files(Path(path))
            for name in selection.left_out:
                self.log.warning("Left out %s", Path(path, name))
            return [os.path.join(path, name) for name in selection.names]

        # nbgrader copies what this function of its module finds; only there are links followed.
        base.find_all_files = selected_files
        try:
            super().init_assignment(assignment_id, student_id)
        finally:
            base.find_all_files = find_all_files

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Grade a notebook; where that fails, take back the scores of an earlier version."""
        try:
            super().convert_single_notebook(notebook_filename)
        except BaseException:
            self._forget_scores(Path(notebook_filename))
            raise

    def release_of(self, name: str, resources: Any) -> NotebookNode:
        """Return the notebook that students got.

        Raises:
            ReleaseMissing: there is none.
        """
        assignment = resources["nbgrader"]["assignment"]
        folder = self.coursedir.format_path(self.coursedir.release_directory, ".", assignment)
        path = Path(folder) / f"{name}.ipynb"
        if not path.is_file():
            raise ReleaseMissing(
                f"{path} is not there; submissions are compared with it. Run nbgrader "
                f"generate_assignment {assignment}."
            )
        release: NotebookNode = nbformat.read(path, as_version=4)
        return release

    def _released_names(self) -> list[str]:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                assignment = gradebook.find_assignment(self.coursedir.assignment_id)
            except MissingEntry:
                return []
            return sorted(notebook.name for notebook in assignment.notebooks)

    def _forget_scores(self, path: Path) -> None:
        assignment, student = path.parent.name, path.parent.parent.name
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                submission = gradebook.find_submission_notebook(path.stem, assignment, student)
            except MissingEntry:
                return
            for grade in submission.grades:
                if grade.cell.cell_type == "code":
                    grade.auto_score = None
                    grade.needs_manual_grade = True
            gradebook.db.commit()


def install() -> None:
    """Make nbgrader's commands and formgrader's buttons use this course's converters."""
    api.Autograde = autogradeapp.Autograde = CourseAutograde
    api.GenerateAssignment = generateassignmentapp.GenerateAssignment = CourseGenerateAssignment
