"""Carries the recorded training runs to workers on machines that do not have them."""

import shutil
import tempfile
from pathlib import Path

from distributed import Worker, WorkerPlugin

from grading.running import jobs
from grading.sandbox.inside import claims


class CarriedRuns(WorkerPlugin):
    """Gives a worker its own copy of the folder of recorded runs, where it has not the folder.

    A few dozen files of a megabyte, which travel once. A run is named by the machine's processor,
    too (`grading.sandbox.inside.recall`): one of another kind finds nothing and trains for itself.

    Args:
        folder: the folder on the machine that makes the jobs.
    """

    name = "recorded-runs"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {
            path.name: path.read_bytes()
            for path in sorted(folder.iterdir())
            if path.suffix in {".npz", ".png", claims.SUFFIX}
        }
        self._copy: Path | None = None

    def setup(self, worker: Worker) -> None:
        """Write the copy and let jobs find it."""
        if self._folder.is_dir():
            return
        self._copy = Path(tempfile.mkdtemp(prefix="recorded-runs-"))
        for name, content in self._files.items():
            (self._copy / name).write_bytes(content)
        jobs.find_runs(self._folder, self._copy)

    def teardown(self, worker: Worker) -> None:
        """Remove the copy."""
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)
