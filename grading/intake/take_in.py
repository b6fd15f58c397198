"""The intake in one function: from a submission's folder to a notebook of the release's form."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grading.course.timestamps import UnreadableTimestamp, read_timestamp
from grading.intake.restore import restore
from grading.intake.submitted_notebook import (
    LARGEST,
    UnreadableSubmission,
    find_notebook,
    read_notebook,
)
from grading.intake.working_folder import Selection, digest_of_work
from grading.submission import Message, Remarks, remark


def take_in(
    path: Path, release: NotebookNode, files: Selection, others: Sequence[str] = ()
) -> NotebookNode:
    """Return a notebook of the release's form, with a student's work and remarks on it.

    Args:
        path: where the notebook should be in the submission's folder.
        release: the notebook that the student got.
        files: which files beside it are used.
        others: the names of the assignment's other notebooks.
    """
    remarks: list[Message] = []
    unreadable, digest, work = None, "", ""
    try:
        submitted_path, remarks = find_notebook(path.parent, path.stem, others)
        if not submitted_path.is_symlink() and submitted_path.stat().st_size <= LARGEST:
            with submitted_path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        work = digest_of_work(digest, path.parent, files.names)
        submitted = read_notebook(submitted_path)
        notebook, repairs = restore(submitted.cells, release)
        remarks += [*submitted.remarks, *repairs, *files.remarks]
    except UnreadableSubmission as error:
        notebook, unreadable = release, error.message
    try:
        read_timestamp(path.parent)
    except UnreadableTimestamp:
        remarks.append(remark("timestamp"))
    Remarks(tuple(remarks), unreadable, digest, work).write(notebook)
    return notebook
