"""Tests of what students import: comparison, training, plots and the self-check."""

import copy
import re
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset
from torchvision import datasets, transforms

import helpers
from helpers.machinery.cores import idle_cores
from helpers.machinery.figures import drawing
from helpers.machinery.progress import progress
from helpers.training import Batches, accuracy, in_threads
from tests.benchmarks.lesson import INITIAL_WEIGHTS, Net
from tests.benchmarks.training_speed import plain_comparison

COURSE_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")


@pytest.fixture(scope="module")
def loaders(drawn_data: Path) -> tuple[DataLoader, DataLoader]:
    """3,000 training and 1,000 validation images of the stand-in."""
    data = datasets.FashionMNIST(str(drawn_data), train=False, transform=transforms.ToTensor())
    return (
        DataLoader(data, 100, sampler=SubsetRandomSampler(range(3000))),
        DataLoader(data, 100, sampler=SubsetRandomSampler(range(3000, 4000))),
    )


def _models(*labels: str) -> list[tuple[nn.Module, str]]:
    helpers.set_seed(0)
    return [(Net().apply(INITIAL_WEIGHTS[label]), label) for label in labels]


class TestComparison:
    def test_equals_a_plain_loop(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        models = _models("normal(0, y)", "PyTorch default")
        found = helpers.compare_init_weights(models, "title", *loaders)
        with in_threads(1):
            plain = plain_comparison(models, *loaders)
        assert [run.validation_accuracy for run in found.runs] == plain

    def test_running_twice_gives_the_same_figures(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        models = _models("normal(0, y)")
        first, second = (helpers.compare_init_weights(models, "t", *loaders) for _ in range(2))
        assert np.array_equal(first.runs[0].losses, second.runs[0].losses)
        assert str(first) == str(second)

    def test_only_the_weights_differ(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        # The same weights under two labels: any difference in batches or masks would show.
        [(model, _)] = _models("normal(0, y)")
        one, other = helpers.compare_init_weights(
            [(model, "one"), (copy.deepcopy(model), "other")], "t", *loaders
        ).runs
        assert np.array_equal(one.losses, other.losses)
        assert one.validation_accuracy == other.validation_accuracy

    def test_another_seed_gives_other_batches(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        models = _models("normal(0, y)")
        first, second = (
            helpers.compare_init_weights(models, "t", *loaders, seed=seed) for seed in (0, 1)
        )
        assert not np.array_equal(first.runs[0].losses, second.runs[0].losses)

    def test_leaves_models_and_generators_as_they_were(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        [(model, label)] = _models("normal(0, y)")
        model.eval()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]  # the legacy state is a tuple
        comparison = helpers.compare_init_weights([(model, label)], "t", *loaders)
        assert torch.equal(state[0], torch.get_rng_state())
        assert state[1] == np.random.get_state()[1].tolist()  # type: ignore[index]  # as above
        assert not model.training
        assert all(parameter.grad is None for parameter in model.parameters())
        for name, value in model.state_dict().items():
            assert torch.equal(before[name], value)
            assert np.array_equal(comparison.runs[0].initial_weights[name], value.numpy())

    def test_holds_whole_curves_and_their_summary(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        [run] = helpers.compare_init_weights(_models("normal(0, y)"), "t", *loaders).runs
        assert run.losses.shape == (60,)
        assert run.batches_per_epoch == 30
        # 60 batches are fewer than 100, so the mean is over all of them.
        assert run.training_loss == pytest.approx(run.losses.mean())
        assert run.losses[-10:].mean() < run.losses[:10].mean() / 2

    def test_prints_and_shows_a_table(
        self, loaders: tuple[DataLoader, DataLoader], capsys: pytest.CaptureFixture[str]
    ) -> None:
        models = [(model, f"<{label}>") for model, label in _models("normal(0, y)")]
        comparison = helpers.compare_init_weights(models, "t", *loaders)
        printed = capsys.readouterr().out
        accuracy_text = f"{comparison.runs[0].validation_accuracy:.2f} %"
        assert accuracy_text in printed
        assert "STAND-IN (not Fashion-MNIST)" in printed
        assert "&lt;normal(0, y)&gt;" in comparison._repr_html_()
        assert accuracy_text in comparison._repr_html_()

    def test_seven_models_and_more(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        labels = list(INITIAL_WEIGHTS)
        assert len(labels) > 6
        comparison = helpers.compare_init_weights(_models(*labels), "t", *loaders)
        assert [run.label for run in comparison.runs] == labels

    @pytest.mark.parametrize(
        ("models", "told"),
        [
            ([], "it was given a list"),
            ("model", "it was given a str"),
            ([nn.Linear(2, 2)], "one entry is a Linear"),
            ([("label", nn.Linear(2, 2))], "first the model, then its label"),
            ([(nn.Linear(2, 2), "a"), (nn.Linear(2, 2), "a")], "a label of its own"),
        ],
    )
    def test_says_what_is_wrong_with_the_models(
        self, models: list, told: str, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        with pytest.raises(helpers.ComparisonError, match=told):
            helpers.compare_init_weights(models, "t", *loaders)

    def test_says_what_is_wrong_with_the_number_of_batches(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        with pytest.raises(helpers.ComparisonError, match="it was 0"):
            helpers.compare_init_weights(_models("all ones"), "t", *loaders, plot_n_batches=0)

    def test_says_that_a_loader_is_empty(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        empty = DataLoader(loaders[0].dataset, 100, sampler=SubsetRandomSampler([]))
        with pytest.raises(helpers.ComparisonError, match="they give 0 and 10"):
            helpers.compare_init_weights(_models("all ones"), "t", empty, loaders[1])


class TestSeeds:
    @pytest.fixture(scope="class")
    def comparison(self, loaders: tuple[DataLoader, DataLoader]) -> helpers.SeedComparison:
        found = helpers.compare_init_weights(
            [(_maker("normal(0, y)"), "normal"), (_maker("normal(0, 1)"), "wide")],
            "t",
            *loaders,
            seeds=3,
            epochs=1,
        )
        assert isinstance(found, helpers.SeedComparison)
        return found

    def test_each_model_learns_as_it_would_alone(
        self, comparison: helpers.SeedComparison, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        helpers.set_seed(2)
        model = _maker("normal(0, y)")()
        alone = helpers.compare_init_weights([(model, "alone")], "t", *loaders, epochs=1).runs[0]
        one_of_three = comparison.groups["normal"][2]
        for name, values in alone.initial_weights.items():
            assert np.array_equal(values, one_of_three.initial_weights[name])
        assert np.array_equal(alone.losses, one_of_three.losses)
        assert alone.validation_accuracy == one_of_three.validation_accuracy

    def test_holds_a_run_for_each_seed(self, comparison: helpers.SeedComparison) -> None:
        assert comparison.seeds == (0, 1, 2)
        assert [len(group) for group in comparison.groups.values()] == [3, 3]
        assert len({run.label for run in comparison.runs}) == 6
        weights = [run.initial_weights["fc1.weight"] for run in comparison.runs]
        assert len({array.tobytes() for array in weights}) == 6
        assert all(run.losses.shape == (30,) for run in comparison.runs)

    def test_tells_mean_spread_and_difference(self, comparison: helpers.SeedComparison) -> None:
        normal, wide = (comparison.accuracies(name) for name in ("normal", "wide"))
        mean, error = comparison.difference("normal", "wide")
        assert mean == pytest.approx(normal.mean() - wide.mean())
        assert error == pytest.approx(np.std(normal - wide, ddof=1) / 3**0.5)
        told = str(comparison)
        assert "After 1 epoch" in told
        assert f"{normal.mean():.2f} % ({normal.min():.2f} to {normal.max():.2f})" in told
        assert f"wide minus normal: {-mean:+.2f} points" in told
        assert "3 seeds" in comparison._repr_html_()

    def test_leaves_generators_as_they_were(self, loaders: tuple[DataLoader, DataLoader]) -> None:
        helpers.set_seed(5)
        expected = (np.random.rand(), torch.rand(1).item())
        helpers.set_seed(5)
        helpers.compare_init_weights(
            [(_maker("normal(0, y)"), "n")], "t", *loaders, seeds=[1, 2], epochs=1
        )
        assert (np.random.rand(), torch.rand(1).item()) == expected

    @pytest.mark.parametrize(
        ("models", "seeds", "told"),
        [
            ([(Net(), "a")], 2, "a function that makes a new model"),
            ([(lambda: None, "a")], 2, "it returned None"),
            ([(Net, "a"), (lambda: nn.Linear(2, 2), "b")], 2, "the same architecture"),
            ([(Net, "a")], 1, "it was 1"),
            ([(Net, "a")], [3, 3], "different whole numbers"),
        ],
    )
    def test_says_what_is_wrong(
        self, models: list, seeds: object, told: str, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        with pytest.raises(helpers.ComparisonError, match=told):
            helpers.compare_init_weights(models, "t", *loaders, seeds=seeds)  # type: ignore[arg-type]  # wrong on purpose

    @pytest.mark.parametrize(("busy", "expected"), [(0, 4), (3, 1), (9, 1)])
    def test_computes_on_idle_cores(
        self, busy: int, expected: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("helpers.machinery.cores.busy_cores", lambda: busy)
        threads = torch.get_num_threads()
        torch.set_num_threads(4)
        try:
            assert idle_cores() == expected
        finally:
            torch.set_num_threads(threads)


def _maker(label: str) -> Callable[[], nn.Module]:
    return lambda: Net().apply(INITIAL_WEIGHTS[label])


class TestResults:
    def test_one_table_holds_all_comparisons(
        self, loaders: tuple[DataLoader, DataLoader], capsys: pytest.CaptureFixture[str]
    ) -> None:
        helpers.show_results({"nothing": 1})
        assert "No comparison has been made yet" in capsys.readouterr().out
        comparison = helpers.compare_init_weights(_models("normal(0, y)"), "t", *loaders, epochs=1)
        capsys.readouterr()
        helpers.show_results({"_": comparison, "a": comparison, "b": 3})
        heading, *rows = capsys.readouterr().out.splitlines()
        # The columns are those of the comparison's own table, in its order.
        assert re.split("  +", heading) == re.split("  +", str(comparison).splitlines()[1])
        assert len(rows) == 1
        assert f"{comparison.runs[0].validation_accuracy:.2f} %" in rows[0]

    def test_each_model_is_listed_once_under_a_name_of_its_own(
        self, loaders: tuple[DataLoader, DataLoader], capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, second = (_models("normal(0, y)")[0][0] for _ in range(2))
        with torch.no_grad():
            second.fc1.weight.mul_(-1)  # type: ignore[operator, union-attr]  # a layer of Net
        comparisons = [
            helpers.compare_init_weights(models, "t", *loaders, epochs=1)
            for models in (
                [(first, "normal rule")],
                [(second, "normal rule"), (_models("all zeros")[0][0], "zeros")],
                # The first model again, under another name.
                [(first, "again")],
            )
        ]
        capsys.readouterr()
        helpers.show_results({str(i): each for i, each in enumerate(comparisons)})
        rows = capsys.readouterr().out.splitlines()[1:]
        names = [re.split("  +", row)[0] for row in rows]
        assert names == ["normal rule, run 1", "normal rule, run 2", "zeros"]


class TestBatches:
    def test_in_memory_batches_equal_the_loaders_own(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        loader = loaders[0]
        cpu = torch.device("cpu")
        torch.manual_seed(3)
        fast = Batches(loader, cpu)
        # A subclass of ToTensor may do anything, so it takes the general way.
        general_data = copy.copy(loader.dataset)
        general_data.transform = type("Other", (transforms.ToTensor,), {})()  # type: ignore[attr-defined]  # torchvision's
        torch.manual_seed(3)
        general = Batches(DataLoader(general_data, 100, sampler=loader.sampler), cpu)
        assert fast.memory is not None
        assert general.memory is None
        for (images, labels), (other_images, other_labels) in zip(fast, general, strict=True):
            assert torch.equal(images, other_images)
            assert torch.equal(labels, other_labels)

    def test_any_data_set_will_do(self) -> None:
        data = TensorDataset(torch.rand(250, 1, 28, 28), torch.arange(250) % 10)
        loader = DataLoader(data, 100)
        comparison = helpers.compare_init_weights([(Net(), "net")], "t", loader, loader)
        assert comparison.runs[0].losses.shape == (6,)
        assert comparison.data == "TensorDataset"

    def test_accuracy_is_measured_with_dropout_off(
        self, loaders: tuple[DataLoader, DataLoader]
    ) -> None:
        model = nn.Sequential(nn.Dropout(0.9), nn.Flatten(), nn.Linear(784, 10))
        batches = Batches(loaders[1], torch.device("cpu"))
        assert accuracy(model, batches) == accuracy(model, batches)


def _shown(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return a list to which every figure shown from now on is added, whole and drawn."""
    figures: list[Figure] = []

    def keep(
        draw: Callable[..., Figure],
        *inputs: object,
        description: str,
        display_id: str | None = None,
    ) -> None:
        assert len(description.split()) > 5
        with drawing():
            figure = draw(*inputs)
            figure.canvas.draw()
        figures.append(figure)

    for module in ("plots", "signals", "symmetry", "lab"):
        monkeypatch.setattr(f"helpers.{module}.show", keep)
    return figures


class TestProgress:
    def test_in_a_notebook_it_is_one_line_that_ends_empty(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
        monkeypatch.setattr("helpers.machinery.progress._INTERVAL", 0.0)
        shell = type("Shell", (), {"kernel": object(), "execution_count": 3})()
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        sent: list[dict] = []
        monkeypatch.setattr(
            "IPython.display.display", lambda bundle, **more: sent.append(bundle | more)
        )
        for name in ("first", "<second>"):
            assert list(progress([7, 8], name)) == [7, 8]
        assert [message["text/plain"] for message in sent] == [
            "first: 0 %",
            "first: 50 %",
            "",
            "<second>: 0 %",
            "<second>: 50 %",
            "",
        ]
        assert "&lt;second&gt;" in sent[3]["text/html"]
        assert len({message["display_id"] for message in sent}) == 1
        assert [message["update"] for message in sent] == [False] + 5 * [True]
        shell.execution_count = 4
        list(progress([7], "in the next cell"))
        assert not sent[6]["update"]

    def test_in_a_terminal_it_is_a_bar_and_in_grading_nothing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
        assert list(progress([1, 2], "label")) == [1, 2]
        assert "label" in capsys.readouterr().out
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        assert list(progress([1, 2], "label")) == [1, 2]
        assert capsys.readouterr().out == ""


class TestPlots:
    @pytest.mark.parametrize("values", [np.zeros([4, 5]), torch.ones(20, requires_grad=True)])
    def test_hist_dist_has_half_as_many_bins_as_values(
        self, values: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        figures = _shown(monkeypatch)
        helpers.hist_dist("title", values)  # type: ignore[arg-type]  # a tensor is array-like
        [figure] = figures
        [axes] = figure.axes
        [outline] = axes.patches
        assert isinstance(outline, StepPatch)
        assert len(outline.get_data()[0]) == 10
        assert axes.get_title() == "title"
        assert axes.dataLim.intervalx.tolist() == [-4, 4]
        plt.close(figure)

    def test_hist_dist_refuses_nothing(self) -> None:
        with pytest.raises(ValueError, match="no values"):
            helpers.hist_dist("title", [])

    def test_losses_far_apart_get_a_logarithmic_axis(self, monkeypatch: pytest.MonkeyPatch) -> None:
        figures = _shown(monkeypatch)
        helpers.plots.plot_losses("near", {"a": np.array([2.3, 0.4])})
        helpers.plots.plot_losses("far", {"a": np.array([2.3]), "b": np.array([4000.0, np.nan])})
        assert [figure.axes[0].get_yscale() for figure in figures] == ["linear", "log"]
        plt.close("all")

    def test_shows_20_images(self, monkeypatch: pytest.MonkeyPatch) -> None:
        figures = _shown(monkeypatch)
        helpers.show_batch(torch.rand(100, 1, 28, 28), [3] * 100, ["", "", "", "Dress"])
        [figure] = figures
        assert [axes.get_title() for axes in figure.axes] == ["Dress"] * 20
        plt.close(figure)


def _normal(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, module.in_features**-0.5)
        nn.init.zeros_(module.bias)


def _untouched(module: nn.Module) -> None:
    pass


def _wrong_scale(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 1 / module.in_features)
        nn.init.zeros_(module.bias)


def _no_guard(module: nn.Module) -> None:
    module.weight.data.normal_(0, 0.1)  # type: ignore[operator]  # the mistake under test


def _every_weight(module: nn.Module) -> None:
    _normal(module)
    if isinstance(module, nn.Conv2d):
        nn.init.zeros_(module.weight)


class TestSelfCheck:
    @pytest.mark.parametrize(
        ("function", "outcome"),
        [
            (_normal, "correct"),
            (_untouched, "not attempted"),
            (_wrong_scale, "incorrect"),
            (_no_guard, "incorrect"),
            (_every_weight, "incorrect"),
        ],
    )
    def test_tells_three_outcomes_apart(
        self, function: object, outcome: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torch.manual_seed(0)
        helpers.check(function)  # type: ignore[arg-type]  # some are wrong on purpose
        assert f": {outcome}\n" in capsys.readouterr().out

    def test_answers_in_less_than_a_second(self) -> None:
        torch.manual_seed(0)
        start = time.process_time()
        helpers.check(_normal)
        # It takes about 0.02 s; processor time, so that a busy machine does not fail it.
        assert time.process_time() - start < 1

    def test_leaves_generators_as_they_were(self) -> None:
        helpers.set_seed(7)
        expected = (np.random.rand(), torch.rand(1).item())
        helpers.set_seed(7)
        helpers.check(_normal)
        helpers.is_attempted(_normal)
        assert (np.random.rand(), torch.rand(1).item()) == expected

    def test_hints_only_when_asked(self, capsys: pytest.CaptureFixture[str]) -> None:
        torch.manual_seed(0)
        helpers.check(_wrong_scale)
        assert "1/n would be the variance" not in capsys.readouterr().out
        helpers.check(_wrong_scale, hint=True)
        assert "1/n would be the variance" in capsys.readouterr().out

    def test_fails_a_validation_without_a_traceback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
        torch.manual_seed(0)
        helpers.check(_normal)
        with pytest.raises(helpers.SelfCheckFailed, match="not attempted") as caught:
            helpers.check(_untouched)
        assert caught.value._render_traceback_() == [str(caught.value)]
        with pytest.raises(helpers.SelfCheckFailed, match="`model_default` does not exist"):
            helpers.check_made("model_default", None)

    def test_tells_whether_there_is_something_to_compare(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert helpers.is_attempted(_normal)
        assert not helpers.is_attempted(_untouched)
        assert "_untouched leaves the weights as they are" in capsys.readouterr().out
        helpers.check_made("model_default", None)
        assert "`model_default` does not exist yet" in capsys.readouterr().out
        helpers.check_made("model_default", Net())
        assert "There is a `model_default`" in capsys.readouterr().out

    def test_cells_can_be_passed_over_while_nbgrader_runs(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert not helpers.nbgrader_is_running()
        assert capsys.readouterr().out == ""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        assert helpers.nbgrader_is_running()
        assert "nothing here is graded" in capsys.readouterr().out
