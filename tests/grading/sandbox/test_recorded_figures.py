"""Tests of recorded figures: found only where drawing would give the same, to the bit."""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import helpers
from grading.sandbox.inside.recall import figures
from grading.sandbox.inside.recall import folder as recall_folder
from helpers.machinery import recall
from helpers.signals import LayerSignal

DRAWN = b"\x89PNG\r\n\x1a\ndrawn"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for recorded figures, which helpers use."""
    monkeypatch.setenv(recall.VARIABLE, "grading.sandbox.inside.recall")
    monkeypatch.setenv(recall_folder.VARIABLE, str(tmp_path))
    return tmp_path


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _figure(draw: Callable[[], bytes], what: str, inputs: object) -> bytes:
    return figures.figure(draw, inputs=(what, inputs), package=Path(helpers.__file__).parent)


def _not_drawn() -> bytes:
    raise AssertionError("This figure should have been found.")


def test_the_same_figure_is_drawn_once(folder: Path) -> None:
    inputs = ("title", {"a": np.arange(3.0)}, [LayerSignal("1", 0.0, 1.0, 0.0, 1.0)], None)
    assert _figure(lambda: DRAWN, "losses", inputs) == DRAWN
    assert _figure(_not_drawn, "losses", inputs) == DRAWN
    assert len(_names(folder)) == 1


def test_whatever_a_figure_depends_on_tells_it_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(what: str, inputs: object) -> None:
        before = _names(folder)
        _figure(lambda: DRAWN, what, inputs)
        assert len(_names(folder)) == len(before) + 1, (what, inputs)

    values = np.arange(4.0)
    add("losses", ["ab", values])
    add("histogram", ["ab", values])
    for inputs in (
        ["ab", values + 1e-12],
        ["ab", values.astype("f4")],
        ["ab", values.reshape(2, 2)],
        ["a", "b", values],
        [["ab"], values],
        [["ab", values]],
        {"ab": values},
        ["ab", 1],
        ["ab", True],
        ["ab", 1.0],
        ["ab", None],
        ["ab", "None"],
        [LayerSignal("1", 0.0, 1.0, 0.0, 1.0)],
        [LayerSignal("1", 0.0, 1.0, 0.0, 2.0)],
    ):
        add("losses", inputs)
    with matplotlib.rc_context({"font.size": 30}):
        add("losses", ["ab", values])
    monkeypatch.setattr(figures, "_sources", lambda _: ("other code",))
    add("losses", ["ab", values])
    monkeypatch.setattr(figures, "_library", lambda: "matplotlib 0")
    add("losses", ["ab", values])


def test_a_damaged_file_is_drawn_again(folder: Path) -> None:
    _figure(lambda: DRAWN, "losses", [])
    [path] = folder.iterdir()
    for damage in (b"", b"<script>"):
        path.write_bytes(damage)
        assert _figure(lambda: DRAWN, "losses", []) == DRAWN
        assert path.read_bytes() == DRAWN


def test_what_cannot_be_told_apart_is_refused(folder: Path) -> None:
    for thing in (object(), np.array([object()])):
        with pytest.raises(TypeError, match=r"A figure's inputs are .*; one is a"):
            _figure(lambda: DRAWN, "losses", [thing])


def test_without_a_folder_every_figure_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(recall_folder.VARIABLE, raising=False)
    assert _figure(lambda: DRAWN, "losses", [object()]) == DRAWN


def test_a_notebook_shows_the_same_either_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    sent: list[dict] = []
    open_before = plt.get_fignums()
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **more: sent.append(bundle | more)
    )
    helpers.hist_dist("drawn", np.linspace(-1, 1, 50))
    assert len(_names(folder)) == 1
    monkeypatch.setattr(plt, "subplots", _not_drawn)
    helpers.hist_dist("drawn", np.linspace(-1, 1, 50))
    monkeypatch.undo()
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **more: sent.append(bundle | more)
    )
    monkeypatch.delenv(recall.VARIABLE, raising=False)
    helpers.hist_dist("drawn", np.linspace(-1, 1, 50))
    drawn, found, without = sent
    assert drawn == found == without
    assert plt.get_fignums() == open_before


def test_another_language_is_another_figure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    for code in ("en", "zh"):
        monkeypatch.setattr("helpers.machinery.figures.language", lambda code=code: code)
        helpers.hist_dist("drawn", np.linspace(-1, 1, 50))
    assert len(_names(folder)) == 2
