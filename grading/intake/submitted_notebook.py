"""Reads a submitted file, whatever state it is in, as a plain notebook of the current format.

Nothing in the file is trusted: what comes out has cells of the three known types, sources that are
text, metadata reduced to what identifies a cell, images as the only attachments, and no outputs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from grading.course.names import listed
from grading.errors import GradingError
from grading.intake.submitted_cells import flat, read_cells
from grading.intake.submitted_files import find_files
from grading.submission import Message, remark

LARGEST = 50 * 2**20
"""Bytes of a notebook that is read; the lesson with all its figures takes about 2 MB."""
_MOST_CELLS = 5000


class UnreadableSubmission(GradingError):
    """A submitted file is no notebook; the message says why, for the student."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


@dataclass
class SubmittedNotebook:
    """A submission as it was read: its cells, and remarks on what was not as it should be."""

    cells: list[NotebookNode]
    remarks: list[Message] = field(default_factory=list)


def find_notebook(
    folder: Path, name: str, others: Sequence[str] = ()
) -> tuple[Path, list[Message]]:
    """Return the notebook of a submission, and a remark where it has another name.

    Args:
        folder: the submission.
        name: the notebook's name without .ipynb.
        others: the names of the assignment's other notebooks, which are none of this one.

    Raises:
        UnreadableSubmission: there is none, or several of which none has the name.
    """
    expected = folder / f"{name}.ipynb"
    if expected.is_file():
        return expected, []
    files = other_notebooks(folder, name, others)
    candidates = [path for path in files if path.suffix == ".ipynb"] or files
    if not candidates:
        # Whoever packs a folder hands in a folder in it.
        below = [folder / each for each in find_files(folder).names if len(each.parts) > 1]
        candidates = [
            path
            for path in below
            if path.suffix == ".ipynb" and not _is_of_another(path, name, others)
        ]
    alike = [path for path in candidates if name in path.stem] or candidates
    if not alike:
        raise UnreadableSubmission(remark("no_notebook", name=name))
    if len(alike) > 1:
        names = listed([path.relative_to(folder) for path in alike])
        raise UnreadableSubmission(remark("several_notebooks", name=name, names=names))
    return alike[0], [remark("other_name", name=alike[0].relative_to(folder))]


def other_notebooks(folder: Path, name: str, others: Sequence[str]) -> list[Path]:
    """Return what else in a submission may be a notebook, of this name or of none.

    Args:
        folder: the submission.
        name: the notebook's name without .ipynb.
        others: the names of the assignment's other notebooks.
    """
    # Browsers save notebooks as name.ipynb.txt and name.ipynb.json.
    return [
        path
        for path in sorted([*folder.glob("[!.]*.ipynb"), *folder.glob("[!.]*.ipynb.*")])
        if path.is_file()
        and path.name != f"{name}.ipynb"
        and not _is_of_another(path, name, others)
    ]


def _is_of_another(path: Path, name: str, others: Sequence[str]) -> bool:
    """Tell whether a file bears the name of another notebook rather than this one's."""
    borne = [each for each in (name, *others) if each in path.stem]
    return bool(borne) and max(borne, key=len) != name


def read_notebook(path: Path) -> SubmittedNotebook:
    """Read a submitted file.

    Raises:
        UnreadableSubmission: it is no notebook.
    """
    if path.is_symlink():
        raise UnreadableSubmission(remark("link", name=path.name))
    size = path.stat().st_size
    if size > LARGEST:
        raise UnreadableSubmission(
            remark("too_large", name=path.name, size=f"{size:,}", most=f"{LARGEST:,}")
        )
    remarks: list[Message] = []
    document = _document(path.read_bytes(), path.name, remarks)
    cells, elsewhere = document.get("cells"), _cells_of_sheets(document.get("worksheets"))
    if elsewhere:
        cells = [*(cells if isinstance(cells, list) else []), *elsewhere]
    if isinstance(cells, dict):
        # By number or name, as some converters write them.
        cells = [list(cells.values())]
    if not isinstance(cells, list):
        raise UnreadableSubmission(remark("no_cells", name=path.name))
    count = sum(1 for _ in flat(cells))
    if count > _MOST_CELLS:
        raise UnreadableSubmission(
            remark("too_many_cells", name=path.name, count=f"{count:,}", most=f"{_MOST_CELLS:,}")
        )
    read, is_strange = read_cells(cells)
    if is_strange or elsewhere:
        remarks.append(remark("strange_cells"))
    return SubmittedNotebook(read, remarks)


def _cells_of_sheets(sheets: Any) -> list[Any]:
    """Return the cells of a notebook that has them where format 3 had, and says another format."""
    listed = [sheet.get("cells") for sheet in _list(sheets) if isinstance(sheet, dict)]
    return [cell for cells in listed for cell in _list(cells)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of cells that it names twice none is lost."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key == "cells" and isinstance(value, list) and isinstance(result.get(key), list):
            result[key].extend(value)
        else:
            result[key] = value
    return result


def _document(content: bytes, name: str, remarks: list[Message]) -> dict[str, Any]:
    if not content.strip():
        raise UnreadableSubmission(remark("empty_file", name=name))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, encoding = content.decode("utf-16", errors="replace"), "UTF-16"
    else:
        text = content.decode("utf-8-sig", errors="replace")
        encoding = "UTF-8 with a byte-order mark" if content.startswith(b"\xef\xbb\xbf") else ""
    if encoding:
        remarks.append(remark("encoding", encoding=encoding))
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise UnreadableSubmission(remark("damaged", name=name)) from None
    if not isinstance(document, dict):
        raise UnreadableSubmission(remark("other_json", name=name))
    version = document.get("nbformat")
    if version in (1, 2, 3) and "cells" not in document:
        try:
            document = nbformat.convert(nbformat.from_dict(document), 4)
        except Exception as error:
            raise UnreadableSubmission(
                remark("not_converted", name=name, version=version, error=error)
            ) from None
        remarks.append(remark("converted", version=version))
    elif version != 4:
        # It may be anything that JSON can say, however deep.
        said = repr(version) if isinstance(version, int | float | str) else type(version).__name__
        remarks.append(remark("other_format", version=said))
    return document
