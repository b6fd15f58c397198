"""The intake in one function: from a submission's folder to a notebook of the release's form."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grading.course.names import listed
from grading.course.timestamps import UnreadableTimestamp, read_timestamp
from grading.intake.restore import is_untouched, restore
from grading.intake.submitted_notebook import (
    UnreadableSubmission,
    find_notebook,
    other_notebooks,
    read_notebook,
)
from grading.intake.unread_work import has_unread_file
from grading.intake.work_digest import digests
from grading.intake.working_folder import Selection
from grading.submission import Message, Remarks, remark


def take_in(
    path: Path,
    release: NotebookNode,
    files: Selection,
    others: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> NotebookNode:
    """Return a notebook of the release's form, with a student's work and remarks on it.

    Args:
        path: where the notebook should be in the submission's folder.
        release: the notebook that the student got.
        files: which files beside it are used.
        others: the names of the assignment's other notebooks.
        names: what exercises bind, by grade id, where that is not the grade id itself.
    """
    remarks: list[Message] = []
    unreadable = None
    try:
        submitted_path, remarks = find_notebook(path.parent, path.stem, others)
        notebook, repairs = _restored(submitted_path, release, names)
        if is_untouched(notebook, release):
            notebook, repairs = _from_copy(path, release, names, others) or (notebook, repairs)
        if has_unread_file(notebook, release.cells, names or {}, path.parent, files.names):
            repairs.append(remark("file_elsewhere"))
        remarks += [*repairs, *files.remarks]
    except UnreadableSubmission as error:
        notebook, unreadable = release, error.message
    try:
        read_timestamp(path.parent)
    except UnreadableTimestamp:
        remarks.append(remark("timestamp"))
    Remarks(tuple(remarks), unreadable, *digests(path, files, others)).write(notebook)
    return notebook


_Restored = tuple[NotebookNode, list[Message]]
_MOST_COPIES = 5


def _restored(path: Path, release: NotebookNode, names: Mapping[str, str] | None) -> _Restored:
    submitted = read_notebook(path)
    notebook, repairs = restore(submitted.cells, release, names)
    return notebook, [*submitted.remarks, *repairs]


def _from_copy(
    path: Path, release: NotebookNode, names: Mapping[str, str] | None, others: Sequence[str]
) -> _Restored | None:
    """Return the work in a notebook beside an untouched one; None where there is none.

    Where there is work in several, none is chosen, and a person looks.
    """
    worked: dict[Path, _Restored] = {}
    for copy in other_notebooks(path.parent, path.stem, others)[:_MOST_COPIES]:
        with suppress(UnreadableSubmission):
            notebook, repairs = _restored(copy, release, names)
            if not is_untouched(notebook, release):
                worked[copy] = notebook, repairs
    if len(worked) == 1:
        ((copy, (notebook, repairs)),) = worked.items()
        return notebook, [remark("copy_beside", name=copy.name), *repairs]
    if worked:
        told = listed([Path(copy.name) for copy in worked])
        return deepcopy(release), [remark("several_copies", names=told)]
    return None
