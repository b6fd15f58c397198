"""Tests that no text of a student's is lost, in whatever JSON an editor has put it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.intake.matching import binds
from grading.intake.python_code import statements
from grading.intake.submitted_cells import read_cells
from grading.intake.submitted_notebook import UnreadableSubmission, find_notebook, read_notebook

CODE = "def f(x):\n    return x + 1"
LINES = ["def f(x):\n", "    return x + 1"]


def _code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source} | more


@pytest.mark.parametrize(
    ("cells", "sources", "is_strange"),
    [
        ([_code(LINES)], [CODE], False),
        ([_code([LINES])], [CODE], True),
        ([_code([["def f(x):\n"], [["    return x + 1"]]])], [CODE], True),
        ([_code(None)], [], True),
        ([_code([CODE, None])], [CODE], True),
        ([[_code(CODE)], [[_code("y = 1")]]], [CODE, "y = 1"], True),
        ([_code(CODE, cell_type="Code ")], [CODE], True),
        ([_code(CODE, cell_type="program")], [CODE], True),
        ([_code(CODE, cell_type=7)], [CODE], True),
        ([CODE, _code("y = 1")], [CODE, "y = 1"], True),
        ([_code({"text": CODE})], [json.dumps({"text": CODE})], True),
        ([_code(CODE.replace("\n", "\r"))], [CODE], False),
        ([_code(CODE.replace("\n", "\r\n"))], [CODE], False),
        ([_code(CODE.replace("\n", "\u2028"))], [CODE], False),
        ([_code(CODE.replace("\n", "\x0b"))], [CODE], False),
        ([_code("x = 'a\u2028b'")], ["x = 'a\u2028b'"], False),
        ([{"cell_type": "markdown", "source": "a\u2028b"}], ["a\u2028b"], False),
        ([{"cell_type": "heading", "source": "Why"}], ["Why"], True),
    ],
)
def test_what_was_meant_is_read(cells: list[Any], sources: list[str], is_strange: bool) -> None:
    read, strange = read_cells(cells)
    assert [cell.source for cell in read] == sources
    assert strange == is_strange


def test_code_stays_code() -> None:
    kinds = ("Code", "CODE", "program", 7, None)
    read, _ = read_cells([_code(CODE, cell_type=kind) for kind in kinds])
    assert [cell.cell_type for cell in read] == ["code"] * len(kinds)


_TEXTS = st.text("abcdefgh", min_size=5)
_SOURCES = st.recursive(_TEXTS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6)


@given(st.lists(st.builds(_code, _SOURCES, cell_type=st.sampled_from(["code", "raw", "x", None]))))
def test_every_text_is_in_a_cell(cells: list[dict[str, Any]]) -> None:
    def texts(source: Any) -> str:
        return source if isinstance(source, str) else "".join(map(texts, source))

    assert [cell.source for cell in read_cells(cells)[0]] == [texts(c["source"]) for c in cells]


def test_cells_named_twice_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "twice.ipynb"
    first, second = json.dumps([_code(CODE)]), json.dumps([_code("y = 1")])
    path.write_text(f'{{"nbformat": 4, "cells": {first}, "cells": {second}}}')
    assert [cell.source for cell in read_notebook(path).cells] == [CODE, "y = 1"]


def test_what_a_mac_leaves_beside_a_renamed_notebook_is_no_notebook(tmp_path: Path) -> None:
    for name in ("._lesson.ipynb", "._lesson (1).ipynb", "lesson (1).ipynb"):
        (tmp_path / name).write_text("{}")
    assert find_notebook(tmp_path, "lesson")[0].name == "lesson (1).ipynb"


@pytest.mark.timeout(60)
def test_hostile_forms_take_time_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "many.ipynb"
    path.write_text('{"nbformat": 4' + ', "cells": ["x"]' * 200_000 + "}")
    with pytest.raises(UnreadableSubmission):
        read_notebook(path)
    assert not binds("a:\n" * 500_000 + "(", "f")
    assert statements("x = 1\n" * 1_000_000) is None
