"""Keeps hidden tests out of what a page shows of a kernel's outputs.

Of a test that nbgrader scores, the traceback quotes the lines around the one that failed, and what
student code prints may quote any of them. A line that stands in a hidden part is not shown.
"""

import re
from collections.abc import Iterable
from html import unescape

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_locked

from grading.feedback.cuts import TEXT

_TAGS = re.compile(r"<[^<>]*>")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
# Characters of a line that is looked for: in a traceback, which quotes code, and in other texts,
# where a shorter one may stand by itself.
_LEAST_OF_CODE, _LEAST_OF_TEXT = 4, 12
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")


def hidden_lines(cells: Iterable[NotebookNode], begin: str, end: str) -> frozenset[str]:
    """Return the lines of the hidden tests in the instructor's cells, without their indentation.

    Args:
        cells: of a graded notebook.
        begin: what stands before a hidden part, as `c.ClearHiddenTests` says.
        end: what stands after it.
    """
    part = re.compile(f"[^\\n]*{re.escape(begin)}.*?(?:{re.escape(end)}[^\\n]*|\\Z)", re.DOTALL)
    sources = (cell.source for cell in cells if is_locked(cell))
    lines = (line for text in sources for each in part.findall(text) for line in each.split("\n"))
    return frozenset(line for line in map(_compared, lines) if len(line) >= _LEAST_OF_CODE)


def hide(output: NotebookNode, lines: frozenset[str], notice: str) -> None:
    """Take the lines out of an output's texts, in place, and put a notice where they stood."""
    long = frozenset(line for line in lines if len(line) >= _LEAST_OF_TEXT)
    if output.output_type == "error":
        output.traceback = [_without(text, lines, notice) for text in output.traceback]
        output.evalue = _without(output.evalue, long, notice)
    elif output.output_type == "stream":
        output.text = _without(_joined(output.text), long, notice)
    elif isinstance(data := output.get("data"), dict):
        for kind in _TEXTS:
            if kind in data:
                data[kind] = _without(_joined(data[kind]), long, notice)
        # Between tags and in escapes, which stand for what is read.
        read = _compared(unescape(_TAGS.sub("", data.get("text/html", "")[: 2 * TEXT])))
        if any(line in read for line in long):
            data["text/html"] = notice


def _without(text: str, hidden: frozenset[str], notice: str) -> str:
    # More is not shown, whatever stands there.
    text = text[: 2 * TEXT]
    plain = _compared(text)
    if not any(line in plain for line in hidden):
        return text
    kept: list[str] = []
    for line in text.split("\n"):
        compared = _compared(line)
        if not any(each in compared for each in hidden):
            kept.append(line)
        elif kept[-1:] != [notice]:
            kept.append(notice)
    left = "\n".join(kept)
    # A line may be told in pieces, or without its line breaks.
    plain = _compared(left)
    return notice if any(line in plain for line in hidden) else left


def _compared(text: str) -> str:
    """Return a text without colours and with single spaces, as it would be recognized."""
    return " ".join(_COLORS.sub("", text).split())


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
