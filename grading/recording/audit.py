"""The audit log: every grading, in a file to which lines are only ever added.

Each line is a JSON object and carries the SHA-256 of the line before, so that a line that was
changed or taken out shows. `python -m grading audit` checks the chain in the course root, and lists
what happened to a student's submissions.
"""

import argparse
import errno
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from grading.errors import GradingError

FILE = "grading_log.jsonl"
"""Name of the log in the course root."""

_FIRST = "0" * 64

Entry = dict[str, Any]


class AuditLogBroken(GradingError):
    """A line of the audit log is not as it was written."""


def append(path: Path, entry: Entry) -> Entry | None:
    """Add an entry and return the one before it on the same submission, if there is one.

    Args:
        path: the log; made where it is missing.
        entry: what happened, as JSON; with `student`, `assignment` and `notebook`.

    Raises:
        AuditLogBroken: the log does not end in a whole line, so there is nothing to link to.
    """
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            raise _ends_within_a_line(path, len(lines))
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST
        line = json.dumps({**entry, "previous": previous}, sort_keys=True, ensure_ascii=False)
        _write(file.fileno(), line.encode() + b"\n")
    return _latest(lines, entry)


def check(path: Path) -> None:
    """Make sure that an entry can be added; the log is made where it is missing.

    Raises:
        AuditLogBroken: the log does not end in a whole line.
        OSError: it cannot be written to.
    """
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                raise _ends_within_a_line(path)


def _ends_within_a_line(path: Path, number: int | None = None) -> AuditLogBroken:
    line = f"line {number}" if number else "its last line"
    return AuditLogBroken(
        f"{path} ends within {line}: a grading was interrupted while it wrote. "
        "Look at the line, then remove it, and grade that submission again."
    )


def _write(descriptor: int, line: bytes) -> None:
    """Write a whole line or nothing; a full disk may take a part of it."""
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, line)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), FILE)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    os.fsync(descriptor)


def _latest(lines: Sequence[bytes], entry: Entry) -> Entry | None:
    key = ("student", "assignment", "notebook")
    student = json.dumps(entry["student"], ensure_ascii=False).encode()
    for line in reversed(lines):
        if student not in line:
            # Reading every line of a large class's log takes longer than all the rest of it.
            continue
        earlier: Entry = json.loads(line)
        if all(earlier.get(name) == entry.get(name) for name in key):
            return earlier
    return None


def entries_of(path: Path, student: str, assignment: str) -> list[Entry]:
    """Return what the log has on a student's submissions for an assignment, in order.

    Args:
        path: the log; without one there is nothing.
        student: the id.
        assignment: its name.
    """
    named = json.dumps(student, ensure_ascii=False).encode()
    try:
        with path.open("rb") as file:
            # To read every line of a large class's log as JSON takes longer than all the rest.
            lines = [line for line in file if named in line and line.endswith(b"\n")]
    except FileNotFoundError:
        return []
    of = (student, assignment)
    return [
        entry for entry in map(json.loads, lines) if (entry["student"], entry["assignment"]) == of
    ]


def scores_before(path: Path, of: tuple[str, str, str], submission: str) -> dict[str, float]:
    """Return what the tests gave for what was handed in before, by cell; empty where nothing was.

    A regrade is no handing in: the entry before with another submission or other files counts.

    Args:
        path: the log; without one nothing was before.
        of: student, assignment and notebook.
        submission: the SHA-256 of what is handed in now.
    """
    student, assignment, notebook = of
    entries = [
        entry
        for entry in entries_of(path, student, assignment)
        if entry["notebook"] == notebook and entry["submission"]
    ]
    while entries and entries[-1]["submission"] != submission:
        entries.pop()
    if not entries:
        return {}
    now = _work(entries[-1])
    earlier = next((entry for entry in reversed(entries) if _work(entry) != now), None)
    scores = earlier["scores"] if earlier else {}
    return {name: score or 0.0 for name, score in scores.items()}


def _work(entry: Entry) -> tuple[str, str]:
    """Return what tells one work from another: the notebook, and by the seed all files with it."""
    return entry["submission"], entry["seed"]


def read(path: Path) -> Iterator[Entry]:
    """Yield the entries in order, and check the chain.

    Raises:
        AuditLogBroken: a line does not follow from the one before it.
    """
    previous = _FIRST
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                entry: Entry = json.loads(line)
            except ValueError:
                raise AuditLogBroken(f"{path}, line {number}: this is not JSON.") from None
            if entry.get("previous") != previous:
                raise AuditLogBroken(
                    f"{path}, line {number}: the line before it was changed or removed."
                )
            previous = hashlib.sha256(line).hexdigest()
            yield entry


def changes(before: Entry, after: Entry) -> list[str]:
    """Say which scores a regrade changed."""
    old, new = before.get("scores", {}), after.get("scores", {})
    return [
        f"{name}: {old.get(name)} -> {new.get(name)}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the log and list entries; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grading audit", description=__doc__)
    parser.add_argument("--student", help="list only this student's gradings")
    parser.add_argument("--file", type=Path, default=Path(FILE), help=f"default: {FILE}")
    options = parser.parse_args(arguments)
    latest: dict[tuple[str, str, str], Entry] = {}
    count = 0
    try:
        for entry in read(options.file):
            count += 1
            key = (entry["student"], entry["assignment"], entry["notebook"])
            if options.student in (None, entry["student"]):
                total = sum(score or 0 for score in entry["scores"].values())
                changed = changes(latest[key], entry) if key in latest else []
                notes = [*entry["remarks"], *changed]
                print(
                    f"{entry['when']}  {entry['student']}  {total:g}  {'; '.join(notes)}".rstrip()
                )
            latest[key] = entry
    except (AuditLogBroken, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} entries, each linked to the one before it.")
    return 0
