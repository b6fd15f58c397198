"""Runs a submission's notebook in the sandbox, with the grading's seed and the course's limits.

Where no sandbox can be had, and settings allow it, the notebook runs as nbgrader runs it, with
three differences. The kernel finds the seed of this grading in its environment. It shares the
machine's cores politely, so that a loaded machine does not cost a student the time limit. And a
kernel that dies does not take the submission with it: what ran before stays, the cells after it
stay without output, and the judge says why.
"""

import os
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import setenv
from traitlets import Bool, Float, Integer, Unicode

from grading.assignment import Assignment, Assignments
from grading.course.package_files import source_files
from grading.intake.working_folder import reserved_names, working_files
from grading.running import jobs, recorded_runs
from grading.running.given_cells import number_of_given
from grading.running.seed import course_secret, grading_seed
from grading.sandbox import SandboxFailed, SandboxUnavailable, check_available
from grading.submission import MEBIBYTE, Job, Limits, Remarks, Run, Submission, Surroundings

_DEFAULTS = Limits()


class SandboxedExecute(Execute):
    """Executes a notebook in a bubblewrap sandbox; set its limits as `c.SandboxedExecute`.

    What became of it is the submission's `run`. One that is there already, by a worker, is taken.
    """

    secret_file = Unicode(
        ".grading_secret",
        help="File with the course's secret, relative to the course root; made on first use.",
    ).tag(config=True)
    allow_unsandboxed = Bool(
        False,
        help="Where no sandbox can be started, run student code with your own rights instead of "
        "refusing. Only for work that you trust, or on a machine that you can lose.",
    ).tag(config=True)
    cell_seconds = Float(
        None,
        allow_none=True,
        help="Wall time for one cell, whatever the assignment. Unset: c.Execute.timeout, or what "
        "the assignment's module asks for where that is more.",
    ).tag(config=True)
    notebook_seconds = Float(
        _DEFAULTS.notebook_seconds, help="Wall time for all cells together."
    ).tag(config=True)
    processor_seconds = Float(
        _DEFAULTS.processor_seconds, help="Processor time of all processes together."
    ).tag(config=True)
    memory_mebibytes = Integer(
        _DEFAULTS.memory_bytes // MEBIBYTE, help="Memory of all processes together."
    ).tag(config=True)
    processes = Integer(_DEFAULTS.processes, help="Processes at one time.").tag(config=True)
    disk_mebibytes = Integer(
        _DEFAULTS.disk_bytes // MEBIBYTE, help="Files in the working folder, and in /tmp."
    ).tag(config=True)
    output_mebibytes = Integer(
        _DEFAULTS.output_bytes // MEBIBYTE, help="Outputs of all cells together."
    ).tag(config=True)
    files_mebibytes = Integer(
        50, help="Files beside the notebook, together; the largest beyond that are left out."
    ).tag(config=True)
    data = Unicode(
        "",
        help="Folder of data, shown to student code read-only. Empty: the one that the "
        "assignment's environment variable names, else the course's own folder data, where it is.",
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
        """Run every cell of `nb` in place.

        Raises:
            SandboxUnavailable: there is no sandbox here, and running without one is not allowed.
            SandboxFailed: the sandbox broke down again and again, which is no fault of the
                submission; it stays ungraded.
        """
        submission = Submission.of(resources)
        submission.remarks = Remarks.read(nb)
        if submission.remarks.unreadable:
            submission.run = Run(nb)
            return nb, resources
        submission.seed = self._seed(nb, resources)
        try:
            check_available()
        except SandboxUnavailable as error:
            if not self.allow_unsandboxed:
                raise SandboxUnavailable(self.how_to_allow(error)) from None
            self.log.warning("NO SANDBOX: student code runs with your own rights. %s", error)
            submission.run = self._run_here(nb, resources, km)
            return nb, resources
        run = submission.run = submission.run or jobs.run(self.job(nb, resources))
        for cell, executed in zip(nb.cells, run.notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs = executed.outputs
                cell.execution_count = executed.execution_count
        if run.limit is not None:
            self.log.warning("The limit of %s struck in cell %s", run.limit, run.limit_cell)
        if run.died is not None:
            self.log.warning("The kernel died in cell %s", run.died)
        if run.broke is not None:
            self.log.warning("Cell %s made the run break down", run.broke)
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
        names = resources["nbgrader"]
        assignment = Assignments(parent=self).of(names["assignment"])
        surroundings = Surroundings()
        if assignment is not None:
            runs = self._runs(assignment, names["assignment"], names["notebook"])
            surroundings = self._surroundings(assignment, runs)
        files = self._files(Path(resources["metadata"]["path"]), names["assignment"])
        return Job(
            nb,
            files,
            self._environment(nb, resources),
            self.limits(assignment),
            surroundings,
            assignment.DATA_FOLDER if assignment else Path(),
            Assignments(parent=self).module_of(names["assignment"]),
            number_of_given(nb, self._release(names["assignment"]), names["notebook"], files),
        )

    def limits(self, assignment: Assignment | None = None) -> Limits:
        """Return the limits that the settings give a submission."""
        seconds: float | None = self.cell_seconds
        if seconds is None:
            # nbgrader's way to say that a cell may take as long as it likes.
            unlimited = self.timeout is None or self.timeout < 0
            allowed = float(self.notebook_seconds if unlimited else self.timeout)
            seconds = max(allowed, assignment.CELL_SECONDS if assignment else 0.0)
        return Limits(
            seconds,
            self.notebook_seconds,
            self.processor_seconds,
            self.memory_mebibytes * MEBIBYTE,
            self.processes,
            self.disk_mebibytes * MEBIBYTE,
            self.output_mebibytes * MEBIBYTE,
        )

    def _seed(self, nb: NotebookNode, resources: ResourcesDict) -> int:
        names = resources["nbgrader"]
        # nbgrader makes the course root the working directory while it converts.
        secret = course_secret(Path(self.secret_file))
        return grading_seed(secret, names["student"], names["assignment"], Remarks.read(nb).work)

    def _environment(self, nb: NotebookNode, resources: ResourcesDict) -> dict[str, str]:
        assignment = Assignments(parent=self).of(resources["nbgrader"]["assignment"])
        return {assignment.SEED_VARIABLE: str(self._seed(nb, resources))} if assignment else {}

    def _runs(self, assignment: Assignment, name: str, notebook: str) -> Path | None:
        """Return the folder of recorded runs, filled; None where there is none to use."""
        source = Path("source") / name
        path = source / f"{notebook}.ipynb"
        if not self.reuse_training or not path.is_file():
            return None
        folder = Path(self.recorded_runs).resolve()
        if not self.record_training:
            return folder if folder.is_dir() else None
        data = self.data_folder(assignment)
        files = source_files(Path(), source, assignment.PACKAGES)

        def run(instructors: NotebookNode) -> Run:
            surroundings = self._surroundings(assignment, folder, record=True)
            contents = {str(name): file.read_bytes() for name, file in files.items()}
            job = Job(
                instructors,
                contents,
                {},
                self.limits(assignment),
                surroundings,
                assignment.DATA_FOLDER,
            )
            return jobs.run(job)

        try:
            recorded_runs.record(
                path, list(files.values()), assignment, data, folder, run, self.log
            )
        except (recorded_runs.NotRecorded, SandboxFailed, OSError) as error:
            self.log.warning("Every submission trains for itself. %s", error)
            return None
        return folder

    def _surroundings(
        self, assignment: Assignment, runs: Path | None, *, record: bool = False
    ) -> Surroundings:
        return Surroundings(
            assignment.INSIDE,
            assignment.IMPORTS,
            assignment.DATA_VARIABLE,
            self.data_folder(assignment),
            runs,
            record,
        )

    def data_folder(self, assignment: Assignment) -> Path | None:
        """Return the folder of data that student code is shown; None where there is none."""
        if not assignment.DATA_VARIABLE:
            return None
        for name in (self.data, os.environ.get(assignment.DATA_VARIABLE, ""), "data"):
            folder = Path(name).expanduser().resolve()
            if name and (folder / assignment.DATA_FOLDER).is_dir():
                return folder
        return None

    def _files(self, submission: Path, assignment: str) -> dict[str, bytes]:
        """Return what the notebook finds beside it."""
        module = Assignments(parent=self).of(assignment)
        course = CourseDirectory(parent=self)
        names = Autograde(course, parent=self).exclude_overwriting.get(assignment, [])
        return working_files(
            submission,
            self._release(assignment),
            self.files_mebibytes,
            reserved_names(module),
            [Path(name) for name in names],
        )

    def _release(self, assignment: str) -> Path:
        course = CourseDirectory(parent=self)
        return Path(course.format_path(course.release_directory, ".", assignment))

    def _run_here(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None
    ) -> Run:
        self._statuses: dict[int, str | None] = {}
        self._running: int | None = None
        died = None
        # By default OpenMP's threads wait for each other in a busy loop. With four times as many
        # threads as cores, the training of two models took over 300 s instead of 4 s; with threads
        # that sleep while they wait, 10 s.
        waiting = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
        assignment = Assignments(parent=self).of(resources["nbgrader"]["assignment"])
        self.timeout = int(self.limits(assignment).cell_seconds)
        with setenv(OMP_WAIT_POLICY=waiting, **self._environment(nb, resources)):
            try:
                super().preprocess(nb, resources, km)
            except DeadKernelError:
                died = self._running
                self.log.warning("The kernel died in cell %s; the cells after it did not run", died)
        return Run(nb, died=died, statuses=self._statuses)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, Any]:
        """Run one cell without a sandbox."""
        self._running = index
        if not cell.source.strip():
            # It is not sent to the kernel: there is nothing in it that could fail.
            self._statuses[index] = "ok"
        return super().preprocess_cell(cell, resources, index)

    def on_cell_executed(self, **reply: Any) -> None:
        """Note how a cell ended; nbclient calls it."""
        self._statuses[reply["cell_index"]] = reply["execute_reply"]["content"]["status"]
        super().on_cell_executed(**reply)
