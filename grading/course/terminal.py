"""Keeps students' signs from steering a terminal: what is printed or logged has them as escapes.

The name of a folder, a file or a person, an error's message, a line of a student's code: all of
these reach a command's output, and a terminal would do what their control characters say (clear
the screen, overwrite the line before, turn the direction of writing, offer a link). Here is the one
place that all of a command's output passes, whoever wrote it: the streams of the commands, and the
records of every logger, which also go to files and to formgrader's pages.
"""

import logging
import re
import sys
import traceback
import unicodedata
from typing import Any, TextIO

_PLAIN = re.compile(r"[ -~\n\t]*")
# Controls (C0, C1), formats (directions of writing, joiners), halves of characters, private and
# unassigned ones, separators of lines and paragraphs.
_STEERING = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def harmless(text: str) -> str:
    """Return a text with all that steers a terminal as escapes; lines and tabs stay."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        ascii(sign)[1:-1]
        if sign not in "\n\t" and unicodedata.category(sign) in _STEERING
        else sign
        for sign in text
    )


class HarmlessStream:
    """A stream of text that escapes what is written to it; in all else the stream it was given.

    Attributes:
        unfiltered: that stream, for what is none of a student's and moves the cursor.
    """

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        """Write a text, escaped, and say that all of it was written."""
        self.unfiltered.write(harmless(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts, escaped."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


class HarmlessRecord(logging.LogRecord):
    """A record of a log whose message and traceback are escaped."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.exc_info and self.exc_info[0]:
            # A formatter takes what is here, and formats nothing itself.
            self.exc_text = harmless("".join(traceback.format_exception(*self.exc_info))).rstrip()

    def getMessage(self) -> str:
        """Return the message with its values, escaped."""
        return harmless(super().getMessage())


def guard_output() -> None:
    """Escape what this process prints and logs from now on."""
    logging.setLogRecordFactory(HarmlessRecord)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # Not where somebody reads along, as a test does.
        if stream is getattr(sys, f"__{name}__") and stream is not None:
            setattr(sys, name, HarmlessStream(stream))


def guard_nbgrader() -> None:
    """Escape what nbgrader's commands print and log, and what formgrader's server logs.

    The server prints more than what students write, and some of it for a terminal.
    """
    from nbgrader.apps import NbGrader

    if NbGrader.initialized():
        guard_output()
    else:
        logging.setLogRecordFactory(HarmlessRecord)


def unfiltered(stream: TextIO) -> TextIO:
    """Return the stream below a guarded one, or the stream itself where it is none."""
    return stream.unfiltered if isinstance(stream, HarmlessStream) else stream
