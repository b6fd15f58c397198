"""Tests the instructor's notebook: its form, its parts, its pictures, and what formats it."""

import ast
import io
import itertools
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator

from grader_tests.probe.elsewhere import BEFORE
from grading.authoring.notebook_format import NotebookFormatError, canonical, format_paths

COURSE = Path(__file__).resolve().parents[2]
SOURCE = COURSE / "source" / "weight_initialization"
CHINESE = COURSE / "source" / "weight_initialization_zh"
TEXT = (SOURCE / "weight_initialization.ipynb").read_text(encoding="utf-8")

SECTIONS = [
    "# Weight initialization",
    "## Initial weights and training loss",
    "## Data",
    "## A look at the data",
    "## The model",
    "## All zeros or all ones",
    "## The uniform distribution",
    "## Uniform baseline",
    "## The general rule",
    "## The normal distribution",
    "## Exercise 1: Normal weights",
    "## Exercise 2: Default initialization",
    "## Questions",
    "## Optional: What larger networks change",
    "## Handing in",
]
HAN = "[\u4e00-\u9fff]"
# Names that students, hidden tests and other editions rely on.
NAMES = {
    "batch_size",
    "valid_size",
    "num_workers",
    "train_loader",
    "valid_loader",
    "test_loader",
    "classes",
    "Net",
    "model_0",
    "model_1",
    "weights_init_uniform",
    "model_uniform",
    "weights_init_uniform_center",
    "weights_init_uniform_rule",
    "model_centered",
    "model_rule",
    "weights_init_normal",
    "model_uniform_rule",
    "model_normal_rule",
    "model_default",
    "default_comparison",
}
# (grade, solution, locked) of each kind of cell, as nbgrader writes it.
KINDS = {
    (False, True, False): "solution",
    (True, False, True): "test",
    (True, True, False): "answer",
    (False, False, True): "given",
}
GRADED = {
    "weights_init_normal": ("solution", None),
    "test_normal_layers": ("test", 2),
    "test_normal_mean": ("test", 2),
    "test_normal_std": ("test", 4),
    "test_normal_shape": ("test", 2),
    "test_normal_bias": ("test", 2),
    "default_model": ("solution", None),
    "test_default_model": ("test", 4),
    "default_comparison": ("solution", None),
    "test_default_comparison": ("test", 4),
    "reflection_results": ("answer", 3),
    "reflection_choice": ("answer", 3),
}


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.reads(TEXT, as_version=4)


def _prose(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _headings(notebook: NotebookNode) -> list[str]:
    # "###" also begins nbgrader's marks, which are no headings of the lesson.
    lines = re.findall(r"^#+ .+$", _prose(notebook), re.MULTILINE)
    return [line for line in lines if not line.startswith(("### BEGIN", "### END"))]


def _links_lead_to_headings(prose: str) -> None:
    """Hold that each link within the notebook leads to an anchor of its own before a heading.

    JupyterLab follows no link to a heading in Chinese, and every reader follows one to an anchor.
    """
    anchors = re.findall(r'(?m)^<a id="([a-z0-9-]+)"></a>\n\n##+ ', prose)
    assert len(anchors) == len(set(anchors)) == prose.count("<a ")
    links = re.findall(r"\]\(#([^)]*)\)", prose)
    assert len(links) == 7
    assert set(links) == set(anchors)


def _code_alone(source: str) -> tuple[str, list[str]]:
    """Return code without comments, docstrings and printed words; and nbgrader's marks in it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            del node.body[0]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            node.args = [arg for arg in node.args if not isinstance(arg, ast.Constant)]
    return ast.dump(tree), re.findall(r"### (?:BEGIN|END) .*", source)


def _words(source: str) -> list[str]:
    """Return the comments and docstrings of code, without nbgrader's marks."""
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith("###")
    ]
    nodes = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return comments + [text for node in nodes if (text := ast.get_docstring(node))]


def _kind(cell: NotebookNode) -> str:
    meta = cell.metadata.nbgrader
    return KINDS[(meta.grade, meta.solution, meta.locked)]


