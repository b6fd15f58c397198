"""Tests of the second exercise: a model with PyTorch's own weights, and its comparison."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader_tests.judge.verdict import Verdict
from grader_tests.judge.verdicts import judge
from grader_tests.probe import observe


class Net(nn.Module):
    """The lesson's network, as far as its weights go."""

    def __init__(self, hidden_1: int = 256, hidden_2: int = 128) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, hidden_1)
        self.fc2 = nn.Linear(hidden_1, hidden_2)
        self.fc3 = nn.Linear(hidden_2, 10)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.dropout(F.relu(self.fc1(x.view(-1, 784))))
        return self.fc3(self.dropout(F.relu(self.fc2(x))))


def rebuilt(kind: Any) -> nn.Module:
    """A class that stands alone, with the layers of a Net."""
    model: nn.Module = kind.__new__(kind)
    nn.Module.__init__(model)
    for name, module in lesson_net().named_children():
        model.add_module(name, module)
    return model


def lesson_net(hidden_1: int = 256, hidden_2: int = 128) -> Net:
    torch.manual_seed(5)
    return Net(hidden_1, hidden_2)


def verdict_on(model: object) -> Verdict:
    seen = observe("test_default_model", model)
    return explained(judge("test_default_model", json.loads(json.dumps(seen))))


def explained(verdict: Verdict) -> Verdict:
    """A verdict that says what to think about where points are lost."""
    known = verdict.passed or "malformed" in verdict.sentence
    assert known or (verdict.mistake and verdict.explanation and verdict.hint), verdict.sentence
    return verdict


