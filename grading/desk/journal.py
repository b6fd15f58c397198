"""Remembers who gave which points on which line of a rubric; the gradebook has but their sum.

The gradebook stays the truth: what stands here serves to open an answer with its boxes as they were
ticked, to offer comments again, and to say how far two graders agree.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

FILE = "desk_journal.jsonl"
"""Its name in the course root."""


class Entry(msgspec.Struct, frozen=True):
    """One mark.

    Attributes:
        when: as ISO 8601.
        grader: who gave it.
        answer: the gradebook's id of the grade.
        points: those of each line of the rubric; empty where the mark was taken back.
        comment: what was said to the student.
    """

    when: str
    grader: str
    answer: str
    points: tuple[float, ...]
    comment: str


class Journal:
    """The marks that were given on the desk, by everybody.

    Args:
        path: the file; made with the first mark. A line that a crash cut short does not count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self, grader: str, answers: Sequence[str], points: Sequence[float], comment: str
    ) -> None:
        """Note one mark for some answers; no points take the last one back.

        Raises:
            OSError: it cannot be written.
        """
        when = datetime.now(UTC).isoformat(timespec="seconds")
        lines = [
            json.dumps(
                {
                    "when": when,
                    "grader": grader,
                    "answer": answer,
                    "points": list(points),
                    "comment": comment,
                }
            )
            for answer in answers
        ]
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o660)
        with open(descriptor, "a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            ends_within_a_line = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            text = "\n" * ends_within_a_line + "".join(f"{line}\n" for line in lines)
            file.write(text.encode())

    def marks(self) -> dict[str, dict[str, Entry]]:
        """Return the latest mark of each grader that was not taken back, by answer and grader."""
        marks: dict[str, dict[str, Entry]] = {}
        for entry in self._entries():
            of_answer = marks.setdefault(entry.answer, {})
            of_answer.pop(entry.grader, None)
            if entry.points:
                of_answer[entry.grader] = entry
        return marks

    def graders(self) -> list[str]:
        """Return who has given marks, in the order in which they began."""
        return list(dict.fromkeys(entry.grader for entry in self._entries()))

    def _entries(self) -> Iterator[Entry]:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            with suppress(msgspec.DecodeError, msgspec.ValidationError):
                yield msgspec.json.decode(line, type=Entry)