def _nbgrader_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if "nbgrader" in cell.metadata]


class TestNotebook:
    def test_is_canonical(self) -> None:
        assert canonical(TEXT) == TEXT

    def test_metadata_is_valid_for_nbgrader(self, notebook: NotebookNode) -> None:
        MetadataValidator().validate_nb(notebook)

    def test_each_given_cell_between_the_exercises_is_known_to_the_probe(
        self, notebook: NotebookNode
    ) -> None:
        """A model that one of them makes is no student's answer to the second exercise."""
        names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
        first, last = names.index("test_normal_bias"), names.index("default_model")
        given = [cell for cell in notebook.cells[first:last] if cell.cell_type == "code"]
        assert len(given) >= 3
        for cell in given:
            assert any(mark in cell.source for mark in BEFORE), cell.source
        for cell in notebook.cells[last:]:
            assert not any(mark in cell.source for mark in BEFORE), cell.source

    def test_cells_are_graded_as_designed(self, notebook: NotebookNode) -> None:
        found = {
            cell.metadata.nbgrader.grade_id: (_kind(cell), cell.metadata.nbgrader.get("points"))
            for cell in _nbgrader_cells(notebook)
            if _kind(cell) != "given"
        }
        assert found == GRADED
        assert list(found) == list(GRADED)

    def test_ids_of_cells_are_their_grade_ids(self, notebook: NotebookNode) -> None:
        for cell in _nbgrader_cells(notebook):
            assert cell.id == cell.metadata.nbgrader.grade_id

    def test_no_graded_cell_follows_a_given_one(self, notebook: NotebookNode) -> None:
        # nbgrader 0.9.6 puts a deleted graded cell back behind the nbgrader cell before it, and
        # stops with a KeyError where that one is read-only.
        kinds = [_kind(cell) for cell in _nbgrader_cells(notebook)]
        for before, kind in itertools.pairwise(kinds):
            assert not (before == "given" and kind in ("test", "answer"))

    def test_sections_stand_in_order(self, notebook: NotebookNode) -> None:
        assert [line for line in _headings(notebook) if not line.startswith("###")] == SECTIONS

    def test_fixed_names_are_defined(self, notebook: NotebookNode) -> None:
        code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        defined = {
            node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else node.id
            for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        }
        assert defined >= NAMES

    def test_links_lead_to_headings(self, notebook: NotebookNode) -> None:
        _links_lead_to_headings(_prose(notebook))

    def test_points_are_told(self, notebook: NotebookNode) -> None:
        told = {
            cell.id: int(found[1])
            for cell in notebook.cells
            if (found := re.search(r"^\*(\d+) points[.,]", cell.source, re.MULTILINE))
        }
        points = {name: points or 0 for name, (_, points) in GRADED.items()}
        assert told == {
            "exercise-1": sum(p for name, p in points.items() if "normal" in name),
            "exercise-2": sum(p for name, p in points.items() if "default" in name),
            "question-results": points["reflection_results"],
            "question-choice": points["reflection_choice"],
        }
        (start,) = (cell.source for cell in notebook.cells if cell.id == "weight-initialization")
        assert f"{sum(points.values())} points in all" in start
        # Each test's points, in the order of the tests.
        (exercise,) = (cell.source for cell in notebook.cells if cell.id == "exercise-1")
        each = [p for name, p in points.items() if name.startswith("test_normal")]
        assert [int(p) for p in re.findall(r"\((\d)\)", exercise)] == each

    def test_question_asks_for_what_its_rubric_gives_points_for(
        self, notebook: NotebookNode
    ) -> None:
        (question,) = (cell.source for cell in notebook.cells if cell.id == "question-results")
        rubric = notebook.cells[-1].source.split("*Question 1")[1].split("*Question 2")[0]
        asked, given = (re.findall(r"(?m)^- (.+)$", text) for text in (question, rubric))
        topics = ("lowest training loss", "highest validation accuracy", "ahead of the next best")
        assert len(asked) == len(given) == len(topics)
        for topic, wanted, scored in zip(topics, asked, given, strict=True):
            assert topic in wanted
            assert topic in scored
            assert "(1 point)" in wanted
            assert scored.startswith("1 point")

    def test_each_guess_has_a_cell_to_be_written_in(self, notebook: NotebookNode) -> None:
        guesses = [cell for cell in notebook.cells if cell.id.startswith("guess-")]
        assert [cell.id for cell in guesses] == [
            "guess-constants",
            "guess-rules",
            "guess-seeds",
            "guess-default",
        ]
        for cell in guesses:
            assert cell.cell_type == "markdown"
            assert "nbgrader" not in cell.metadata
            assert "double-click here" in cell.source

    def test_each_test_cell_calls_its_own_criterion(self, notebook: NotebookNode) -> None:
        for cell in _nbgrader_cells(notebook):
            if _kind(cell) != "test":
                assert "grader_tests" not in cell.source
                continue
            visible, hidden = cell.source.split("### BEGIN HIDDEN TESTS\n")
            assert "grader_tests" not in visible
            assert visible.startswith("# Tests ")
            assert re.findall(r'check\(\s*"(\w+)"', hidden) == [cell.id]
            assert hidden.endswith("### END HIDDEN TESTS")

    def test_stub_of_the_function_holds_its_docstring_and_nothing_of_the_solution(
        self, notebook: NotebookNode
    ) -> None:
        (cell,) = (cell for cell in notebook.cells if cell.id == "weights_init_normal")
        stub = re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", "", cell.source, flags=re.DOTALL)
        (function,) = ast.parse(stub).body
        assert isinstance(function, ast.FunctionDef)
        assert ast.get_docstring(function)
        assert len(function.body) == 1

    def test_rubric_stands_between_its_marks(self, notebook: NotebookNode) -> None:
        cell = notebook.cells[-1]
        visible, rubric = cell.source.split("### BEGIN MARK SCHEME")
        assert "ubric" in rubric
        assert "ubric" not in visible
        assert rubric.endswith("### END MARK SCHEME")


