"""Runs a submission's notebook in the sandbox, with the grading's seed and the course's limits."""

import os
from pathlib import Path

from jupyter_client.manager import KernelManager
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.coursedir import CourseDirectory
from traitlets import Bool, Float, Integer, Unicode

from grading import sandbox
from grading.authoring.generate import source_files
from grading.intake.remarks import read_remarks
from grading.intake.working_folder import working_files
from grading.running import jobs, recorded_runs
from grading.running.execute import EXECUTION, SeededExecute
from grading.running.jobs import Job
from grading.running.seed import ENVIRONMENT_VARIABLE, course_secret, grading_seed
from grading.sandbox import Limits, SandboxFailed, SandboxUnavailable

_MEBIBYTE = 2**20
_DEFAULTS = Limits()

EXECUTED = "executed"
"""Key in the conversion's resources: the Execution of a submission that was run beforehand."""


class SandboxedExecute(SeededExecute):
    """Executes a notebook in a bubblewrap sandbox; set its limits as `c.SandboxedExecute`.

    What became of the run stands in `resources[grading.running.execute.EXECUTION]`.
    """

    allow_unsandboxed = Bool(
        False,
        help="Where no sandbox can be started, run student code with your own rights instead of "
        "refusing. Only for work that you trust, or on a machine that you can lose.",
    ).tag(config=True)
    cell_seconds = Float(_DEFAULTS.cell_seconds, help="Wall time for one cell.").tag(config=True)
    notebook_seconds = Float(
        _DEFAULTS.notebook_seconds, help="Wall time for all cells together."
    ).tag(config=True)
    processor_seconds = Float(
        _DEFAULTS.processor_seconds, help="Processor time of all processes together."
    ).tag(config=True)
    memory_mebibytes = Integer(
        _DEFAULTS.memory_bytes // _MEBIBYTE, help="Memory of all processes together."
    ).tag(config=True)
    processes = Integer(_DEFAULTS.processes, help="Processes at one time.").tag(config=True)
    disk_mebibytes = Integer(
        _DEFAULTS.disk_bytes // _MEBIBYTE, help="Files in the working folder, and in /tmp."
    ).tag(config=True)
    output_mebibytes = Integer(
        _DEFAULTS.output_bytes // _MEBIBYTE, help="Outputs of all cells together."
    ).tag(config=True)
    files_mebibytes = Integer(
        50, help="Files beside the notebook, together; the largest beyond that are left out."
    ).tag(config=True)
    data = Unicode(
        "",
        help="Folder with FashionMNIST/raw, shown to student code read-only. Empty: the one that "
        "FASHION_MNIST names, else the course's own folder data, where it is.",
    ).tag(config=True)

    reuse_training = Bool(
        True,
        help="Look up the lesson's own training runs instead of repeating them for every "
        "submission. The figures are the same to the last bit; grading takes much longer without.",
    ).tag(config=True)
    recorded_runs = Unicode(
        "build/recorded_runs",
        help="Folder with the training runs of the instructor's notebook, relative to the course "
        "root; filled on first use, which takes a minute.",
    ).tag(config=True)
    record_training = Bool(
        True,
        help="Fill that folder where the instructor's notebook has not run yet. Otherwise what is "
        "there is looked up, and the rest trains.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run every cell of `nb` in place, and note in `resources` how it went.

        Raises:
            SandboxUnavailable: there is no sandbox here, and running without one is not allowed.
            SandboxFailed: the sandbox broke down again and again, which is no fault of the
                submission; it stays ungraded.
        """
        if unreadable := read_remarks(nb).unreadable:
            resources[EXECUTION] = {"died": None, "unreadable": unreadable}
            return nb, resources
        try:
            sandbox.check_available()
        except SandboxUnavailable as error:
            if not self.allow_unsandboxed:
                raise SandboxUnavailable(self.how_to_allow(error)) from None
            self.log.warning("NO SANDBOX: student code runs with your own rights. %s", error)
            return super().preprocess(nb, resources, km)
        execution = resources.get(EXECUTED) or jobs.run(self.job(nb, resources))
        for cell, executed in zip(nb.cells, execution.notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs = executed.outputs
                cell.execution_count = executed.execution_count
        resources[EXECUTION] = {
            "died": execution.died,
            "limit": execution.limit,
            "limit_cell": execution.limit_cell,
            "statuses": execution.statuses,
            "seconds": execution.seconds,
            "seed": self._seed(nb, resources),
        }
        if execution.limit is not None:
            self.log.warning(
                "The limit of %s struck in cell %s", execution.limit, execution.limit_cell
            )
        if execution.died is not None:
            self.log.warning("The kernel died in cell %s", execution.died)
        return nb, resources

    @staticmethod
    def how_to_allow(error: SandboxUnavailable) -> str:
        """Return what is missing, and how to do without."""
        return (
            f"{error} To grade without a sandbox, student code having your own rights, "
            "set c.SandboxedExecute.allow_unsandboxed = True in nbgrader_config.py."
        )

    def job(self, nb: NotebookNode, resources: ResourcesDict) -> Job:
        """Return what it takes to run a submission, here or elsewhere."""
        submission = resources["nbgrader"]
        return Job(
            nb,
            self._files(Path(resources["metadata"]["path"]), submission["assignment"]),
            {ENVIRONMENT_VARIABLE: str(self._seed(nb, resources))},
            self.limits(),
            self._data_folder(),
            self._runs(submission["assignment"], submission["notebook"]),
        )

    def _seed(self, nb: NotebookNode, resources: ResourcesDict) -> int:
        submission = resources["nbgrader"]
        # nbgrader makes the course root the working directory while it converts.
        secret = course_secret(Path(self.secret_file))
        names = submission["student"], submission["assignment"]
        return grading_seed(secret, *names, read_remarks(nb).work)

    def limits(self) -> Limits:
        """Return the limits that the settings give."""
        return Limits(
            self.cell_seconds,
            self.notebook_seconds,
            self.processor_seconds,
            self.memory_mebibytes * _MEBIBYTE,
            self.processes,
            self.disk_mebibytes * _MEBIBYTE,
            self.output_mebibytes * _MEBIBYTE,
        )

    def _runs(self, assignment: str, notebook: str) -> Path | None:
        """Return the folder of recorded runs, filled; None where there is none to use."""
        source = Path("source") / assignment
        path = source / f"{notebook}.ipynb"
        if not self.reuse_training or not path.is_file():
            return None
        folder = Path(self.recorded_runs).resolve()
        if not self.record_training:
            return folder if folder.is_dir() else None
        data = self._data_folder()

        def run(instructors: NotebookNode) -> sandbox.Execution:
            named = source_files(Path(), source).items()
            files = {str(name): file.read_bytes() for name, file in named}
            job = Job(instructors, files, {}, self.limits(), data, folder)
            return jobs.run(job, record=True)

        try:
            recorded_runs.record(path, Path("helpers"), data, folder, run, self.log)
        except (recorded_runs.NotRecorded, SandboxFailed, OSError) as error:
            self.log.warning("Every submission trains for itself. %s", error)
            return None
        return folder

    def _data_folder(self) -> Path | None:
        for name in (self.data, os.environ.get("FASHION_MNIST", ""), "data"):
            folder = Path(name).expanduser().resolve()
            if name and (folder / "FashionMNIST" / "raw").is_dir():
                return folder
        return None

    def _files(self, submission: Path, assignment: str) -> dict[str, bytes]:
        """Return what the notebook finds beside it."""
        course = CourseDirectory(parent=self)
        release = course.format_path(course.release_directory, ".", assignment)
        return working_files(submission, Path(release), self.files_mebibytes)
