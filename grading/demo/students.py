"""The students of the demonstration: what each writes into the exercises, and when."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grading.errors import GradingError

_STUB = "# Write your code here."  # what the assignment's module names as CODE_STUB


class CannotAnswer(GradingError):
    """The released notebook lacks what a student of the demonstration fills in."""


@dataclass(frozen=True)
class Student:
    """One student.

    Attributes:
        name: the id.
        story: what their notebook shows.
        stubs: what stands for the stub of a cell, without its indentation, by grade id.
        cells: the whole source of other cells. What is not given stays as released.
        late: whether they hand in after the deadline.
        damaged: whether their file is cut off.
    """

    name: str
    story: str
    stubs: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    late: bool = False
    damaged: bool = False


def read_students(path: Path) -> list[Student]:
    """Return the students of a file, such as `grader_tests/demo_students.toml`."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["student"]
    return [Student(**entry) for entry in listed]


def write_answers(notebook: Path, student: Student) -> None:
    """Write what `student` answers into the released notebook, in place.

    Raises:
        CannotAnswer: the notebook lacks a cell or a stub that the student fills in.
    """
    document = json.loads(notebook.read_text(encoding="utf-8"))
    cells = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in document["cells"]
        if "nbgrader" in cell["metadata"]
    }
    for name in (*student.stubs, *student.cells):
        if name not in cells:
            raise CannotAnswer(f"The released notebook has no cell {name} to answer in.")
    filled = {
        name: _fill_stub("".join(cells[name]["source"]), text)
        for name, text in student.stubs.items()
    }
    for name, source in {**student.cells, **filled}.items():
        cells[name]["source"] = source.splitlines(keepends=True)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if student.damaged:
        text = text[: len(text) // 2]
    notebook.write_text(text, encoding="utf-8")


def _fill_stub(source: str, text: str) -> str:
    """Put a text where the stub's comment is, at its indentation."""
    lines = source.splitlines()
    places = [i for i, line in enumerate(lines) if line.strip() == _STUB]
    if len(places) != 1:
        raise CannotAnswer(f"One stub was expected in the exercise, {len(places)} were found.")
    (place,) = places
    indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    lines[place : place + 1] = [indent + line if line else "" for line in text.splitlines()]
    return "\n".join(lines)
