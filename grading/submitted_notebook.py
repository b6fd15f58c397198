"""Reads a submitted file, whatever state it is in, as a plain notebook of the current format.

Nothing in the file is trusted: what comes out has cells of the three known types, sources that are
text, metadata reduced to what identifies a cell, images as the only attachments, and no outputs.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

_LARGEST = 50 * 2**20  # bytes; the lesson with all its figures takes about 2 MB
_MOST_CELLS = 5000
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class UnreadableSubmission(Exception):
    """A submitted file is no notebook; the message says why, for the student."""


@dataclass
class SubmittedNotebook:
    """A submission as it was read: its cells, and remarks on what was not as it should be."""

    cells: list[NotebookNode]
    remarks: list[str] = field(default_factory=list)


def find_notebook(folder: Path, name: str) -> tuple[Path, list[str]]:
    """Return the notebook of a submission, and a remark where it has another name.

    Args:
        folder: the submission.
        name: the notebook's name without .ipynb.

    Raises:
        UnreadableSubmission: there is none, or several of which none has the name.
    """
    expected = folder / f"{name}.ipynb"
    if expected.is_file():
        return expected, []
    others = sorted(path for path in folder.glob("*.ipynb") if path.is_file())
    alike = [path for path in others if name in path.stem] or others
    if not alike:
        raise UnreadableSubmission(f"There is no notebook {name}.ipynb in the submission.")
    if len(alike) > 1:
        raise UnreadableSubmission(
            f"There is no notebook {name}.ipynb in the submission, and which of "
            f"{', '.join(path.name for path in alike)} is meant is not clear."
        )
    return alike[0], [f"The notebook was handed in as {alike[0].name}."]


def read_notebook(path: Path) -> SubmittedNotebook:
    """Read a submitted file.

    Raises:
        UnreadableSubmission: it is no notebook.
    """
    if path.is_symlink():
        raise UnreadableSubmission(f"{path.name} is a link, not a file.")
    size = path.stat().st_size
    if size > _LARGEST:
        raise UnreadableSubmission(
            f"{path.name} has {size:,} bytes; {_LARGEST:,} are read. Clear its outputs and save it."
        )
    remarks: list[str] = []
    document = _document(path.read_bytes(), path.name, remarks)
    cells = document.get("cells")
    if not isinstance(cells, list):
        raise UnreadableSubmission(f"{path.name} has no list of cells.")
    if len(cells) > _MOST_CELLS:
        raise UnreadableSubmission(
            f"{path.name} has {len(cells):,} cells; {_MOST_CELLS:,} are read."
        )
    taken = [_cell(cell) for cell in cells]
    if None in taken:
        remarks.append("Cells that no notebook can have were left out.")
    return SubmittedNotebook([cell for cell in taken if cell is not None], remarks)


def _document(content: bytes, name: str, remarks: list[str]) -> dict[str, Any]:
    if not content.strip():
        raise UnreadableSubmission(f"{name} is empty.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, encoding = content.decode("utf-16", errors="replace"), "UTF-16"
    else:
        text = content.decode("utf-8-sig", errors="replace")
        encoding = "UTF-8 with a byte-order mark" if content.startswith(b"\xef\xbb\xbf") else ""
    if encoding:
        remarks.append(f"The file was saved as {encoding}.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableSubmission(
            f"{name} is damaged: it is not the JSON that a notebook consists of. It may have been "
            "cut off while it was saved."
        ) from None
    if not isinstance(document, dict):
        raise UnreadableSubmission(f"{name} is JSON, but not a notebook.")
    version = document.get("nbformat")
    if version in (1, 2, 3) and "cells" not in document:
        try:
            document = nbformat.convert(nbformat.from_dict(document), 4)
        except Exception as error:
            raise UnreadableSubmission(
                f"{name} has the old format {version}, and could not be converted: {error}"
            ) from None
        remarks.append(f"The notebook had the old format {version} and was converted.")
    elif version != 4:
        remarks.append(f"The notebook says it has format {version!r}; it was read as format 4.")
    return document


def _cell(cell: Any) -> NotebookNode | None:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = _text(cell.get("source", ""))
    if source is None:
        return None
    make = getattr(nbformat.v4, f"new_{cell['cell_type']}_cell")
    plain: NotebookNode = make(source)
    identifier = cell.get("id")
    plain["id"] = identifier if isinstance(identifier, str) else ""
    grade_id = _grade_id(cell)
    if grade_id:
        plain.metadata["nbgrader"] = {"grade_id": grade_id}
    if cell["cell_type"] == "markdown" and (images := _attachments(cell.get("attachments"))):
        plain["attachments"] = images
    return plain


def _text(source: Any) -> str | None:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    # JSON may hold halves of UTF-16 pairs and control characters, which no file can hold later.
    return re.sub(r"[\x00-\x08\x0b-\x1f]", "", source.encode("utf-8", "replace").decode())


def _grade_id(cell: dict[str, Any]) -> str:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _attachments(attachments: Any) -> NotebookNode:
    kept = NotebookNode()
    if isinstance(attachments, dict):
        for name, bundle in attachments.items():
            if isinstance(bundle, dict):
                images = {kind: data for kind, data in bundle.items() if kind in _IMAGES}
                if images and all(
                    isinstance(data, str) and re.fullmatch(r"[\w+/=\s]*", data)
                    for data in images.values()
                ):
                    kept[str(name)] = NotebookNode(images)
    return kept
