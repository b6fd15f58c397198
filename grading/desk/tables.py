"""Finds the tables that a student's own run printed, in the file as it was handed in.

Grading runs a notebook anew, with other figures on another machine. An answer is about the table
that its author saw, and that stands in the outputs of the submitted file. Nothing in the file is
trusted: what comes out is text, of bounded size.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.intake.submitted_notebook import LARGEST, UnreadableSubmission, find_notebook

_MOST_TABLES = 12
_MOST_ROWS = 40
_MOST_COLUMNS = 12
_LONGEST_CELL = 200
_LONGEST_TEXT = 20_000
_MOST_OUTPUTS = 50
_GAP = re.compile(r" {2,}|\t+")
NUMBER = re.compile(r"[-−+]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Table:
    """A table: every row has as many cells as there are heads."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def value(self, row: int, column: int) -> float | None:
        """Return the number that a cell begins with, None where it does not."""
        match = NUMBER.match(self.rows[row][column])
        return float(match[0].replace("−", "-")) if match else None

    def numbers(self, column: int) -> dict[int, float]:
        """Return the numbers of a column, by row."""
        values = ((row, self.value(row, column)) for row in range(len(self.rows)))
        return {row: value for row, value in values if value is not None}


def handed_in_tables(folder: Path, notebook: str, grade_id: str) -> tuple[Table, ...]:
    """Return the tables above a question, the nearest first; of a file that is none, none.

    Args:
        folder: what a student handed in.
        notebook: the notebook's name.
        grade_id: the question's; where the file has lost it, all tables are above it.
    """
    try:
        path = find_notebook(folder, notebook)[0]
        if path.is_symlink() or path.stat().st_size > LARGEST:
            return ()
        document = json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
    except (UnreadableSubmission, OSError, ValueError, RecursionError):
        return ()
    tables: list[Table] = []
    for cell in _listed(document, "cells"):
        if _grade_id(cell) == grade_id:
            break
        for output in _listed(cell, "outputs")[:_MOST_OUTPUTS]:
            tables += tables_in(_printed(output))
            # The nearest ones count.
            del tables[:-_MOST_TABLES]
    return tuple(reversed(tables))


def tables_in(text: str) -> list[Table]:
    """Return the tables in a text: lines in as many columns, under a line of heads."""
    tables = []
    caption = before = ""
    block: list[str] = []
    for line in [*text[:_LONGEST_TEXT].splitlines(), ""]:
        if _GAP.search(line.strip()):
            caption = caption if block else before
            block.append(line)
            continue
        if (table := _table(caption, block)) is not None:
            tables.append(table)
        block, before, caption = [], line.strip()[:_LONGEST_CELL].rstrip(":："), ""
    return tables


def _table(caption: str, block: list[str]) -> Table | None:
    """Return a block of lines as a table, None where it is none."""
    lines = [[cell[:_LONGEST_CELL] for cell in _GAP.split(line.strip())] for line in block]
    width = len(lines[-1]) if lines else 0
    if len(lines) < 2 or width > _MOST_COLUMNS:
        return None
    heads, *rows = lines
    if len(heads) == width - 1:
        # The column of row names may have no head.
        heads = ["", *heads]
    if any(len(line) != width for line in (heads, *rows)):
        return None
    table = Table(caption, tuple(heads), tuple(map(tuple, rows[:_MOST_ROWS])))
    return table if table.numbers(width - 1) else None


def _listed(value: Any, key: str) -> list[Any]:
    entries = value.get(key) if isinstance(value, dict) else None
    return (
        [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )


def _grade_id(cell: dict[str, Any]) -> str:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return str(marks.get("grade_id")) if isinstance(marks, dict) else ""


def _printed(output: dict[str, Any]) -> str:
    """Return what an output says in plain text."""
    data = output.get("data")
    text = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    if isinstance(text, list):
        text = "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""
