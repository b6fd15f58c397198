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
    empty = _empty(restored, given, "markdown")
    return any(not cell.get("attachments") for cell in empty) and any(
        any(sign.isalpha() for sign in cell.source) and _is_words(cell)
        for cell in _own(restored, given)
    )


def has_unread_code(
    restored: NotebookNode, given: Sequence[NotebookNode], names: Mapping[str, str]
) -> bool:
    """Tell whether an exercise is empty, and code of the student's for it stands in words."""
    texts = [cell.source for cell in _own(restored, given) if _is_words(cell)]
    return any(_writes(text, name) for name in _unbound(restored, given, names) for text in texts)


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
    unbound = _unbound(restored, given, names)
    # The lesson may well say "model" or "data", and mean no file.
    own = [cell.source for cell in _not_given(restored, given) if cell.cell_type == "code"]
    code = "\n".join(own)
    texts = [file for file in files if file.suffix.lower() in _TEXT_FILES]
    for file in texts[:_MOST_FILES] if unbound else ():
        if not re.search(rf"\b{re.escape(file.stem)}\b", code):
            with suppress(OSError), (folder / file).open("rb") as opened:
                text = opened.read(_MOST_BYTES).decode("utf-8", "replace")
                if any(_writes(text, name) for name in unbound):
                    return True
    return False


def _empty(restored: NotebookNode, given: Sequence[NotebookNode], kind: str) -> list[NotebookNode]:
    """Return the cells of a kind that a student was to fill in, and that hold no work."""
    stubs = {
        grade_id(cell): cell.source.strip()
        for cell in given
        if is_students(cell) and cell.cell_type == kind
    }
    return [
        cell
        for cell in restored.cells
        if grade_id(cell) in stubs and cell.source.strip() in ("", stubs[grade_id(cell)])
    ]


def _unbound(
    restored: NotebookNode, given: Sequence[NotebookNode], names: Mapping[str, str]
) -> list[str]:
    """Return the names that exercises without any work of a student's would bind."""
    exercises = map(grade_id, _empty(restored, given, "code"))
    return [names.get(exercise, exercise) for exercise in exercises]


def _not_given(restored: NotebookNode, given: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    known = {cell.source.strip() for cell in given}
    return (cell for cell in restored.cells if cell.source.strip() not in known)


def _own(restored: NotebookNode, given: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    """Yield cells that a student added, wherever their text is not the release's."""
    return (c for c in _not_given(restored, given) if str(c.get("id")).startswith("own-"))


def _is_words(cell: NotebookNode) -> bool:
    return cell.cell_type != "code" or says_something(cell.source)


def _writes(text: str, name: str) -> bool:
    """Tell whether a line of a text would bind a name if it were code."""
    bound = rf"(?:(?:def|class)[ \t]+{re.escape(name)}\b|{re.escape(name)}[ \t]*=(?!=))"
    return re.search(rf"^[ \t#>*\"'`(]*{bound}", text, re.MULTILINE) is not None