class TestPictures:
    @pytest.fixture(scope="class")
    def shown(self, notebook: NotebookNode) -> dict[str, str]:
        """Path of each picture in the notebook, with its alternative text."""
        found = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", _prose(notebook))
        return {path: alternative for alternative, path in found}

    def test_every_picture_is_shown_and_exists(self, shown: dict[str, str]) -> None:
        drawn = {path.relative_to(SOURCE).as_posix() for path in (SOURCE / "figures").iterdir()}
        assert set(shown) == drawn

    def test_alternative_text_describes_the_picture(self, shown: dict[str, str]) -> None:
        for path, alternative in shown.items():
            assert len(alternative.split()) >= 15, f"{path}: {alternative!r}"

    def test_script_draws_the_same_bytes(self, tmp_path: Path) -> None:
        script = COURSE / "docs" / "draw_figures.py"
        subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
        for edition in (SOURCE, CHINESE):
            for path in (edition / "figures").iterdir():
                drawn = tmp_path / edition.name / "figures" / path.name
                assert drawn.read_bytes() == path.read_bytes(), path.name

    def test_chinese_pictures_hold_no_english_words(self) -> None:
        english = {"inputs", "weights", "batch", "training loss", "scores", "neurons"}
        for path in (CHINESE / "figures").iterdir():
            words = re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
            assert words, path.name
            assert all(re.search(HAN, word) for word in words)
            # matplotlib keeps the words of outlines as comments.
            comments = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"))
            assert not english & set(comments), path.name