class TestModel:
    @pytest.mark.parametrize("hidden", [(256, 128), (16, 4), (1, 1), (600, 300), (2000, 500)])
    def test_pytorchs_own_weights_pass(self, hidden: tuple[int, int]) -> None:
        verdict = verdict_on(lesson_net(*hidden))
        assert verdict.passed, verdict.sentence

    def test_no_model_is_no_attempt(self) -> None:
        assert verdict_on(None).outcome == "not attempted"

    @pytest.mark.parametrize(
        "thing", [5, "Net", Net, nn.Sequential(nn.Linear(784, 256)), nn.Linear(784, 10), object()]
    )
    def test_something_else_fails(self, thing: object) -> None:
        verdict = verdict_on(thing)
        assert (verdict.passed, verdict.outcome) == (False, "incorrect")
        assert "should be a Net" in verdict.sentence

    def test_another_net_fails(self) -> None:
        other = type("Net", (nn.Module,), {})()
        assert not verdict_on(other).passed
        other.fc1 = nn.Linear(784, 10)
        assert "fc1, fc2 and fc3" in verdict_on(other).sentence
        other.fc2, other.fc3 = nn.Linear(10, 5), nn.Linear(5, 11)
        assert not verdict_on(other).passed
        net = lesson_net()
        net.conv = nn.Conv2d(1, 2, 3)
        assert not verdict_on(net).passed

    def test_a_copy_of_the_class_counts_and_hears_that_net_is_enough(self) -> None:
        copied = type("Net2", (nn.Module,), {"forward": Net.forward})
        assert verdict_on(rebuilt(copied)).passed
        assert "Net() from above is enough" in verdict_on(rebuilt(copied)).sentence

    @pytest.mark.parametrize(
        "forward",
        [
            lambda self, x: self.fc3(self.fc2(self.fc1(x.view(-1, 784)))),
            lambda self, x: Net.forward(self, x).softmax(1),
            lambda self, x: Net.forward(self, -x),
            lambda self, x: self.fc3(torch.tanh(self.fc2(F.relu(self.fc1(x.view(-1, 784)))))),
            lambda self, x: self.fc3(F.relu(self.fc2(F.leaky_relu(self.fc1(x.view(-1, 784)))))),
            # Without dropout.
            lambda self, x: self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.view(-1, 784)))))),
            lambda self, x: torch.zeros(len(x), 10),
            lambda self, x: "no scores",
            lambda self, x: 1 / 0,
        ],
    )
    def test_a_net_that_computes_something_else_fails(self, forward: Any) -> None:
        torch.manual_seed(5)
        verdict = verdict_on(type("Net", (Net,), {"forward": forward})())
        assert verdict.outcome == "incorrect"
        assert "computes something else" in verdict.sentence

    @pytest.mark.parametrize("other", [nn.Dropout(0.5), nn.Tanh(), nn.BatchNorm1d(9, affine=False)])
    def test_a_net_with_other_modules_fails(self, other: nn.Module) -> None:
        model = lesson_net()
        model.other = other
        assert type(other).__name__ in verdict_on(model).sentence
        assert not verdict_on(model).passed

    def test_outputs_of_other_images_fail(self) -> None:
        # What was observed under one seed, offered under another.
        seen = json.loads(json.dumps(observe("test_default_model", lesson_net())))
        assert judge("test_default_model", seen).passed
        assert not judge("test_default_model", {**seen, "seed": "4"}).passed

    @pytest.mark.parametrize(
        ("draw", "word"),
        [
            (lambda w, y: nn.init.zeros_(w), "0"),
            (lambda w, y: nn.init.normal_(w, 0, y), "values up to"),
            (lambda w, y: nn.init.normal_(w, 0, y / 6), "spread evenly"),
            (lambda w, y: nn.init.uniform_(w), "values up to"),
            (lambda w, y: nn.init.uniform_(w, -0.97 * y, 0.97 * y), "spread evenly"),
            (lambda w, y: nn.init.uniform_(w, 0, y), "spread evenly"),
            (lambda w, y: nn.init.constant_(w, y / 2), "All values"),
            (lambda w, y: nn.init.xavier_uniform_(w), "values up to"),
            (lambda w, y: w.data.fill_(float("nan")), "finite"),
            (lambda w, y: w.data[3, 5].fill_(float("inf")), "finite"),
        ],
    )
    def test_other_weights_fail(self, draw: Any, word: str) -> None:
        model = lesson_net()
        draw(model.fc1.weight, 784**-0.5)
        verdict = verdict_on(model)
        assert verdict.outcome == "incorrect"
        assert "fc1.weight" in verdict.sentence
        assert word in verdict.sentence

    def test_biases_of_zero_fail(self) -> None:
        model = lesson_net()
        nn.init.zeros_(model.fc2.bias)
        assert "fc2.bias" in verdict_on(model).sentence

    def test_a_step_of_training_fails(self) -> None:
        # One step of Adam moves every weight by the learning rate, 0.001, which is 1/36 of the
        # bound 1/28: one weight in 72 is carried over it.
        model = lesson_net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        F.cross_entropy(model(torch.rand(100, 784)), torch.arange(100) % 10).backward()
        optimizer.step()
        verdict = verdict_on(model)
        assert not verdict.passed
        assert "trained" in verdict.sentence

    def test_two_epochs_of_plain_descent_fail(self) -> None:
        # SGD at 0.01 on ten blurred classes: a gentler change than the lesson's training makes.
        model = lesson_net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        generator = torch.Generator().manual_seed(0)
        centres = torch.rand(10, 784, generator=generator)
        for step in range(200):
            labels = (torch.arange(100) + step) % 10
            images = centres[labels] + 0.3 * torch.rand(100, 784, generator=generator)
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        assert not verdict_on(model).passed


