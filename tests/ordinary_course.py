"""A course with an assignment of nbgrader's ordinary kind: no module of its own, and a cheap run.

For tests of what happens around a run: nothing is imported for it that takes seconds.
"""

import json
from pathlib import Path
from typing import Any

import nbformat.v4 as v4

from tests.scratch_course import ASSIGNMENT, Notebook, ScratchCourse, read_notebook

RIGHT = "def answer(): return 42"
WRONG = "def answer(): return 41"
TEST = "assert answer() == 42"
POINTS = 5


class OrdinaryCourse(ScratchCourse):
    """A course whose assignment has one exercise and one test of 5 points, released already."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        super().__init__(folder, data="")
        config = self.root / "nbgrader_config.py"
        config.write_text(f"{config.read_text()}\nc.Assignments.modules = {{}}\n{settings}")
        path = self.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        notebook = read_notebook(path)
        solution = f"### BEGIN SOLUTION\n{RIGHT}\n### END SOLUTION"
        test = f"### BEGIN HIDDEN TESTS\n{TEST}\n### END HIDDEN TESTS"
        notebook["cells"] = [
            v4.new_code_cell(solution, metadata=cell_metadata("answer")),
            v4.new_code_cell(test, metadata=cell_metadata("test_answer", POINTS)),
        ]
        path.write_text(json.dumps(notebook), encoding="utf-8")
        self.nbgrader("generate_assignment", ASSIGNMENT)

    def answered(self, source: str) -> Notebook:
        """Return the student notebook with an answer."""
        notebook = self.released()
        notebook["cells"][0]["source"] = source
        return notebook


def cell_metadata(grade_id: str, points: float | None = None) -> dict[str, Any]:
    """Return metadata of a locked test cell, or of a solution cell where there are no points."""
    test = points is not None
    nbgrader = {
        "grade": test,
        "grade_id": grade_id,
        "locked": test,
        "schema_version": 3,
        "solution": not test,
        "task": False,
    }
    if test:
        nbgrader["points"] = points
    return {"nbgrader": nbgrader}
