"""Remembers which submissions in the exchange need nothing any more, also after a restart.

A line is added when a submission's page lies in the exchange, or when it is decided that it gets
none. Whatever has no line is taken through all steps again, and those that were taken already find
nothing to do: so a grader that is killed loses nothing, and grades nothing twice.
"""

import errno
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

FILE = ".serve_journal.jsonl"
"""Its name in the course root."""


class Journal:
    """The names of submissions that are done with.

    Args:
        path: the file; made where it is missing. A line that a crash cut short does not count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names: set[str] = set()
        self._ends_within_a_line = False
        with suppress(FileNotFoundError):
            text = path.read_text(encoding="utf-8", errors="replace")
            self._ends_within_a_line = bool(text) and not text.endswith("\n")
            for line in text.splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    self.names.add(str(json.loads(line)["name"]))

    def add(self, names: Iterable[str]) -> None:
        """Note that submissions are done with.

        Raises:
            OSError: the line cannot be written; nothing of it is left then.
        """
        new = [name for name in names if name and name not in self.names]
        if not new:
            return
        content = "".join(map(_line, new)).encode()
        with self._path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            # After a line that was cut short, a new one begins; an empty one means nothing.
            content = b"\n" * self._ends_within_a_line + content
            # A full disk may take a part of it.
            if (file.write(content) or 0) < len(content):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._ends_within_a_line = False
        self.names.update(new)


def _line(name: str) -> str:
    # In ASCII, so that a name that is not UTF-8 has its place too.
    return json.dumps({"name": name}) + "\n"
