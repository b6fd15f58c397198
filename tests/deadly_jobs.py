"""A Dask preload: jobs that hold a certain word kill the worker that runs them.

It stands for what cannot be foreseen: a submission under which the machine's memory or a library
gives way, outside of the sandbox.
"""

import os
import signal

from distributed import Worker

from grading.running import jobs
from grading.submission import Job, Run

WORD = "# This brings the worker down."


def dask_setup(worker: Worker) -> None:
    """Let the worker die of a job with the word."""
    run = jobs.run

    def run_or_die(job: Job) -> Run:
        if any(WORD in cell.source for cell in job.notebook.cells):
            os.kill(os.getpid(), signal.SIGKILL)
        return run(job)

    jobs.run = run_or_die