class TestEditions:
    """The Chinese edition is the same assignment in other words."""

    @pytest.fixture(scope="class")
    def pairs(self) -> list[tuple[NotebookNode, NotebookNode]]:
        text = (CHINESE / "weight_initialization.ipynb").read_text(encoding="utf-8")
        assert canonical(text) == text
        english, chinese = (nbformat.reads(each, as_version=4) for each in (TEXT, text))
        assert english.metadata == chinese.metadata
        return list(zip(english.cells, chinese.cells, strict=True))

    def test_same_cells_metadata_and_points(
        self, pairs: list[tuple[NotebookNode, NotebookNode]]
    ) -> None:
        for english, chinese in pairs:
            assert english.id == chinese.id
            assert english.cell_type == chinese.cell_type
            assert english.metadata == chinese.metadata

    def test_same_code(self, pairs: list[tuple[NotebookNode, NotebookNode]]) -> None:
        code = [(english, chinese) for english, chinese in pairs if english.cell_type == "code"]
        assert len(code) > 20
        for english, chinese in code:
            assert _code_alone(english.source) == _code_alone(chinese.source), english.id

    def test_comments_are_in_the_language_of_the_edition(
        self, pairs: list[tuple[NotebookNode, NotebookNode]]
    ) -> None:
        code = [(english, chinese) for english, chinese in pairs if english.cell_type == "code"]
        words = [list(map(_words, (one.source, other.source))) for one, other in code]
        assert sum(len(one) for one, _ in words) > 20
        for english, chinese in words:
            assert len(english) == len(chinese)
            assert not any(re.search(HAN, text) for text in english)
            assert all(re.search(HAN, text) for text in chinese), chinese

    def test_one_chinese_word_for_one_thing(
        self, pairs: list[tuple[NotebookNode, NotebookNode]]
    ) -> None:
        texts = {cell.id: cell.source for _, cell in pairs}
        for folder in ("helpers/machinery/words", "grader_tests/judge/words"):
            texts[folder] = (COURSE / folder / "zh.toml").read_text(encoding="utf-8")
        for name, text in texts.items():
            # 偏差 reads as a deviation beside 标准差; the rule is 法则 throughout.
            assert not re.findall("偏差|规则", text), name

    def test_prose_says_the_same(self, pairs: list[tuple[NotebookNode, NotebookNode]]) -> None:
        """What language does not touch agrees: headings, formulas, code, pictures, list items."""
        for english, chinese in pairs:
            if english.cell_type == "code":
                continue
            assert re.search(HAN, chinese.source), chinese.id
            paragraphs = [len(cell.source.split("\n\n")) for cell in (english, chinese)]
            assert paragraphs[0] == paragraphs[1], english.id
            for pattern in (
                r"(?m)^#+(?= )",
                r"(?m)^(?:-|\d\.) ",
                r"\]\((?!#)([^)]*)\)",
                r"(?s)\$\$.*?\$\$",
                r"(?m)^### (?:BEGIN|END).*$",
            ):
                found = [re.findall(pattern, cell.source) for cell in (english, chinese)]
                assert found[0] == found[1], (english.id, pattern)
            # Sentences are put in another order now and then, so the order may differ here.
            for pattern in (r"`[^`]+`", r"\$[^$\n]+\$"):
                found = [sorted(set(re.findall(pattern, c.source))) for c in (english, chinese)]
                assert found[0] == found[1], (english.id, pattern)

    def test_figures_in_the_text_agree(
        self, pairs: list[tuple[NotebookNode, NotebookNode]]
    ) -> None:
        for english, chinese in pairs:
            if english.cell_type == "markdown":
                found = [set(re.findall(r"\d+\.\d+", c.source)) for c in (english, chinese)]
                assert found[0] == found[1], english.id

    def test_links_lead_to_headings(self, pairs: list[tuple[NotebookNode, NotebookNode]]) -> None:
        _links_lead_to_headings(
            "\n".join(cell.source for _, cell in pairs if cell.cell_type == "markdown")
        )

    def test_punctuation_is_chinese(self, pairs: list[tuple[NotebookNode, NotebookNode]]) -> None:
        for _, cell in pairs:
            if cell.cell_type == "markdown":
                prose = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", cell.source)
                assert not re.findall(rf"{HAN}[,:;?!(]|[,:;?!]{HAN}|\d[,;:][A-Za-z]", prose), (
                    cell.id
                )
                # CommonMark ends no emphasis between a punctuation mark and a letter.
                for _, inside, after in re.findall(r"(\*\*?)([^*\n]+)\1(.?)", prose):
                    ends_in_a_mark = inside[-1] in "。，：；？！）"
                    assert not (ends_in_a_mark and after.strip()), (cell.id, inside)

    def test_files_beside_the_notebook(self) -> None:
        assert (CHINESE / "language.txt").read_text(encoding="utf-8") == "zh\n"
        assert sorted(path.name for path in (CHINESE / "figures").iterdir()) == sorted(
            path.name for path in (SOURCE / "figures").iterdir()
        )
        packages = [
            [
                line
                for line in (folder / "requirements.txt").read_text().splitlines()
                if "#" not in line
            ]
            for folder in (SOURCE, CHINESE)
        ]
        assert packages[0] == packages[1]


