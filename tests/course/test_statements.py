"""Tests that the lesson says what its cells show: each statement with a figure, on the real data.

The code cells run here one after another, as in a kernel. A figure is read from the text, so that
neither the text nor the code can change alone; the Chinese text has the same figures
(tests/course/test_source.py). Bounds allow for what another processor's rounding does to training.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbformat import NotebookNode

import helpers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COURSE = Path(__file__).resolve().parents[2]
LESSON = COURSE / "source" / "weight_initialization"
NOTEBOOK = nbformat.read(LESSON / "weight_initialization.ipynb", as_version=4)
CELLS: dict[str, NotebookNode] = {cell.id: cell for cell in NOTEBOOK.cells}


@pytest.fixture(scope="module")
def lesson(real_data: str) -> Iterator[dict[str, Any]]:
    """What the lesson's cells have made, by name; `real_data` is where they find the images."""
    names: dict[str, Any] = {"__name__": "lesson"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(LESSON)
        patch.setenv("FASHION_MNIST", real_data)
        patch.delenv("NBGRADER_EXECUTION", raising=False)
        matplotlib.use("agg")
        for cell in NOTEBOOK.cells:
            if cell.cell_type == "code" and not cell.id.startswith("test_") and cell.id != "try_it":
                exec(compile(cell.source, cell.id, "exec"), names)
        yield names


def stated(cell: str, pattern: str) -> list[float]:
    """Return the numbers that a sentence of the lesson states: the groups of `pattern`."""
    match = re.search(pattern, CELLS[cell].source)
    assert match, f"{cell} says nothing like {pattern!r} any more"
    return [float(group.replace(",", "").replace("−", "-")) for group in match.groups()]


def shown(name: str, lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a cell that only prints once more, and return what it prints."""
    capsys.readouterr()
    exec(compile(CELLS[name].source, name, "exec"), lesson)
    return capsys.readouterr().out


def deviations(lesson: dict[str, Any], signals: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the deviations of z and of its gradient, from the first layer to the last."""
    layers = lesson[signals].models[label]
    forward = [layer.deviation for layer in layers]
    return np.array(forward), np.array([layer.gradient_deviation for layer in layers])


class TestConstants:
    def test_losses_and_accuracies(self, lesson: dict[str, Any]) -> None:
        zeros, ones = lesson["constant_comparison"].runs
        [guess] = stated("constants-result", r"Both end near (\d+) %")
        assert abs(zeros.validation_accuracy - guess) < 1
        assert abs(ones.validation_accuracy - guess) < 1
        flat, second = stated("constants-result", r"flat line at ([\d.]+)\..* about ([\d,]+) with")
        assert np.abs(zeros.losses - flat).max() < 0.05
        assert ones.losses[0] < 3
        assert ones.losses[1] == pytest.approx(second, rel=0.3)
        assert 100 < ones.training_loss < 1000

    def test_neurons_of_a_layer_compute_the_same(
        self, lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        ranges = re.findall(r"z, (\S+) <= z <= (\S+)", shown("show_layers", lesson, capsys))
        assert len(ranges) == 6
        assert all(low == high for low, high in ranges)

    def test_rows_of_the_gradients(self, lesson: dict[str, Any]) -> None:
        rows = lesson["different_rows"]
        assert "In `fc3` the ten neurons of the ones differ" in CELLS["symmetry"].source
        assert "Those of the zeros do not" in CELLS["symmetry"].source
        assert rows["All ones"] == [1, 1, 10]
        assert rows["All zeros"] == [1, 1, 1]
        # "Nearly every neuron has a gradient of its own."
        assert np.all(np.array(rows["Random weights"]) >= 0.9 * np.array([256, 128, 10]))

    def test_dropout_disturbs_the_symmetry_a_little(self, lesson: dict[str, Any]) -> None:
        [per_cent] = stated("symmetry", r"differ by only about (\d) %")
        weights = lesson["constant_comparison"].runs[1].final_weights["fc1.weight"]
        difference = 100 * np.mean(weights.std(0) / np.abs(weights.mean(0)))
        assert per_cent / 2 < difference < 2 * per_cent


class TestUniform:
    def test_baseline(self, lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
        [run] = lesson["uniform_comparison"].runs
        above, guess = stated("uniform-baseline-result", r"above (\d+) %.* at (\d+) %")
        assert above < run.validation_accuracy < 50
        assert guess == 10
        [first] = stated("uniform-baseline-result", r"starts near ([\d,]+)")
        assert run.losses[0] == pytest.approx(first, rel=0.1)
        *_, (low, high) = re.findall(
            r"z, (\S+) <= z <= (\S+)", shown("show_uniform_layers", lesson, capsys)
        )
        # "Scores in the hundreds of thousands, the highest and the lowest tens of thousands apart."
        assert 1e5 < float(low) < float(high) < 1e6
        assert 1e4 < float(high) - float(low) < 1e5

    def test_the_way_back_in_batches(self, lesson: dict[str, Any]) -> None:
        sentence = r"by about ([\d.]+), and .* about ([\d.]+) per batch: that makes (\d+) batches"
        excess, step, batches = stated("why-unit-interval-fails", sentence)
        assert excess / step == pytest.approx(batches)
        assert stated("adam", r"moves a weight by about ([\d.]+), and rarely by more") == [step]
        [all_batches] = stated("why-unit-interval-fails", r"two epochs have (\d+)\.")
        assert len(lesson["uniform_comparison"].runs[0].losses) == all_batches

    def test_derivation(self, lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
        lines = shown("check_rule", lesson, capsys).splitlines()[2:]
        rows = np.array([[float(number) for number in line.split()[1:]] for line in lines])
        assert np.abs(rows[:, 0] / rows[:, 1] - 1).max() < 0.05
        assert np.abs(rows[:, 2] / rows[:, 3] - 1).max() < 0.05
        root, first_step = stated("rule-checked", r"approx ([\d.]+)\$.*smaller, ([\d.]+)\.")
        steps = rows[1:, 0] / rows[:-1, 0]
        assert root == round(10**0.5, 1)
        assert round(steps[0], 1) == first_step
        assert np.abs(steps[1:] - root).max() < 0.15
        [size] = stated("rule-checked", r"stays close to ([\d.]+)\.")
        assert np.abs(rows[1:, 2] - size).max() < 0.015
        # "The derived values, which know the inputs, are higher too."
        assert rows[0, 3] > max(rows[1:, 3]) + 0.02


class TestRule:
    def test_scales(self, lesson: dict[str, Any]) -> None:
        centered, rule = lesson["scale_comparison"].runs
        before, after = stated("scales-result", r"from below (\d+) % to about (\d+) %")
        assert lesson["uniform_comparison"].runs[0].validation_accuracy < before
        assert abs(centered.validation_accuracy - after) < 2
        [first] = stated("scales-result", r"By the rule the loss begins at about ([\d.]+),")
        assert rule.losses[0] == pytest.approx(first, abs=0.05)
        assert centered.losses[0] > 10 * first
        [reached] = stated("scales-result", r"comes to about (\d+) %, four or five points more")
        assert abs(rule.validation_accuracy - reached) < 1
        assert 3.5 <= rule.validation_accuracy - centered.validation_accuracy <= 5.5

    def test_signals_forward(self, lesson: dict[str, Any]) -> None:
        ones, _ = deviations(lesson, "signals", "All ones")
        sentence = r"about (\d+) in `fc1`, about ([\d,]+) in .*times (\d+), then times (\d+),"
        first, second, times, times_again = stated("signals-result", sentence)
        assert ones[0] == pytest.approx(first, rel=0.1)
        assert ones[1] == pytest.approx(second, rel=0.1)
        assert 3e6 < ones[2] < 4e6
        assert ones[1:] / ones[:-1] == pytest.approx([times, times_again], rel=1e-3)
        centered, _ = deviations(lesson, "signals", "Centered [-0.5, 0.5)")
        assert {round(factor) for factor in centered[1:] / centered[:-1]} <= {2, 3}
        assert stated("signals-result", r"0.5 is (\d+) times the \$y\$ of `fc1`") == [0.5 * 28]
        rule, _ = deviations(lesson, "signals", "Uniform rule [-y, y)")
        falls = stated("signals-result", r"from ([\d.]+) to ([\d.]+) to ([\d.]+),")
        assert rule == pytest.approx(falls, rel=0.1)

    def test_signals_backward(self, lesson: dict[str, Any]) -> None:
        assert "it first falls a little, from `fc3` to `fc2`, and then grows" in (
            CELLS["signals-result"].source
        )
        for label in ("Centered [-0.5, 0.5)", "Uniform [0, 1)"):
            _, (first, second, third) = deviations(lesson, "signals", label)
            assert second < third < first, label
        _, rule = deviations(lesson, "signals", "Uniform rule [-y, y)")
        assert rule[0] < rule[1] < rule[2]
        _, ones = deviations(lesson, "signals", "All ones")
        assert ones[0] < 1e-3


class TestDistributions:
    def test_uniform_and_normal_behave_alike(self, lesson: dict[str, Any]) -> None:
        uniform, normal = lesson["rule_comparison"].runs
        low, high = stated("rules-result", r"right on about (\d+) to (\d+) % of")
        for run in (uniform, normal):
            assert low - 0.5 <= run.validation_accuracy <= high + 0.5
        # "In the first batches the normal weights are a little ahead", then they jump together.
        assert normal.losses[1:15].mean() < uniform.losses[1:15].mean()
        assert np.corrcoef(np.diff(uniform.losses[100:]), np.diff(normal.losses[100:]))[0, 1] > 0.7

    def test_bands_over_each_other(self, lesson: dict[str, Any]) -> None:
        groups = lesson["seed_comparison"].groups
        losses = {name: np.array([run.losses for run in runs]) for name, runs in groups.items()}
        uniform = losses.pop("Uniform rule [-y, y)")
        [batches] = stated("seeds-result", r"For about (\d+) batches the uniform rule lies above")
        for name, other in losses.items():
            apart = uniform.min(0) > other.max(0)
            assert apart[1 : int(batches) - 3].mean() > 0.9, name
            assert apart[int(batches) + 1 : 100].mean() < 0.25, name

    def test_seeds(self, lesson: dict[str, Any]) -> None:
        comparison = lesson["seed_comparison"]
        [spread] = stated("seeds-result", r"lie up to ([\d.]+) points apart")
        spreads = [np.ptp(comparison.accuracies(name)) for name in comparison.groups]
        assert max(spreads) == pytest.approx(spread, abs=0.4)
        mean, error = comparison.difference("Normal rule (0, y)", "Uniform rule [-y, y)")
        assert mean < 2 * error
        mean, error = comparison.difference("Wide uniform", "Uniform rule [-y, y)")
        assert 2 * error < mean < 1

    def test_thirty_seeds_are_told_as_they_were_measured(self) -> None:
        table = (COURSE / "docs" / "uniform_and_normal.md").read_text(encoding="utf-8")
        rows = {
            cells[1].strip(): [float(cell.replace("−", "-")) for cell in cells[2:6]]
            for line in table.splitlines()
            if (cells := line.split("|"))[1:] and " minus " in cells[1]
        }
        sentence = r"by ([\d.]+) points on average, with a standard error of ([\d.]+): by the same"
        ahead, error = stated("seeds-result", sentence)
        low, high = stated("seeds-result", r"anything from (−[\d.]+) to \+([\d.]+),")
        assert [ahead, error, low, high] == rows["normal minus uniform"]
        # What is larger than twice its standard error is called no chance, as the lesson defines.
        assert ahead > 2 * error
        level, error = stated(
            "seeds-result", r"level \((−[\d.]+), with a standard error of ([\d.]+)"
        )
        assert [level, error] == rows["normal minus wide uniform"][:2]
        assert abs(level) < 2 * error
        mean, deviation = stated(
            "seeds-result",
            r"one run each, normal is ahead by ([\d.]+) points .* deviation of ([\d.]+)\.",
        )
        assert f"+{mean:.2f} with a standard deviation of {deviation}" in table

    def test_default_is_level_with_the_rule(self, lesson: dict[str, Any]) -> None:
        [default] = lesson["default_comparison"].runs
        [rule] = [run for run in lesson["scale_comparison"].runs if "rule" in run.label]
        assert abs(default.validation_accuracy - rule.validation_accuracy) < 1

    def test_model_answer_quotes_the_table(
        self, lesson: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        table = shown("all-results", lesson, capsys)
        rows = {
            re.split("  +", line)[0]: [
                float(number) for number in re.findall(r"\d+\.\d+", line)[-2:]
            ]
            for line in table.splitlines()[1:]
        }
        assert len(rows) == 8
        loss, best, second, run_1, run_2 = stated(
            "reflection_results",
            r"lowest training loss, ([\d.]+),.* accuracy, ([\d.]+) %.* accuracy ([\d.]+) %"
            r".* That ([\d.]+) % is run 1 of the uniform rule; run 2 has ([\d.]+) %",
        )
        # Half a point comes by chance, so the figures of another machine are as near as that.
        assert rows["Uniform rule [-y, y), run 2"] == pytest.approx([run_2, loss], abs=0.5)
        assert rows["Uniform rule [-y, y), run 1"][0] == pytest.approx(run_1, abs=0.5)
        assert rows["Normal rule (0, y)"][0] == pytest.approx(best, abs=0.5)
        assert second == run_1


class TestDeepNetworks:
    def test_signal_is_lost_and_kept(self, lesson: dict[str, Any]) -> None:
        rule, gradient = deviations(lesson, "deep_signals", "Uniform rule [-y, y)")
        first, last = stated("deep-signals-result", r"falls from ([\d.]+) to ([\d.]+),")
        assert rule[0] == pytest.approx(first, rel=0.1)
        assert rule[-1] == pytest.approx(last, rel=0.3)
        [times] = stated("deep-signals-result", r"some ([\d,]+) times smaller")
        assert gradient[-1] / gradient[0] == pytest.approx(times, rel=0.3)
        he, gradient = deviations(lesson, "deep_signals", "He")
        assert he.max() < 2 * he.min()
        assert gradient.max() < 4 * gradient.min()

    def test_optimizer_decides_whether_such_a_network_learns(self, lesson: dict[str, Any]) -> None:
        images, labels = helpers.signals.first_images(lesson["train_loader"], 100)

        def last_loss(init: Callable[..., None], optimizer: type, rate: float) -> float:
            helpers.set_seed(0)
            model = lesson["deep_net"](init)
            steps = optimizer(model.parameters(), lr=rate)
            losses = []
            for batch, classes in zip(images.chunk(100), labels.chunk(100), strict=True):
                steps.zero_grad()
                loss = F.cross_entropy(model(batch), classes)
                loss.backward()
                steps.step()
                losses.append(loss.item())
            return float(np.mean(losses[-10:]))

        rule, he = lesson["weights_init_uniform_rule"], lesson["weights_init_he"]
        [rate, stuck, falls] = stated(
            "deep-signals-result",
            r"learning rate of ([\d.]+), .* stands at ([\d.]+) after .* it is near ([\d.]+)\.",
        )
        assert last_loss(rule, torch.optim.SGD, rate) == pytest.approx(stuck, abs=0.005)
        assert last_loss(he, torch.optim.SGD, rate) == pytest.approx(falls, abs=0.3)
        # "With Adam the network learns by the general rule as well, only later."
        assert last_loss(he, torch.optim.Adam, 0.001) + 0.2 < last_loss(
            rule, torch.optim.Adam, 0.001
        )
        assert last_loss(rule, torch.optim.Adam, 0.001) < 1.7

    def test_factor_of_a_layer(self) -> None:
        [factor, after_ten] = stated(
            "optional-what-larger-networks-change", r"\$([\d.]+)\^\{10\}\$, about ([\d.]+),"
        )
        assert factor**10 == pytest.approx(after_ten, rel=0.1)
        [exact] = stated("optional-what-larger-networks-change", r"sqrt\{1/6\} \\approx ([\d.]+)\$")
        assert exact == round((1 / 6) ** 0.5, 2)
        assert factor == round(exact, 1)
