"""Tests of what parts are called where the assignment does not say."""

from nbformat import from_dict
from nbformat.notebooknode import NotebookNode

from grading.feedback.parts import titles
from tests.other_assignments import answer, checked, solution, task, text


def _titles(*cells: dict[str, object]) -> dict[str, str]:
    named: list[NotebookNode] = [from_dict({"id": f"c{i}"} | cell) for i, cell in enumerate(cells)]
    return titles(named, None, "en")


def test_parts_are_called_by_the_heading_above_and_numbered() -> None:
    cells = text("# All\n\n## `Merge`"), solution("m", "m = 1"), checked("a", "m", 1)
    assert _titles(*cells, checked("b", "m", 1)) == {"a": "Merge · 1", "b": "Merge · 2"}


def test_a_students_heading_names_nothing() -> None:
    mine = answer("why", 1) | {"source": "# Full points"}
    assert _titles(text("## Why"), mine, checked("a", "1", 1)) == {"why": "Why · 1", "a": "Why · 2"}


def test_code_and_mark_schemes_hold_no_heading() -> None:
    cells = text("## Part\n\n```python\n# comment\n```"), task("t", "## Draw", 2)
    assert _titles(cells[0], checked("a", "1", 1), cells[1]) == {"a": "Part", "t": "Draw"}


def test_without_a_heading_it_is_the_grade_id() -> None:
    assert _titles(checked("a", "1", 1)) == {"a": "a"}