def _notebook(*cells: dict[str, object]) -> str:
    """A notebook as JupyterLab might save it, less tidy than the canonical form."""
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"language_info": {"name": "python", "version": "3.99"}, "toc": {}},
            "cells": list(cells),
        }
    )


def _code(source: str = "1 + 1", **more: object) -> dict[str, object]:
    output = {"output_type": "stream", "name": "stdout", "text": "2"}
    cell: dict[str, object] = {"cell_type": "code", "source": source, "metadata": {}}
    return cell | {"outputs": [output], "execution_count": 7} | more


def _ids(text: str) -> list[str]:
    return [cell["id"] for cell in json.loads(canonical(text))["cells"]]


class TestFormat:
    def test_what_a_run_leaves_behind_goes(self) -> None:
        messy = _code("x = 1\n\n", id="a", metadata={"scrolled": True, "tags": ["kept"]})
        text = canonical(_notebook(messy))
        (cell,) = json.loads(text)["cells"]
        assert cell == {
            "cell_type": "code",
            "execution_count": None,
            "id": "a",
            "metadata": {"tags": ["kept"]},
            "outputs": [],
            "source": ["x = 1"],
        }
        assert "3.99" not in text
        assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
        assert canonical(text) == text

    def test_ids_say_what_a_cell_is(self) -> None:
        heading: dict[str, object] = {
            "cell_type": "markdown",
            "metadata": {},
            "source": "## All zeros, or ones",
        }
        graded = {"nbgrader": {"grade_id": "test_mean"}}
        cells = [
            _code(id="0a1b2c3d"),
            heading | {"id": "deadbeef"},
            _code(),
            _code(id="chosen-by-hand"),
            _code(id="chosen-by-hand"),
            _code(metadata=graded, id="4e5f6a7b-0000-4000-8000-0123456789ab"),
        ]
        text = _notebook(*cells)
        assert _ids(text) == [
            "start",
            "all-zeros-or-ones",
            "all-zeros-or-ones-2",
            "chosen-by-hand",
            "chosen-by-hand-2",
            "test_mean",
        ]
        assert canonical(canonical(text)) == canonical(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            "{",
            _notebook({"cell_type": "code"}),
            '{"nbformat": 3, "worksheets": []}',
        ],
    )
    def test_what_is_no_notebook_is_refused(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(NotebookFormatError, match="notebook"):
            canonical(text)
        path = tmp_path / "broken.ipynb"
        path.write_text(text)
        with pytest.raises(NotebookFormatError, match=re.escape(str(path))):
            format_paths([path], check=False)
        assert path.read_text() == text

    def test_check_finds_and_formatting_mends(self, tmp_path: Path) -> None:
        path = tmp_path / "lesson.ipynb"
        path.write_text(_notebook(_code()))
        hidden = tmp_path / ".ipynb_checkpoints" / "lesson-checkpoint.ipynb"
        hidden.parent.mkdir()
        hidden.write_text("left alone")
        command = [sys.executable, "-m", "grading", "format"]

        before = path.read_text()
        checked = subprocess.run([*command, "--check", tmp_path], capture_output=True, text=True)
        assert checked.returncode == 1
        assert f"{path}: not in canonical form" in checked.stdout
        assert path.read_text() == before

        subprocess.run([*command, tmp_path], check=True, capture_output=True)
        assert path.read_text() == canonical(before)
        assert format_paths([tmp_path], check=True) == []

    def test_missing_path_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NotebookFormatError, match="absent"):
            format_paths([tmp_path / "absent"], check=True)
