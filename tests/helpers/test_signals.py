"""Tests of what shows a network before training: signals, symmetry, the lab, and the figures."""

import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets, transforms

import helpers
from helpers import lab_networks as lab
from helpers.lab_controls import PRESETS, _Panel, controls, how_far
from helpers.lab_networks import DISTRIBUTIONS, SCALES, make_network
from helpers.machinery import figures, unrun_cells
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net


@pytest.fixture(autouse=True)
def _no_windows() -> None:
    matplotlib.use("agg")


@pytest.fixture(scope="module")
def loader(drawn_data: Path) -> DataLoader:
    data = datasets.FashionMNIST(str(drawn_data), train=False, transform=transforms.ToTensor())
    return DataLoader(data, 100, shuffle=True)


def _net(label: str) -> nn.Module:
    torch.manual_seed(0)
    return Net().apply(INITIAL_WEIGHTS[label])


class TestSignals:
    def test_measures_what_the_layers_compute(self, loader: DataLoader) -> None:
        signals = helpers.layer_signals([(_net("normal(0, y)"), "normal")], loader).models["normal"]
        assert [signal.layer for signal in signals] == ["fc1", "fc2", "fc3"]
        images, labels = helpers.signals.first_images(loader, 10)
        model: Any = _net("normal(0, y)").eval()
        z1 = model.fc1(images.flatten(1))
        z2 = model.fc2(z1.relu())
        z3 = model.fc3(z2.relu())
        loss = nn.functional.cross_entropy(z3, labels, reduction="sum")
        for signal, z, gradient in zip(
            signals, (z1, z2, z3), torch.autograd.grad(loss, (z1, z2, z3)), strict=True
        ):
            assert signal.mean == pytest.approx(z.mean().item(), abs=1e-4)
            assert signal.deviation == pytest.approx(z.std().item(), rel=1e-4)
            assert signal.gradient_mean == pytest.approx(gradient.mean().item(), abs=1e-6)
            assert signal.gradient_deviation == pytest.approx(gradient.std().item(), rel=1e-4)

    def test_ones_explode_by_the_number_of_inputs(self, loader: DataLoader) -> None:
        [layers] = helpers.layer_signals(_net("all ones"), loader).models.values()
        # All outputs are equal and positive, so a layer multiplies by its number of inputs.
        first, second, third = (layer.deviation for layer in layers)
        assert second / first == pytest.approx(256, rel=1e-4)
        assert third / second == pytest.approx(128, rel=1e-4)

    def test_same_images_each_time_and_nothing_changed(
        self, loader: DataLoader, capsys: pytest.CaptureFixture[str]
    ) -> None:
        model = _net("normal(0, y)").train()
        before = copy.deepcopy(model.state_dict())
        state = torch.get_rng_state()
        first, second = (str(helpers.layer_signals(model, loader)) for _ in range(2))
        assert first == second
        assert first in capsys.readouterr().out
        assert torch.equal(state, torch.get_rng_state())
        assert model.training
        assert all(parameter.grad is None for parameter in model.parameters())
        assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())

    def test_convolutions_and_in_place_activations(self) -> None:
        data = TensorDataset(torch.rand(50, 1, 8, 8), torch.arange(50) % 10)
        model = nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(72, 10)
        )
        [layers] = helpers.layer_signals(model, DataLoader(data, 5)).models.values()
        # ReLU in place would have made every z of the convolution positive.
        assert [layer.layer for layer in layers] == ["0", "3"]
        assert layers[0].mean < 2 * layers[0].deviation

    def test_says_what_is_wrong(self, loader: DataLoader) -> None:
        class Empty(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x.flatten(1)[:, :10].requires_grad_()

        with pytest.raises(helpers.SignalsError, match="this Empty has none"):
            helpers.layer_signals(Empty(), loader)
        with pytest.raises(helpers.SignalsError, match="list of pairs"):
            helpers.layer_signals([Net()], loader)  # type: ignore[list-item]  # wrong on purpose
        short = DataLoader(TensorDataset(torch.rand(20, 784), torch.zeros(20).long()), 10)
        with pytest.raises(helpers.SignalsError, match="gives 2 batches; 10 are needed"):
            helpers.layer_signals(Net(), short)


class TestSymmetry:
    def test_equal_weights_receive_equal_gradients(
        self, loader: DataLoader, capsys: pytest.CaptureFixture[str]
    ) -> None:
        counts = helpers.gradient_rows(
            [(_net("all zeros"), "zeros"), (_net("all ones"), "ones"), (Net(), "random")], loader
        )
        assert counts["zeros"] == [1, 1, 1]
        assert counts["ones"] == [1, 1, 10]
        # Some neurons stay silent for a whole batch and share a gradient of 0.
        assert min(counts["random"][:2]) > 60
        told = capsys.readouterr().out
        assert "fc1: 256 neurons,   1 different rows (all 0)" in told


class TestLab:
    def test_network_is_as_chosen(self) -> None:
        torch.manual_seed(0)
        for distribution, kurtosis in (("normal", 3.0), ("uniform", 1.8)):
            setting = lab.Setting(distribution, 2.0, 3, "tanh")
            model = make_network(setting, 784)
            layers = [layer for layer in model if isinstance(layer, nn.Linear)]
            assert len(layers) == 4
            assert sum(isinstance(module, nn.Tanh) for module in model) == 3
            weights = layers[0].weight.detach()
            # 50,176 weights: six standard errors of the deviation are 6 / sqrt(2 N) = 1.9 %, and
            # of the kurtosis 6 * sqrt(24 / N) = 0.13.
            assert weights.std().item() * 28 == pytest.approx(2.0, rel=0.019)
            fourth = ((weights - weights.mean()) / weights.std()).pow(4).mean().item()
            assert fourth == pytest.approx(kurtosis, abs=0.13)
            assert not layers[0].bias.any()

    def test_a_good_scale_learns_and_a_small_one_does_not(self, loader: DataLoader) -> None:
        images, labels = helpers.signals.first_images(loader, 100)
        good = lab.try_setting(lab.Setting(scale=1.41, depth=8), images, labels)
        small = lab.try_setting(lab.Setting(scale=0.1, depth=8), images, labels)
        assert good.losses.shape == (100,)
        assert good.losses[-10:].mean() < 1.5 < 2.2 < small.losses[-10:].mean()
        assert small.signals[-1].deviation < 1e-6 < 0.1 < good.signals[-1].deviation

    def test_a_picture_stands_in_where_there_are_no_widgets(
        self, loader: DataLoader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str] = []
        monkeypatch.setattr(
            "helpers.lab.show", lambda *_, description, **__: shown.append(description)
        )
        helpers.init_lab(loader)
        plt.close("all")
        [description] = shown
        # One curve, of the setting that the controls start with.
        assert description.count("ReLU") == 1
        assert str(lab.Setting()) in description

    def test_a_setting_keeps_its_color_until_it_is_the_oldest(self) -> None:
        result = lab.Result((), np.zeros(100))
        first, second, third, fourth = (lab.Setting(scale=scale) for scale in SCALES[:4])
        tried = lab.Tried()
        for setting in (first, second, first, third):
            tried.add(setting, result)
        assert list(tried.results()) == [first, second, third]
        tried.add(fourth, result)
        # The second was chosen longest ago.
        assert list(tried.results()) == [first, fourth, third]

    def test_what_is_pinned_stays(self) -> None:
        result = lab.Result((), np.zeros(100))
        settings = [lab.Setting(scale=scale) for scale in SCALES[:5]]
        tried = lab.Tried()
        tried.add(settings[0], result)
        tried.pin(settings[0])
        for setting in settings[1:]:
            tried.add(setting, result)
        assert list(tried.results()) == [settings[0], settings[3], settings[4]]
        tried.clear()
        assert (tried.pinned, tried.results()) == (None, {})

    def test_panel_redraws_what_is_chosen(self, panel: _Panel, chosen: list[lab.Setting]) -> None:
        panel.fields["scale"].value = 0.58
        panel.fields["depth"].value = 10
        panel.fields["activation"].value = "tanh"
        panel.fields["distribution"].value = "uniform"
        assert chosen[-1] == lab.Setting("uniform", 0.58, 10, "tanh")
        assert len(chosen) == 4

    def test_presets_pin_and_reset(self, panel: _Panel, chosen: list[lab.Setting]) -> None:
        panel.fields["depth"].value = 3
        panel.pin.value = True
        assert panel.pin.description == f"pinned: {lab.Setting(depth=3)}"
        panel._preset("far too large")()
        # Several fields, one picture.
        assert chosen == [lab.Setting(depth=3), lab.Setting(scale=5.0, depth=3)]
        panel.reset()
        assert (panel.setting, panel.tried.pinned, panel.pin.value) == (lab.Setting(), None, False)
        assert set(PRESETS.values()) <= {
            (kind, scale) for kind in DISTRIBUTIONS for scale in SCALES
        }

    def test_nobody_moves_a_panel_while_nbgrader_runs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        monkeypatch.setattr("helpers.lab_controls.shell", lambda: object())
        assert controls(lambda setting: lab.Result((), np.zeros(100)), lab.Tried()) is None

    @pytest.mark.parametrize("distribution", DISTRIBUTIONS)
    @pytest.mark.parametrize(("activation", "keeps"), [("tanh", {1.0, 1.2}), ("ReLU", {1.41})])
    def test_the_challenge_has_an_answer(
        self, activation: str, keeps: set[float], distribution: str, loader: DataLoader
    ) -> None:
        images, labels = helpers.signals.first_images(loader, 10)
        told = {}
        for scale in (0.7, 1.0, 1.2, 1.41, 1.7):
            setting = lab.Setting(distribution, scale, 10, activation)
            torch.manual_seed(0)
            model = make_network(setting, 784)
            signals = helpers.signals.measure(model, images, labels)
            told[scale] = how_far(setting, lab.Result(signals, np.zeros(100)))
        found = {scale for scale in told if "Found" in told[scale]}
        # How bright the images are decides whether one scale of tanh will do, or both.
        assert found
        assert found <= keeps
        assert all("too small" in told[scale] for scale in told if scale < min(found))
        assert all("too large" in told[scale] for scale in told if scale > max(found))

    def test_check_asks_for_ten_layers(self, panel: _Panel, chosen: list[lab.Setting]) -> None:
        panel.check()
        assert "ten hidden layers" in panel.verdict.value
        assert not chosen


@pytest.fixture
def chosen() -> list[lab.Setting]:
    return []


@pytest.fixture
def panel(chosen: list[lab.Setting]) -> _Panel:
    def choose(setting: lab.Setting) -> lab.Result:
        chosen.append(setting)
        return lab.Result((), np.zeros(100))

    return _Panel(ipywidgets, choose, lab.Tried())


class TestShow:
    def test_a_notebook_gets_an_image_with_a_description(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
        sent: list[dict] = []
        monkeypatch.setattr(
            "IPython.display.display", lambda bundle, **more: sent.append(bundle | more)
        )
        for _ in range(2):
            figures.show(
                lambda: plt.figure(figsize=(2, 1)),
                description='a "small" figure',
                display_id="some place",
            )
        assert not plt.get_fignums()
        assert 'alt="a &quot;small&quot; figure"' in sent[0]["text/html"]
        assert sent[0]["text/plain"] == 'a "small" figure'
        assert 'width="192"' in sent[0]["text/html"]
        assert [message["update"] for message in sent] == [False, True]

    def test_no_figure_lacks_a_glyph_or_is_cut(self, loader: DataLoader) -> None:
        # Missing glyphs and layouts that do not fit come as warnings, and warnings are errors.
        models = [(_net(label), label) for label in INITIAL_WEIGHTS]
        drawn: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            for module in ("plots", "signals", "symmetry", "lab"):
                patch.setattr(
                    f"helpers.{module}.show",
                    lambda draw, *inputs, **_: drawn.append(_draw(draw, inputs)),
                )
            helpers.layer_signals(models, loader)
            helpers.gradient_rows(models[:2], loader)
            helpers.hist_dist("title", np.linspace(-1, 1, 50))
            images, labels = next(iter(loader))
            helpers.show_batch(images, labels, loader.dataset.classes)  # type: ignore[attr-defined]  # torchvision's
            helpers.init_lab(loader)
        assert len(drawn) == 5


def _draw(draw: Callable[..., Figure], inputs: Sequence[object]) -> str:
    with figures.drawing():
        figure = draw(*inputs)
        figure.canvas.draw()
    plt.close(figure)
    return "drawn"


class TestUnrunCells:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
        """Return a function that runs a cell and returns what IPython shows of its error."""
        shell = InteractiveShell()
        shell.set_custom_exc((NameError,), unrun_cells._explain)
        shown: list[str] = []
        monkeypatch.setattr(shell, "_showtraceback", lambda *parts: shown.extend(parts[2]))

        def run(code: str) -> str:
            assert isinstance(shell.run_cell(code).error_in_exec, NameError)
            return "\n".join(shown)

        return run

    def test_a_name_of_the_lesson_is_explained(self, told: Callable[[str], str]) -> None:
        text = told("model = Net()")
        assert text.startswith("`Net` does not exist yet")
        assert "“The model”" in text
        assert "Traceback" not in text

    @pytest.mark.parametrize("code", ["modle = Nte()", "def f():\n    labels += 1\nf()"])
    def test_a_students_own_mistake_keeps_its_traceback(
        self, told: Callable[[str], str], code: str
    ) -> None:
        assert "Traceback" in told(code)

    def test_names_and_sections_are_the_notebooks(self) -> None:
        from tests.course.test_source import NAMES, SECTIONS

        headings = {line.removeprefix("## ") for line in SECTIONS}
        assert set(unrun_cells.SECTIONS.values()) <= headings
        made = {name for name in NAMES if name[0] != "_"} - {"batch_size", "valid_size"}
        assert made - set(unrun_cells.SECTIONS) <= {"num_workers", "default_comparison"}

    def test_nothing_happens_outside_a_notebook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "IPython")
        helpers.explain_unrun_cells()
