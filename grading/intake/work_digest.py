"""What a student handed in, as a digest: the seed depends on it, and whether to grade again."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import nbformat

from grading.course.timestamps import FILE as TIMESTAMP
from grading.intake.submitted_notebook import (
    LARGEST,
    UnreadableSubmission,
    find_notebook,
    other_notebooks,
)
from grading.intake.working_folder import Selection
from grading.submission import Remarks


def digests(path: Path, files: Selection, others: Sequence[str] = ()) -> tuple[str, str]:
    """Return the SHA-256 of a submitted notebook, "" where there is none, and that of all work.

    All work is the notebook, the notebooks beside it that may be its copies, and the files that are
    used. When it was handed in stands apart.

    Args:
        path: where the notebook should be in the submission's folder.
        files: which files beside it are used.
        others: the names of the assignment's other notebooks.
    """
    folder = path.parent
    try:
        notebook = _digest(find_notebook(folder, path.stem, others)[0])
    except UnreadableSubmission:
        notebook = ""
    work = hashlib.sha256(notebook.encode())
    beside = {Path(copy.name) for copy in other_notebooks(folder, path.stem, others)}
    for name in sorted({*files.names, *beside} - {Path(TIMESTAMP)}):
        work.update(os.fsencode(name) + b"\0" + bytes.fromhex(_digest(folder / name)))
    return notebook, work.hexdigest()


def is_other_work(graded: Path, submitted: Path, files: Selection, others: Sequence[str]) -> bool:
    """Tell whether something else is handed in now than what was graded.

    Args:
        graded: the graded notebook, of which it is not asked where it is gone, or does not say what
            it was of.
        submitted: where the submitted one should be; `files` and `others` as in `digests`.
    """
    if not graded.is_file():
        return False
    work = Remarks.read(nbformat.read(graded, as_version=4)).work
    return bool(work) and work != digests(submitted, files, others)[1]


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file that is read, else ""."""
    if path.is_symlink() or path.stat().st_size > LARGEST:
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
