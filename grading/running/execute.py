"""Runs a submission's notebook as nbgrader does, with the grading's seed and without losing it.

Three things differ from nbgrader's own `Execute`. The kernel finds the seed of this grading in its
environment. It shares the machine's cores politely, so that a loaded machine does not cost a
student the time limit. And a kernel that dies does not take the submission with it: what ran before
stays, the cells after it stay without output, and the judge says why.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Unicode

from grading.intake.remarks import read_remarks
from grading.running.seed import ENVIRONMENT_VARIABLE, course_secret, grading_seed

EXECUTION = "execution"
"""Key in the conversion's resources: how the run went, a dict. `died` is the index of the cell
during which the kernel died, or None; `statuses` holds what the kernel replied on each cell that it
ran, by index: "ok", "error" or "aborted"; `seed` is the grading's."""


class SeededExecute(Execute):
    """nbgrader's Execute with a seed for the hidden tests; set its traits as `c.Execute`."""

    secret_file = Unicode(
        ".grading_secret",
        help="File with the course's secret, relative to the course root; made on first use.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run every cell of `nb` in place, and note in `resources` how it went."""
        submission = resources["nbgrader"]
        # nbgrader makes the course root the working directory while it converts.
        secret = course_secret(Path(self.secret_file))
        names = submission["student"], submission["assignment"]
        seed = grading_seed(secret, *names, read_remarks(nb).work)
        self._statuses: dict[int, str] = {}
        resources[EXECUTION] = {"died": None, "statuses": self._statuses, "seed": seed}
        variables = {
            ENVIRONMENT_VARIABLE: str(seed),
            # By default OpenMP's threads wait for each other in a busy loop. With four times as
            # many threads as cores, the training of two models took over 300 s instead of 4 s;
            # with threads that sleep while they wait, 10 s.
            "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
        }
        with _environment(variables):
            try:
                super().preprocess(nb, resources, km)
            except DeadKernelError:
                died = resources[EXECUTION]["running"]
                self.log.warning("The kernel died in cell %s; the cells after it did not run", died)
                resources[EXECUTION]["died"] = died
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, Any]:
        """Run one cell."""
        resources[EXECUTION]["running"] = index
        if not cell.source.strip():
            # It is not sent to the kernel: there is nothing in it that could fail.
            self._statuses[index] = "ok"
        return super().preprocess_cell(cell, resources, index)

    def on_cell_executed(self, **reply: Any) -> None:
        """Note how a cell ended; nbclient calls it."""
        self._statuses[reply["cell_index"]] = reply["execute_reply"]["content"]["status"]
        super().on_cell_executed(**reply)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
