"""Tests of recorded figures: found only where drawing would give the same, to the bit."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import helpers
from helpers.machinery import recorded_figures
from helpers.machinery.recorded import ENVIRONMENT_VARIABLE
from helpers.signals import LayerSignal

DRAWN = b"\x89PNG\r\n\x1a\ndrawn"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for recorded figures, which helpers use."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path))
    return tmp_path


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _not_drawn() -> bytes:
    raise AssertionError("This figure should have been found.")


def test_the_same_figure_is_drawn_once(folder: Path) -> None:
    inputs = ("title", {"a": np.arange(3.0)}, [LayerSignal("1", 0.0, 1.0, 0.0, 1.0)], None)
    assert recorded_figures.recorded_png(lambda: DRAWN, "losses", inputs) == DRAWN
    assert recorded_figures.recorded_png(_not_drawn, "losses", inputs) == DRAWN
    assert len(_names(folder)) == 1


def test_whatever_a_figure_depends_on_tells_it_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(what: str, inputs: object) -> None:
        before = _names(folder)
        recorded_figures.recorded_png(lambda: DRAWN, what, inputs)
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
    monkeypatch.setattr(recorded_figures, "language", lambda: "zh")
    add("losses", ["ab", values])
    monkeypatch.setattr(recorded_figures, "_sources", lambda: ("other code",))
    add("losses", ["ab", values])
    monkeypatch.setattr(recorded_figures, "_library", lambda: "matplotlib 0")
    add("losses", ["ab", values])


def test_a_damaged_file_is_drawn_again(folder: Path) -> None:
    recorded_figures.recorded_png(lambda: DRAWN, "losses", [])
    [path] = folder.iterdir()
    for damage in (b"", b"<script>"):
        path.write_bytes(damage)
        assert recorded_figures.recorded_png(lambda: DRAWN, "losses", []) == DRAWN
        assert path.read_bytes() == DRAWN


def test_what_cannot_be_told_apart_is_refused(folder: Path) -> None:
    for thing in (object(), np.array([object()])):
        with pytest.raises(TypeError, match=r"A figure's inputs are .*; one is a"):
            recorded_figures.recorded_png(lambda: DRAWN, "losses", [thing])


def test_without_a_folder_every_figure_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    assert recorded_figures.recorded_png(lambda: DRAWN, "losses", [object()]) == DRAWN


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
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    helpers.hist_dist("drawn", np.linspace(-1, 1, 50))
    drawn, found, without = sent
    assert drawn == found == without
    assert plt.get_fignums() == open_before
