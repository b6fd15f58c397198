"""Reads the cells of a submitted notebook, whatever JSON stands for them; no text of them is lost.

What editors and converters write wrongly is read as it was meant: cells and lines within further
lists, types in capitals or unknown, lines that end in another way than JSON's. Where that is a
guess, it is said, and a person looks at it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from grading.intake.python_code import statements

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TYPES = ("code", "markdown", "raw")
# What else a cell has by the format, and no student writes into.
_NO_TEXT = frozenset(
    ("cell_type", "metadata", "id", "attachments", "outputs", "execution_count", "input")
)
_DEEPEST = 50  # lists within each other
# What ends a line in other programs: vertical tab, form feed, next line, line and paragraph end.
_OTHER_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")


def read_cells(listed: list[Any]) -> tuple[list[NotebookNode], bool]:
    """Return plain cells, and whether some were not as a notebook has them.

    Args:
        listed: what stands in the list of cells.
    """
    cells = [_cell(entry) for entry in flat(listed)]
    is_strange = not all(map(_is_ordinary, listed))
    return [cell for cell in cells if cell is not None], is_strange


def flat(listed: list[Any], depth: int = 0) -> Iterator[Any]:
    """Yield what stands in a list, and in the lists in it."""
    for entry in listed:
        if isinstance(entry, list) and depth < _DEEPEST:
            yield from flat(entry, depth + 1)
        else:
            yield entry


def _is_ordinary(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("cell_type") not in _TYPES:
        return False
    source = entry.get("source")
    return isinstance(source, str) or (
        isinstance(source, list)
        and all(isinstance(line, str) for line in source)
        and not _lack_ends(source)
    )


def _cell(entry: Any) -> NotebookNode | None:
    """Return a plain cell; None for what holds no text."""
    if not isinstance(entry, dict):
        entry = {"cell_type": "raw", "source": entry}
    kind, written = _kind(entry), _written(entry)
    source = _text(written, is_code=kind == "code")
    if not (isinstance(written, str | list) or source):
        return None
    make = getattr(nbformat.v4, f"new_{kind}_cell")
    plain: NotebookNode = make(source)
    identifier = entry.get("id")
    plain["id"] = identifier if isinstance(identifier, str) else ""
    grade_id = _grade_id(entry)
    if grade_id:
        plain.metadata["nbgrader"] = {"grade_id": grade_id}
    if kind == "markdown" and (images := _attachments(entry.get("attachments"))):
        plain["attachments"] = images
    return plain


def _written(entry: dict[str, Any]) -> Any:
    """Return what stands for a cell's text: its source, else what format 3 called so, else all."""
    for name in ("source", "input"):
        if entry.get(name):
            return entry[name]
    if "source" in entry:
        return entry["source"]
    return {name: value for name, value in entry.items() if name not in _NO_TEXT} or ""


def _kind(entry: dict[str, Any]) -> str:
    said = entry.get("cell_type")
    kind = said.strip().lower() if isinstance(said, str) else ""
    if kind in _TYPES:
        return kind
    return "code" if "outputs" in entry or "execution_count" in entry else "markdown"


def _text(source: Any, is_code: bool) -> str:
    if isinstance(source, list):
        lines = list(flat(source))
        text = _joined([line if isinstance(line, str) else _told(line) for line in lines], is_code)
    else:
        text = source if isinstance(source, str) else _told(source)
    # JSON may hold halves of UTF-16 pairs, which no file can hold later.
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    if is_code and _OTHER_LINE_ENDS.search(text) and statements(text) is None:
        with_lines = _OTHER_LINE_ENDS.sub("\n", text)
        text = text if statements(with_lines) is None else with_lines
    return re.sub(r"[\x00-\x08\x0b-\x1f]", "", text)


def _joined(lines: list[str], is_code: bool) -> str:
    """Return a text of its lines; where none has an end, with ends, unless it is code without."""
    text = "".join(lines)
    if not _lack_ends(lines):
        return text
    with_ends = "\n".join(lines)
    is_split_elsewhere = is_code and statements(with_ends) is None and statements(text) is not None
    return text if is_split_elsewhere else with_ends


def _lack_ends(lines: list[str]) -> bool:
    """Tell whether a text was split at the ends of its lines and these left out."""
    filled = [line for line in lines if line]
    return len(filled) > 1 and not any(line.endswith(("\n", "\r")) for line in filled[:-1])


def _told(value: Any) -> str:
    """Return what JSON has in place of a text, as text; nothing for nothing."""
    return "" if value is None else json.dumps(value, ensure_ascii=False)


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
