"""Tests of reading and restoring submissions: damaged, altered, rearranged, stripped."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.notebooknode import NotebookNode

from grader_tests.observation import CRITERIA
from grading.intake.restore import restore
from grading.intake.submitted_notebook import UnreadableSubmission, find_notebook, read_notebook
from tests.scratch_course import Notebook, built_release, cells_by_grade_id, solve

NAME = "weight_initialization"
SOLUTIONS = ("weights_init_normal", "default_model", "default_comparison")
TESTS = list(CRITERIA)


def path() -> Path:
    """The notebook that students get."""
    return built_release() / f"{NAME}.ipynb"


@cache
def release() -> NotebookNode:
    """What it holds."""
    return nbformat.read(path(), as_version=4)


def solved() -> Notebook:
    """The student notebook with everything answered."""
    notebook: Notebook = json.loads(path().read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    solve(notebook)
    cells = cells_by_grade_id(notebook)
    cells["reflection_results"]["source"] = "The lowest loss has ..."
    cells["reflection_choice"]["source"] = "I would choose ..."
    return notebook


def restored(
    notebook: Notebook | bytes, folder: Path
) -> tuple[dict[str, str], NotebookNode, list[str]]:
    """Write a submission and read it; return sources by grade id, the notebook and remarks."""
    content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(content)
    submitted = read_notebook(path)
    result, remarks = restore(submitted.cells, release())
    nbformat.validate(result)
    sources = {name: cell["source"] for name, cell in cells_by_grade_id(result).items()}
    return sources, result, [str(said) for said in submitted.remarks + remarks]


def answers(notebook: Notebook) -> dict[str, str]:
    cells = cells_by_grade_id(notebook)
    return {name: cells[name]["source"] for name in (*SOLUTIONS, "reflection_results")}


def strip_metadata(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def strip_metadata_and_ids(notebook: Notebook) -> None:
    strip_metadata(notebook)
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]


def duplicate_test(notebook: Notebook) -> None:
    cell = cells_by_grade_id(notebook)["test_normal_mean"]
    notebook["cells"].insert(notebook["cells"].index(cell), copy.deepcopy(cell))


def stub_after_answer(notebook: Notebook) -> None:
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    stub = copy.deepcopy(cell) | {
        "source": cells_by_grade_id(release())["weights_init_normal"]["source"]
    }
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, stub)


def delete_given(notebook: Notebook) -> None:
    for name in ("define_model", "load_data", "test_normal_std"):
        notebook["cells"].remove(cells_by_grade_id(notebook)[name])


def alter_given(notebook: Notebook) -> None:
    cells = cells_by_grade_id(notebook)
    for name in TESTS:
        cells[name]["source"] = "print('passed')"


def put_tests_first(notebook: Notebook) -> None:
    tests = [cells_by_grade_id(notebook)[name] for name in TESTS]
    notebook["cells"] = tests + [cell for cell in notebook["cells"] if cell not in tests]


def other_types(notebook: Notebook) -> None:
    cells_by_grade_id(notebook)["test_normal_std"]["cell_type"] = "raw"
    cell = cells_by_grade_id(notebook)["test_normal_mean"]
    cell["cell_type"] = "markdown"


def steer(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
        cell["attachments"] = {"x": {"text/html": "<script>", "image/svg+xml": "<svg/>"}}
    notebook["metadata"] = {"kernelspec": {"name": "bash", "display_name": "x"}, "widgets": {}}


def points(notebook: Notebook) -> None:
    for name in TESTS:
        marks = cells_by_grade_id(notebook)[name]["metadata"]["nbgrader"]
        marks |= {"points": 1e308, "solution": True, "locked": False}


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (strip_metadata, ""),
        (strip_metadata_and_ids, ""),
        (duplicate_test, "occurred 2 times"),
        (stub_after_answer, "all of them count"),
        (delete_given, "The cell define_model was missing"),
        (alter_given, "had been changed and was put back"),
        (put_tests_first, "another order"),
        (other_types, ""),
        (steer, ""),
        (points, ""),
    ],
)
def test_answers_stay_and_given_cells_come_back(
    tmp_path: Path, change: Callable[[Notebook], None], remark: str
) -> None:
    notebook = solved()
    expected = answers(notebook)
    change(notebook)
    sources, result, remarks = restored(notebook, tmp_path)
    assert {name: sources[name] for name in expected} == expected
    given = [cell for cell in result.cells if not cell.id.startswith("own-")]
    assert [cell.id for cell in given] == [cell.id for cell in release().cells]
    for cell, right in zip(given, release().cells, strict=True):
        assert cell.metadata == right.metadata
        assert cell.cell_type == right.cell_type
        if right.metadata.get("nbgrader", {}).get("locked"):
            assert cell.source == right.source
        assert "attachments" not in cell
    assert result.metadata == release().metadata
    assert any(remark in sentence for sentence in remarks) or not remark


def test_unchanged_submission_gets_no_remark(tmp_path: Path) -> None:
    _, result, remarks = restored(solved(), tmp_path)
    assert remarks == []
    assert len(result.cells) == len(release().cells)


def test_own_cells_stay_where_they_are_without_their_metadata(tmp_path: Path) -> None:
    notebook = solved()
    for where, name in ((0, "first"), (-1, "last")):
        own = {"cell_type": "code", "metadata": {"tags": ["x"]}, "source": f"{name} = 1"}
        notebook["cells"].insert(where if where == 0 else len(notebook["cells"]), own)
    solution = cells_by_grade_id(notebook)["weights_init_normal"]
    place = notebook["cells"].index(solution)
    notebook["cells"].insert(place, {"cell_type": "code", "metadata": {}, "source": "import math"})
    _, result, _ = restored(notebook, tmp_path)
    own_cells = [cell for cell in result.cells if cell.id.startswith("own-")]
    assert [cell.source for cell in own_cells] == ["first = 1", "import math", "last = 1"]
    assert all(cell.metadata == {} for cell in own_cells)
    order = [cell.source for cell in result.cells]
    assert order[0] == "first = 1"
    assert order[-1] == "last = 1"
    assert order.index("import math") < order.index(solution["source"])


def test_split_solution_runs_in_order(tmp_path: Path) -> None:
    notebook = solved()
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    head = copy.deepcopy(cell) | {"source": "import math", "id": "new"}
    notebook["cells"].insert(notebook["cells"].index(cell), head)
    sources, result, _ = restored(notebook, tmp_path)
    assert sources["weights_init_normal"] == cell["source"]
    order = [cell.source for cell in result.cells]
    assert order.index("import math") == order.index(cell["source"]) - 1


def test_answer_in_two_cells_is_one_text(tmp_path: Path) -> None:
    notebook = solved()
    cell = cells_by_grade_id(notebook)["reflection_choice"]
    second = copy.deepcopy(cell) | {"source": "Because ...", "id": "new"}
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, second)
    sources, _, _ = restored(notebook, tmp_path)
    assert sources["reflection_choice"] == "I would choose ...\n\nBecause ..."


def test_image_in_an_answer_stays(tmp_path: Path) -> None:
    notebook = solved()
    image = {"plot.png": {"image/png": "iVBORw0KGgo=", "text/html": "<script>"}}
    cells_by_grade_id(notebook)["reflection_choice"]["attachments"] = image
    _, result, _ = restored(notebook, tmp_path)
    cell = cells_by_grade_id(result)["reflection_choice"]
    assert cell["attachments"] == {"plot.png": {"image/png": "iVBORw0KGgo="}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "damaged"),
        (b"\x00\xff\xfe\x12", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"[]", "not a notebook"),
        (b"{}", "no list of cells"),
        (b'{"cells": null}', "no list of cells"),
        (b'{"nbformat": 3, "worksheets": 1}', "old format 3"),
    ],
)
def test_what_is_no_notebook_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSubmission, match=reason):
        restored(content, tmp_path)


@pytest.mark.parametrize(
    ("encode", "remark"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "byte-order mark"),
        (lambda text: text.encode("utf-16"), "UTF-16"),
    ],
)
def test_encodings(tmp_path: Path, encode: Callable[[str], bytes], remark: str) -> None:
    notebook = solved()
    sources, _, remarks = restored(encode(json.dumps(notebook)), tmp_path)
    assert sources["weights_init_normal"] == answers(notebook)["weights_init_normal"]
    assert remark in remarks[0]


def test_old_format_is_converted(tmp_path: Path) -> None:
    old = nbformat.convert(nbformat.from_dict(solved()), 3)
    sources, _, remarks = restored(json.dumps(old).encode(), tmp_path)
    assert sources["default_model"] == answers(solved())["default_model"]
    assert "old format 3" in remarks[0]


def test_halves_of_characters_do_not_break_the_file(tmp_path: Path) -> None:
    notebook = solved()
    cells_by_grade_id(notebook)["default_model"]["source"] = "x = '\ud800\x00'"
    sources, result, _ = restored(notebook, tmp_path)
    assert sources["default_model"] == "x = '?'"
    nbformat.writes(result).encode()


class TestFinding:
    def test_renamed_notebook_is_found(self, tmp_path: Path) -> None:
        (tmp_path / f"{NAME} (1).ipynb").touch()
        (tmp_path / "scratch.ipynb").touch()
        path, remarks = find_notebook(tmp_path, NAME)
        assert path.name == f"{NAME} (1).ipynb"
        assert list(map(str, remarks)) == [f"The notebook was handed in as {NAME} (1).ipynb."]

    def test_browsers_way_of_naming_is_known(self, tmp_path: Path) -> None:
        (tmp_path / f"{NAME}.ipynb.txt").touch()
        (tmp_path / "notes.txt").touch()
        path, remarks = find_notebook(tmp_path, NAME)
        assert path.name == f"{NAME}.ipynb.txt"
        assert list(map(str, remarks)) == [f"The notebook was handed in as {NAME}.ipynb.txt."]

    def test_right_name_comes_first(self, tmp_path: Path) -> None:
        (tmp_path / f"{NAME} (1).ipynb").touch()
        (tmp_path / f"{NAME}.ipynb").touch()
        assert find_notebook(tmp_path, NAME) == (tmp_path / f"{NAME}.ipynb", [])

    @pytest.mark.parametrize("names", [[], ["a.ipynb", "b.ipynb"]])
    def test_nothing_is_guessed(self, tmp_path: Path, names: list[str]) -> None:
        for name in names:
            (tmp_path / name).touch()
        with pytest.raises(UnreadableSubmission, match="no notebook"):
            find_notebook(tmp_path, NAME)

    def test_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "link.ipynb").symlink_to(path())
        with pytest.raises(UnreadableSubmission, match="is a link"):
            read_notebook(tmp_path / "link.ipynb")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "cell_type": st.sampled_from(["code", "markdown", "raw", "other"]) | json_values,
                "source": st.text() | json_values,
                "id": json_values,
                "metadata": st.fixed_dictionaries(
                    {"nbgrader": st.fixed_dictionaries({"grade_id": st.sampled_from(TESTS)})}
                )
                | json_values,
                "attachments": json_values,
            },
        )
        | json_values,
        max_size=6,
    )
)
def test_any_list_of_cells_becomes_a_valid_notebook(
    tmp_path_factory: pytest.TempPathFactory, cells: list[object]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    _, result, _ = restored(content.encode(), folder)
    assert [c.id for c in result.cells if not c.id.startswith("own-")] == [
        c.id for c in release().cells
    ]
