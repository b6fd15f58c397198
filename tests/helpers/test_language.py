"""Tests of the language that helpers speak: where it is named, and what it is looked up in."""

import ast
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from string import Formatter

import matplotlib
import matplotlib.pyplot
import nbformat
import numpy as np
import pytest
import torch
from matplotlib import font_manager
from matplotlib.figure import Figure
from torch import nn

import helpers
from helpers.machinery import figures, unrun_cells
from helpers.machinery.language import LanguageError, columns, language, pad, translate

COURSE_ROOT = Path(__file__).resolve().parents[2]
CATALOGS: dict[str, dict[str, str]] = {
    path.stem: {
        english: text
        for english, text in tomllib.loads(path.read_text("utf-8")).items()
        if isinstance(text, str)
    }
    for path in (COURSE_ROOT / "helpers" / "machinery" / "words").glob("*.toml")
}
CATALOG = CATALOGS["zh"]
# What looks up its first argument, and functions that look up what a cell gives them.
_LOOKING_UP = {"translate", "label", "ComparisonError", "DataError", "SignalsError"}
_SHOWING = {"compare_init_weights", "hist_dist", "layer_signals", "gradient_rows"}
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "language.txt").write_text("zh\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def _texts_in_code() -> set[str]:
    """Every text that helpers look up by a call with it."""
    texts = set()
    for path in (COURSE_ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _LOOKING_UP:
                texts |= {
                    part.value
                    for part in ast.walk(node.args[0])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    return texts


def _labels_in_cells() -> set[str]:
    """Titles and labels that the lesson's code gives to what shows them."""
    path = COURSE_ROOT / "source" / "weight_initialization" / "weight_initialization.ipynb"
    texts = set()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or "test_" in cell.id:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in _SHOWING:
                texts |= {
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    return texts


class TestLanguage:
    def test_is_english_unless_a_file_says_otherwise(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert language() == "en"
        assert translate("training loss") == "training loss"
        (tmp_path / "language.txt").write_text("zh\n")
        assert language() == "zh"
        assert translate("training loss") == "训练损失"
        assert translate("a student's own label") == "a student's own label"
        (tmp_path / "language.txt").write_text("fr")
        with pytest.raises(LanguageError, match="'fr'; it should hold en or zh"):
            language()

    def test_columns_of_full_width_characters(self) -> None:
        assert columns("a层：") == 5
        assert pad("层", 4) == "层  "
        assert pad("层", 4, right=True) == "  层"


class TestCatalog:
    @pytest.mark.parametrize("code", CATALOGS)
    def test_every_text_of_helpers_is_in_it(self, code: str) -> None:
        texts = _texts_in_code()
        assert len(texts) > 80
        assert texts - set(CATALOGS[code]) == set()

    @pytest.mark.parametrize("code", CATALOGS)
    def test_every_label_of_the_lesson_is_in_it(self, code: str) -> None:
        labels = _labels_in_cells()
        assert len(labels) > 15
        # A name stays a name.
        assert labels - set(CATALOGS[code]) <= {"He"}

    @pytest.mark.parametrize("code", CATALOGS)
    def test_outcomes_sections_and_choices_are_in_it(self, code: str) -> None:
        texts = {"correct", "incorrect", "not attempted", "normal", "uniform"}
        texts |= set(unrun_cells.SECTIONS.values()) | {helpers.machinery.stand_in.ANNOUNCEMENT}
        assert texts - set(CATALOGS[code]) == set()

    def test_sections_are_named_as_the_chinese_notebook_names_them(self) -> None:
        path = COURSE_ROOT / "source" / "weight_initialization_zh" / "weight_initialization.ipynb"
        headings = set(re.findall(r'"## (.+?)\\n?"', path.read_text(encoding="utf-8")))
        assert {CATALOG[name] for name in unrun_cells.SECTIONS.values()} <= headings

    def test_both_languages_have_the_same_places(self) -> None:
        for english, text in CATALOG.items():
            assert HAN.search(text) or english in {"a {kind}", "Fashion-MNIST", ", ", "; "}, english
            places = [
                sorted((name or "", spec) for _, name, spec, _ in Formatter().parse(each) if name)
                for each in (english, text)
            ]
            assert places[0] == places[1], english

    def test_nothing_in_it_is_unused(self) -> None:
        code = "".join(path.read_text("utf-8") for path in (COURSE_ROOT / "helpers").rglob("*.py"))
        # Texts broken over several lines are joined, as Python joins them.
        code = re.sub(r'"\s*\n\s*"', "", code)
        known = (
            _texts_in_code()
            | _labels_in_cells()
            | set(helpers.machinery.unrun_cells.SECTIONS.values())
        )
        classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"}
        classes |= {"Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
        for english in set(CATALOG) - known - classes:
            assert json.dumps(english, ensure_ascii=False) in code, english


@pytest.mark.usefixtures("chinese")
class TestChinese:
    def test_self_check(self, capsys: pytest.CaptureFixture[str]) -> None:
        def wrong(module: nn.Module) -> None:
            if isinstance(module, nn.Linear):
                nn.init.uniform_(module.weight, 0, 1)

        torch.manual_seed(0)
        helpers.check(wrong, hint=True)
        told = capsys.readouterr().out
        assert told.startswith("wrong 的自检结果：不正确\n")
        assert "提示：" in told
        helpers.check(lambda module: None)
        assert "尚未作答" in capsys.readouterr().out

    def test_unrun_cells(self) -> None:
        assert "“模型”一节" in str(unrun_cells.sentence("Net"))

    @pytest.mark.parametrize("font", [True, False])
    def test_figures_with_and_without_a_font(
        self, font: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        matplotlib.use("agg")
        if font and figures.families() is None:
            pytest.skip("needs a font with Chinese characters, such as Debian's fonts-noto-cjk")
        if not font:
            monkeypatch.setattr(figures, "families", lambda: None)
        shown: list[tuple[Figure, str]] = []

        def keep(draw: Callable[..., Figure], *inputs: object, description: str) -> None:
            with figures.drawing():
                figure = draw(*inputs)
                # A character that no font has would be a warning here, and so an error.
                figure.canvas.draw()
            shown.append((figure, description))

        monkeypatch.setattr("helpers.plots.show", keep)
        helpers.hist_dist("Random Uniform (low=-3, high=3)", np.linspace(-3, 3, 40))
        [(figure, description)] = shown
        assert figure.axes[0].get_xlabel() == ("取值" if font else "value")
        # The description is text, which needs no font of matplotlib's.
        assert description.startswith("直方图：均匀分布")


class TestFonts:
    def test_a_font_newer_than_the_list_is_read(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        listed = font_manager.fontManager.ttflist
        serif, *_ = [f for f in listed if f.fname.endswith("DejaVuSerif.ttf")]
        (tmp_path / "broken.ttf").write_bytes(b"no font")
        monkeypatch.setattr(
            font_manager.fontManager, "ttflist", [f for f in listed if f.name != serif.name]
        )
        monkeypatch.setattr(
            font_manager,
            "findSystemFonts",
            lambda: [str(tmp_path / "broken.ttf"), serif.fname],
        )
        figures._first_installed.cache_clear()
        assert figures._first_installed(("No such font", serif.name)) == serif.name
        assert figures._first_installed(("No such font",)) is None

    @pytest.mark.usefixtures("chinese")
    def test_english_in_a_figure_is_said_once(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        matplotlib.use("agg")
        monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
        monkeypatch.setattr(figures, "_first_installed", lambda _wanted: None)
        figures._say_that_figures_are_english.cache_clear()
        for _ in range(2):
            helpers.hist_dist("title", [1.0, 2.0])
        assert capsys.readouterr().out.count("图中文字暂用英文") == 1
        monkeypatch.setattr(figures, "_first_installed", lambda wanted: wanted[0])
        figures._say_that_figures_are_english.cache_clear()
        figures.show(lambda: matplotlib.pyplot.figure(), description="a figure")
        assert capsys.readouterr().out == ""
