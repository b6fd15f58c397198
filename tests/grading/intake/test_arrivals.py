"""Tests of ways in which right work arrives: nothing of it is lost, and none is 0 unseen."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.notebooknode import NotebookNode

from grader_tests.assignment import NAMES
from grading.intake.matching import binds
from grading.intake.restore import restore
from grading.intake.submitted_cells import read_cells
from grading.intake.take_in import take_in
from grading.intake.working_folder import Selection
from grading.submission import Remarks
from tests.grading.intake.test_restore import NAME, path, release, solved
from tests.scratch_course import Notebook, cells_by_grade_id

FUNCTION = "def weights_init_normal(m):\n    return m.weight"
MODEL = "model_default = Net()"
COMPARISON = "default_comparison = helpers.compare_init_weights([(model_default, 'D')], 'D', a, b)"
NO_FILES = Selection((), (), ())

Arrange = Callable[[Notebook], None]


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _restored(notebook: Notebook) -> tuple[dict[str, str], list[str], list[str]]:
    """Return sources by grade id, all sources in order, and the keys of the remarks."""
    cells, _ = read_cells(notebook["cells"])
    result, remarks = restore(cells, release(), NAMES)
    nbformat.validate(result)
    by_id = {name: cell["source"] for name, cell in cells_by_grade_id(result).items()}
    return by_id, [cell.source for cell in result.cells], [each.key for each in remarks]


def _only(*cells: dict[str, Any]) -> Arrange:
    def arrange(notebook: Notebook) -> None:
        notebook["cells"] = list(cells)

    return arrange


def _own_function_cell_at_the_end(notebook: Notebook) -> None:
    cells = cells_by_grade_id(notebook)
    cells["weights_init_normal"]["source"] = cells_by_grade_id(release())["weights_init_normal"][
        "source"
    ]
    notebook["cells"].append(_code(FUNCTION))


def _under_a_new_name(notebook: Notebook) -> None:
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    cell["metadata"], cell["id"], cell["source"] = {}, "0a1b2c3d", f"import math\n{FUNCTION}"


@pytest.mark.parametrize(
    "arrange",
    [
        _only(_code("import torch"), _code(FUNCTION)),
        _only(_code(FUNCTION), _text("Done."), _code(MODEL), _code(COMPARISON)),
        _own_function_cell_at_the_end,
        _under_a_new_name,
    ],
)
def test_a_function_is_recognized_by_its_name(arrange: Arrange) -> None:
    notebook = solved()
    arrange(notebook)
    assert FUNCTION in _restored(notebook)[0]["weights_init_normal"]


def test_exercises_are_recognized_by_what_they_bind() -> None:
    notebook = solved()
    notebook["cells"] = [_code(COMPARISON), _code(FUNCTION), _code(MODEL)]
    sources, _, remarks = _restored(notebook)
    assert sources["default_model"] == MODEL
    assert sources["default_comparison"] == COMPARISON
    assert "remarks.many_missing" in remarks
    assert "remarks.missing" not in remarks


def test_what_is_typed_into_a_given_cell_runs_before_it() -> None:
    notebook = solved()
    cells = cells_by_grade_id(notebook)
    cells["load_data"]["source"] = f"import math\n{cells['load_data']['source']}"
    cells["test_normal_layers"]["source"] += f"\n{FUNCTION}"
    _, sources, _ = _restored(notebook)
    given = cells_by_grade_id(release())
    for name, added in (("load_data", "import math"), ("test_normal_layers", FUNCTION)):
        assert sources.index(added) == sources.index(given[name]["source"]) - 1


def test_lines_that_cannot_run_alone_are_kept_and_not_run() -> None:
    notebook = solved()
    cell = cells_by_grade_id(notebook)["define_model"]
    cell["source"] += "\n        x = (1,"
    cells, _ = read_cells(notebook["cells"])
    result, _ = restore(cells, release(), NAMES)
    (kept,) = (cell for cell in result.cells if "x = (1," in cell.source)
    assert kept.cell_type == "raw"


def test_a_helper_in_the_place_of_a_given_cell_stays() -> None:
    notebook = solved()
    place = notebook["cells"].index(cells_by_grade_id(notebook)["uniform_init"])
    notebook["cells"][place] = _code("def scale(n):\n    return n ** -0.5")
    sources, order, _ = _restored(notebook)
    assert "def scale(n):\n    return n ** -0.5" in order
    assert sources["uniform_init"] == cells_by_grade_id(release())["uniform_init"]["source"]


class TestWrittenAnswers:
    @pytest.fixture
    def notebook(self) -> Notebook:
        """All is answered but the first question."""
        notebook = solved()
        stub = cells_by_grade_id(release())["reflection_results"]["source"]
        cells_by_grade_id(notebook)["reflection_results"]["source"] = stub
        return notebook

    def _place(self, notebook: Notebook) -> int:
        return notebook["cells"].index(cells_by_grade_id(notebook)["reflection_results"])

    @pytest.mark.parametrize("texts", [["My answer."], ["My answer.", "It has", "paragraphs."]])
    @pytest.mark.parametrize("after", [0, 1])
    @pytest.mark.parametrize("keep", [True, False])
    def test_text_around_the_question_is_the_answer(
        self, notebook: Notebook, texts: list[str], after: int, keep: bool
    ) -> None:
        place = self._place(notebook) + after
        notebook["cells"][place:place] = [_text(text) for text in texts]
        if not keep:
            del notebook["cells"][self._place(notebook)]
        sources, _, remarks = _restored(notebook)
        assert sources["reflection_results"] == "\n\n".join(texts)
        assert sources["reflection_choice"] == "I would choose ..."
        assert "remarks.text_elsewhere" not in remarks

    def test_text_in_the_questions_cell_is_the_answer(self, notebook: Notebook) -> None:
        notebook["cells"][self._place(notebook) - 1]["source"] += "\n\nMy answer."
        assert _restored(notebook)[0]["reflection_results"] == "My answer."

    def test_text_elsewhere_is_not_0_unseen(self, notebook: Notebook) -> None:
        notebook["cells"].append(_text("Question 1: my answer."))
        _, order, remarks = _restored(notebook)
        assert "remarks.text_elsewhere" in remarks
        assert "Question 1: my answer." in order

    def test_no_text_is_no_answer(self, notebook: Notebook) -> None:
        notebook["cells"].append(_text("---"))
        assert "remarks.text_elsewhere" not in _restored(notebook)[2]


@pytest.mark.parametrize(
    ("cell", "is_flagged"),
    [
        (_text(f"```python\n{FUNCTION}\n```"), True),
        (_text(f"Here:\n\n> {FUNCTION}"), True),
        (_code("# weights_init_normal = lambda m: m"), True),
        (_code(f'"""\n{FUNCTION}\n"""'), True),
        ({"cell_type": "raw", "metadata": {}, "source": FUNCTION}, True),
        (_text("I do not know how weights_init_normal is written."), False),
        (_text("weights_init_normal == the rule"), False),
        (_code(FUNCTION), False),
    ],
)
def test_code_that_nothing_runs_is_not_0_unseen(cell: dict[str, Any], is_flagged: bool) -> None:
    notebook = copy.deepcopy(dict(release()))
    notebook["cells"].append(cell)
    remarks = _restored(notebook)[2]
    assert ("remarks.code_elsewhere" in remarks) is is_flagged
    cells_by_grade_id(notebook)["weights_init_normal"]["source"] = FUNCTION
    assert "remarks.code_elsewhere" not in _restored(notebook)[2]


@pytest.mark.parametrize(
    ("file", "cell", "is_flagged"),
    [
        ("my_rule.py", None, True),
        # The lesson's own code says "model".
        ("model.py", None, True),
        ("notes/rule.txt", None, True),
        ("model.py", "from model import *", False),
        ("my_rule.py", "%run my_rule.py", False),
    ],
)
def test_code_in_a_file_that_no_cell_mentions(
    tmp_path: Path, file: str, cell: str | None, is_flagged: bool
) -> None:
    notebook = copy.deepcopy(dict(release()))
    notebook["cells"] += [] if cell is None else [_code(cell)]
    original = tmp_path / f"{NAME}.ipynb"
    original.write_text(json.dumps(notebook))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(FUNCTION)
    taken = take_in(original, release(), Selection((Path(file),), (), ()), (), NAMES)
    keys = [message.key for message in Remarks.read(taken).for_a_person]
    assert ("remarks.file_elsewhere" in keys) is is_flagged


class TestCopies:
    def _taken(self, folder: Path, *works: Notebook) -> tuple[NotebookNode, list[str]]:
        original = folder / f"{NAME}.ipynb"
        original.write_bytes(path().read_bytes())
        for number, work in enumerate(works, 1):
            (folder / f"{NAME}-Copy{number}.ipynb").write_text(json.dumps(work))
        notebook = take_in(original, release(), NO_FILES, (), NAMES)
        return notebook, [message.key for message in Remarks.read(notebook).for_a_person]

    def test_work_in_a_copy_is_read(self, tmp_path: Path) -> None:
        notebook, flags = self._taken(tmp_path, solved(), copy.deepcopy(dict(release())))
        answer = cells_by_grade_id(notebook)["reflection_choice"]["source"]
        assert answer == "I would choose ..."
        assert flags == ["remarks.copy_beside"]

    def test_of_several_a_person_chooses(self, tmp_path: Path) -> None:
        _, flags = self._taken(tmp_path, solved(), solved())
        assert flags == ["remarks.several_copies"]

    def test_an_untouched_notebook_alone_is_no_question(self, tmp_path: Path) -> None:
        assert self._taken(tmp_path)[1] == []


@pytest.mark.parametrize(
    ("source", "is_bound"),
    [
        ("def f(m): pass", True),
        ("f = lambda m: m", True),
        ("f: object = 1", True),
        ("a, f = 1, 2", True),
        ("class f: pass", True),
        ("def f(m) return m", True),
        ("f == 1", False),
        ("def g():\n    f = 1", False),
        ("print(f)", False),
    ],
)
def test_binding(source: str, is_bound: bool) -> None:
    assert binds(source, "f") == is_bound


@st.composite
def rearranged(draw: st.DrawFn) -> Notebook:
    """Return a right notebook with cells moved, dropped, doubled, stripped, and written into."""
    notebook = solved()
    cells = notebook["cells"]
    for number in range(draw(st.integers(0, 8))):
        if not cells:
            break
        place = draw(st.integers(0, len(cells) - 1))
        match draw(st.sampled_from(["move", "drop", "double", "strip", "write", "add"])):
            case "move":
                cells.insert(draw(st.integers(0, len(cells) - 1)), cells.pop(place))
            case "drop":
                del cells[place]
            case "double":
                cells.insert(place, copy.deepcopy(cells[place]))
            case "strip":
                cells[place]["metadata"], cells[place]["id"] = {}, ""
            case "write":
                cells[place]["source"] += f"\nwritten_{number} = {number}"
            case "add":
                make = draw(st.sampled_from([_code, _text]))
                cells.insert(place, make(f"added_{number} = {number}"))
    return notebook


@settings(max_examples=150, deadline=None)
@given(rearranged())
def test_no_line_of_a_students_vanishes(notebook: Notebook) -> None:
    known = {line for cell in release().cells for line in cell.source.splitlines()}
    _, order, _ = _restored(notebook)
    there = {line for source in order for line in source.splitlines()}
    for cell in notebook["cells"]:
        assert {line for line in cell["source"].splitlines() if line.strip()} <= there | known