@dataclass(frozen=True)
class Run:
    """A run, as `helpers.compare_init_weights` makes it."""

    label: str
    losses: np.ndarray
    training_loss: float
    validation_accuracy: float
    initial_weights: dict[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    runs: tuple[Any, ...]


def run_of(model: nn.Module, label: str = "Default", accuracy: float = 85.4) -> Run:
    losses = 0.41 + 1.9 * np.exp(-np.arange(960) / 60) + 0.1 * np.sin(np.arange(960))
    weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    return Run(label, losses, float(losses[-100:].mean()), accuracy, weights)


def comparison_of(*models: nn.Module) -> Comparison:
    return Comparison(tuple(run_of(model, f"Model {n}") for n, model in enumerate(models)))


def compared(model: object, comparison: object) -> Verdict:
    seen = observe("test_default_comparison", (model, comparison))
    return explained(judge("test_default_comparison", json.loads(json.dumps(seen))))


class TestComparison:
    def test_a_run_of_the_model_passes(self) -> None:
        model = lesson_net()
        verdict = compared(model, comparison_of(model))
        assert verdict.passed, verdict.sentence
        assert "85.4 %" in verdict.sentence

    def test_other_models_may_stand_beside(self) -> None:
        model = lesson_net()
        assert compared(model, comparison_of(Net(), model, Net())).passed

    def test_another_model_alone_fails(self) -> None:
        verdict = compared(lesson_net(), comparison_of(Net()))
        assert verdict.outcome == "incorrect"
        assert "Model 0" in verdict.sentence

    def test_nothing_there(self) -> None:
        model = lesson_net()
        assert compared(model, None).outcome == "not attempted"
        assert compared(None, None).outcome == "not attempted"
        assert compared(None, comparison_of(model)).outcome == "incorrect"

    @pytest.mark.parametrize("thing", [5, "done", [1, 2], {"runs": 3}, Comparison(())])
    def test_something_else_fails(self, thing: object) -> None:
        verdict = compared(lesson_net(), thing)
        assert verdict.outcome == "incorrect"
        assert "malformed" not in verdict.sentence

    @pytest.mark.parametrize("accuracy", [9.8, 10.0, 21.0, 101.0, float("nan")])
    def test_guessing_fails(self, accuracy: float) -> None:
        model = lesson_net()
        run = run_of(model, accuracy=accuracy)
        assert "did not learn" in compared(model, Comparison((run,))).sentence

    def test_loss_of_a_guess_fails(self) -> None:
        model = lesson_net()
        rng = np.random.default_rng(0)
        for scatter in (0.001, 0.1):
            losses = np.log(10) + scatter * rng.normal(size=960)
            run = replace(run_of(model), losses=losses, training_loss=float(losses[-100:].mean()))
            assert "did not learn" in compared(model, Comparison((run,))).sentence

    def test_too_few_batches_and_losses_without_a_number_are_told_apart(self) -> None:
        model = lesson_net()
        few = replace(run_of(model), losses=np.ones(50), training_loss=1.0)
        assert "only 50 batches" in compared(model, Comparison((few,))).sentence
        losses = np.ones(960)
        losses[3:5] = np.inf
        infinite = replace(run_of(model), losses=losses, training_loss=1.0)
        assert "2 of the losses of 960" in compared(model, Comparison((infinite,))).sentence

    @pytest.mark.parametrize(
        "change",
        [
            {"training_loss": 0.1},
            {"training_loss": None},
            {"validation_accuracy": "high"},
            {"losses": "falling"},
            {"losses": np.full(960, np.nan)},
            {"losses": np.ones(5)},
            {"initial_weights": None},
            {"initial_weights": {}},
            {"label": 5},
        ],
    )
    def test_run_that_is_not_as_helpers_makes_it(self, change: dict[str, Any]) -> None:
        model = lesson_net()
        verdict = compared(model, Comparison((replace(run_of(model), **change),)))
        assert verdict.passed == ("label" in change), verdict.sentence

    def test_hostile_objects_are_survived(self) -> None:
        class Hostile:
            def __getattr__(self, name: str) -> Any:
                raise SystemExit(name)

        assert not compared(lesson_net(), Hostile()).passed
        assert not compared(lesson_net(), Comparison((Hostile(), Hostile()))).passed
        assert not compared(Hostile(), Hostile()).passed
