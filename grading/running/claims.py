"""Checks what a submission claims to have computed, directly after its run and where it ran.

What a claim is, and what has to agree, the assignment's module says (`Assignment.confirm`). Here is
what it needs: the recorded runs, and a job of the grading's own beside nothing of the student's.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
from nbformat.notebooknode import NotebookNode

from grading import sandbox
from grading.assignment import load
from grading.sandbox.inside.claims import name_of_claim
from grading.submission import Job, Run, Surroundings


def confirm(run: Run, job: Job, here: Surroundings) -> Run:
    """Return a run with what became of its claims.

    Args:
        run: of a submission.
        job: what was run; of its files those in the assignment's packages are the release's own.
        here: its surroundings, as they are on this machine.

    Raises:
        SandboxFailed: the sandbox broke down while something was repeated.
    """
    if not job.module:
        return run
    assignment = load(job.module, job.module)
    observations = {}
    for cell in run.notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        reported = _reported(cell, assignment.MIME_TYPE)
        if grade_id in assignment.CRITERIA and len(reported) == 1:
            observations[grade_id] = reported[0]

    def recorded(initial: Mapping[str, Any], losses: Any, accuracy: float) -> bool:
        folder = here.runs
        return folder is not None and (folder / name_of_claim(initial, losses, accuracy)).is_file()

    def repeat(source: str, files: Mapping[str, bytes]) -> object:
        ours = {
            name: content
            for name, content in job.files.items()
            if Path(name).parts[0] in assignment.PACKAGES
        }
        notebook = v4.new_notebook(cells=[v4.new_code_cell(source)])
        with tempfile.TemporaryDirectory(prefix="claim-") as folder:
            write_files({**ours, **files}, Path(folder))
            again = sandbox.execute(notebook, Path(folder), here, {}, job.limits)
        reported = _reported(again.notebook.cells[0], assignment.MIME_TYPE)
        return reported[0] if reported else None

    return replace(run, confirmed=assignment.confirm(observations, recorded, repeat))


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder, by their relative paths."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _reported(cell: NotebookNode, mime_type: str) -> list[dict[str, Any]]:
    found = [output.get("data", {}).get(mime_type) for output in cell.get("outputs", [])]
    return [each for each in found if isinstance(each, dict)]
