"""Tests that no text of a student's is lost, in whatever JSON an editor has put it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import v4

from grading.intake.matching import binds
from grading.intake.python_code import statements
from grading.intake.submitted_cells import read_cells
from grading.intake.submitted_notebook import UnreadableSubmission, find_notebook, read_notebook
from grading.intake.take_in import take_in
from grading.intake.working_folder import Selection
from grading.submission import Remarks

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
        ([_code(CODE.splitlines())], [CODE], True),
        ([_code(["# twice", "", "x = 1"])], ["# twice\n\nx = 1"], True),
        ([_code(["x = 'a", "b'"])], ["x = 'ab'"], True),
        ([_code(["%time", "x = 1"])], ["%time\nx = 1"], True),
        ([{"cell_type": "markdown", "source": ["# Why", "So"]}], ["# Why\nSo"], True),
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

    def without_ends(text: str) -> str:
        return text.replace("\n", "")

    read = [without_ends(cell.source) for cell in read_cells(cells)[0]]
    assert read == [without_ends(texts(c["source"])) for c in cells]


_TOKENS = st.text("abcdefgh", min_size=8, max_size=12)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | _TOKENS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["source", "cells", "a", "nbgrader"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_WRITTEN = st.recursive(
    _TOKENS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz"), inner, max_size=2),
    max_leaves=4,
)
_CELLS = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", "Code", 3, None, []]),
        "source": _WRITTEN,
        "input": _WRITTEN,
        "sources": _WRITTEN,
        "metadata": _JSON | st.builds(lambda name: {"nbgrader": {"grade_id": name}}, _JSON),
        "id": _JSON,
        "attachments": _JSON,
        "outputs": _JSON,
        "execution_count": _JSON,
    },
)
_NOTEBOOKS = st.fixed_dictionaries(
    {},
    optional={
        "nbformat": st.sampled_from([4, 3, 2, 5, "4", None, True, [], 4.0]),
        "nbformat_minor": _JSON,
        "metadata": _JSON,
        "cells": st.lists(_CELLS | st.lists(_CELLS, max_size=2) | _TOKENS, max_size=5) | _JSON,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(_CELLS)})) | _JSON,
    },
)
_RELEASE = v4.new_notebook(
    cells=[
        v4.new_markdown_cell("Given."),
        v4.new_code_cell(
            "# Write your code here.",
            metadata={"nbgrader": {"grade_id": "f", "grade": False, "solution": True}},
        ),
    ]
)


def _tokens(value: Any) -> set[str]:
    """The texts of a student's in JSON, but for what only tools write there."""
    if isinstance(value, str):
        return set(re.findall("[a-h]{8,}", value))
    if isinstance(value, list):
        return set().union(*map(_tokens, value)) if value else set()
    if isinstance(value, dict):
        written = value.get("source") or value.get("input")
        if written is None and "source" not in value:
            written = value.get("sources")
        return _tokens(written)
    return set()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=_NOTEBOOKS | _JSON)
def test_any_json_is_graded_or_unreadable_and_none_of_its_text_is_lost(
    document: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "lesson.ipynb").write_text(json.dumps(document))
    taken = take_in(folder / "lesson.ipynb", _RELEASE, Selection((), (), ()))
    remarks = Remarks.read(taken)
    assert len(taken.cells) >= len(_RELEASE.cells)
    if remarks.unreadable:
        assert remarks.for_a_person
        return
    read = "\n".join(cell.source for cell in taken.cells)
    cells = document["cells"] if isinstance(document.get("cells"), list) else []
    sheets = document.get("worksheets") if isinstance(document.get("worksheets"), list) else []
    for sheet in sheets:
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            cells = [*cells, *sheet["cells"]]
    lost = {token for token in _tokens(cells) if token not in read}
    assert not lost


def test_cells_named_twice_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "twice.ipynb"
    first, second = json.dumps([_code(CODE)]), json.dumps([_code("y = 1")])
    path.write_text(f'{{"nbformat": 4, "cells": {first}, "cells": {second}}}')
    assert [cell.source for cell in read_notebook(path).cells] == [CODE, "y = 1"]


def test_cells_by_number_are_read(tmp_path: Path) -> None:
    cells = {"0": _code(CODE), "1": _code("y = 1")}
    (tmp_path / "lesson.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    read = read_notebook(tmp_path / "lesson.ipynb")
    assert [cell.source for cell in read.cells] == [CODE, "y = 1"]
    assert read.remarks


@pytest.mark.parametrize("nested", [list, lambda cells: [cells], lambda cells: {"0": cells}])
def test_too_many_cells_are_too_many_however_nested(tmp_path: Path, nested: Any) -> None:
    cells = nested([_code("x")] * 5001)
    (tmp_path / "lesson.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    with pytest.raises(UnreadableSubmission):
        read_notebook(tmp_path / "lesson.ipynb")


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
