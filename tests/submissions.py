"""Whole-notebook submissions: each function turns a solved student notebook into one."""

import json

from tests.scratch_course import Notebook, cells_by_grade_id


def noisy(notebook: Notebook) -> None:
    """Warn, log and print wherever the function runs; a display hook offers partial credit."""
    _begin_function(
        notebook,
        [
            "import sys, warnings",
            "warnings.warn('a warning on stderr')",
            "print('full marks, please', file=sys.stderr)",
            "print('All tests passed')",
            "sys.displayhook(1)",
        ],
    )


def ends_the_process(notebook: Notebook) -> None:
    """End the kernel's process from within the function."""
    _begin_function(notebook, ["import os", "os._exit(0)"])


def exits(notebook: Notebook) -> None:
    """Call sys.exit in the exercise's cell, after the function."""
    cells_by_grade_id(notebook)["weights_init_normal"]["source"] += "\nimport sys\nsys.exit(0)"


def syntax_error(notebook: Notebook) -> None:
    """Leave out a colon."""
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    cell["source"] = cell["source"].replace("):", ")", 1)


def skips_tests(notebook: Notebook) -> None:
    """Solve nothing, and tag the test cells so that they are not run."""
    cells = cells_by_grade_id(notebook)
    cells["weights_init_normal"]["source"] = "weights_init_normal = None"
    for grade_id, cell in cells.items():
        if grade_id.startswith("test_"):
            cell["metadata"]["tags"] = ["skip-execution"]


def without_answers(notebook: Notebook) -> None:
    """Leave nothing but signs where the questions should be answered."""
    cells = cells_by_grade_id(notebook)
    cells["reflection_results"]["source"] = " \n\n"
    cells["reflection_choice"]["source"] = "Write your answer here.\n\n..."


def without_a_test(notebook: Notebook) -> None:
    """Delete one of the test cells."""
    cell = cells_by_grade_id(notebook)["test_normal_std"]
    notebook["cells"].remove(cell)


def damaged(notebook: Notebook) -> str:
    """Return the first half of the file, as a full disk leaves it."""
    text = json.dumps(notebook)
    return text[: len(text) // 2]


def _begin_function(notebook: Notebook, lines: list[str]) -> None:
    """Insert lines at the beginning of the function's body."""
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    head, rest = cell["source"].split("):\n", 1)
    body = "".join(f"    {line}\n" for line in lines)
    cell["source"] = f"{head}):\n{body}{rest}"
