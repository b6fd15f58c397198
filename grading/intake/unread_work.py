"""Tells whether work of a student's stands where nothing reads it: a person does, before it is 0.

Words outside the answers' cells; and for an exercise that is empty, code that would bind its name
in a cell of text, in a comment, in quotes, or in a file that no cell mentions.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grading.intake.matching import grade_id, is_students
from grading.intake.python_code import says_something

_TEXT_FILES = (".py", ".txt", ".md", ".ipy", ".rmd", ".qmd")
_MOST_FILES = 20
_MOST_BYTES = 100_000


def has_unread_text(restored: NotebookNode, given: Sequence[NotebookNode]) -> bool:
    """Tell whether an answer in words is missing, and text of the student's stands elsewhere."""
    stubs = _stubs(given, "markdown")
    missing = any(
        cell.source.strip() in ("", stubs[grade_id(cell)]) and not cell.get("attachments")
        for cell in restored.cells
        if grade_id(cell) in stubs
    )
    return missing and any(
        any(sign.isalpha() for sign in cell.source) and _is_words(cell)
        for cell in _own(restored, given)
    )


def has_unread_code(
    restored: NotebookNode, given: Sequence[NotebookNode], names: Mapping[str, str]
) -> bool:
    """Tell whether an exercise is empty, and code of the student's for it stands in words."""
    texts = [cell.source for cell in _own(restored, given) if _is_words(cell)]
    return any(_writes(text, name) for name in _empty(restored, given, names) for text in texts)


def has_unread_file(
    restored: NotebookNode,
    given: Sequence[NotebookNode],
    names: Mapping[str, str],
    folder: Path,
    files: Sequence[Path],
) -> bool:
    """Tell whether an exercise is empty, and code for it stands in a file that no cell mentions.

    Args:
        restored: the notebook of the release's form.
        given: the release's cells.
        names: what exercises bind, by grade id, where that is not the grade id itself.
        folder: the submission's.
        files: the student's, relative to it.
    """
    empty = _empty(restored, given, names)
    code = "\n".join(cell.source for cell in restored.cells if cell.cell_type == "code")
    texts = [file for file in files if file.suffix.lower() in _TEXT_FILES]
    for file in texts[:_MOST_FILES] if empty else ():
        if not re.search(rf"\b{re.escape(file.stem)}\b", code):
            with suppress(OSError), (folder / file).open("rb") as opened:
                text = opened.read(_MOST_BYTES).decode("utf-8", "replace")
                if any(_writes(text, name) for name in empty):
                    return True
    return False


def _stubs(given: Sequence[NotebookNode], kind: str) -> dict[str, str]:
    return {
        grade_id(cell): cell.source.strip()
        for cell in given
        if is_students(cell) and cell.cell_type == kind
    }


def _empty(
    restored: NotebookNode, given: Sequence[NotebookNode], names: Mapping[str, str]
) -> list[str]:
    """Return the names that exercises without any work of a student's would bind."""
    stubs = _stubs(given, "code")
    return [
        names.get(grade_id(cell), grade_id(cell))
        for cell in restored.cells
        if grade_id(cell) in stubs and cell.source.strip() in ("", stubs[grade_id(cell)])
    ]


def _own(restored: NotebookNode, given: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    known = {cell.source.strip() for cell in given}
    for cell in restored.cells:
        if str(cell.get("id")).startswith("own-") and cell.source.strip() not in known:
            yield cell


def _is_words(cell: NotebookNode) -> bool:
    return cell.cell_type != "code" or says_something(cell.source)


def _writes(text: str, name: str) -> bool:
    """Tell whether a line of a text would bind a name if it were code."""
    bound = rf"(?:(?:def|class)[ \t]+{re.escape(name)}\b|{re.escape(name)}[ \t]*=(?!=))"
    return re.search(rf"^[ \t#>*\"'`(]*{bound}", text, re.MULTILINE) is not None
