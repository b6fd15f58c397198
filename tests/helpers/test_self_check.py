"""Tests that the self-check says what the grade says, and names the slip."""

import warnings

import pytest
import torch
from torch import nn

import helpers
from tests.corpus import load


class Net(nn.Module):
    """As small as the lesson's is, with its optional constant."""

    def __init__(self, constant_weight: float | None = None) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 60), nn.Linear(60, 10)
        if constant_weight is not None:
            for layer in (self.fc1, self.fc2):
                nn.init.constant_(layer.weight, constant_weight)
                nn.init.zeros_(layer.bias)


# What no look at a few small layers can tell from right: green here, and points lost later.
UNSEEN = {
    "pairs_of_both_signs", "one_pool_for_all_layers", "two_per_cent_too_wide",
    "sum_of_twelve_uniforms", "clamped_at_3y", "large_layers_left_out",
}  # fmt: skip
WAYS = {item.name: item for kind in ("right", "wrong") for item in load(kind)}
RIGHT = {item.name for item in load("right")}


def told(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    torch.manual_seed(0)
    function = WAYS[name].function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            helpers.check(function, hint=True)
        except SystemExit:
            return "exits"
    return capsys.readouterr().out


def test_green_is_graded_green_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    green = {name for name in WAYS if ": correct\n" in told(name, capsys)}
    assert green - UNSEEN == RIGHT


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_guard", "Which of them have weights to draw?"),
        ("in_feature", "letter by letter"),
        ("tensor_for_parameter", "write new values into m.weight too"),
        ("two_arguments", "with one argument, the module"),
        ("unknown_name", "spelt the same there"),
        ("bias_misspelt_after_the_weights", "expected about 0.05774"),
        ("bias_forgotten", "biases from -0.05"),
        ("seed_inside", "the same weights at a second application"),
        ("small_layers_left_out", "its weights are as they were"),
        ("absolute_value", "All values have one sign"),
    ],
)
def test_a_slip_is_named(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in told(name, capsys)


def test_an_absolute_value_is_not_called_uniform(capsys: pytest.CaptureFixture[str]) -> None:
    assert "uniform" not in told("absolute_value", capsys)


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_type_and_shape_are_shown_beside_the_expected(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def doubles(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            setattr(module, name, nn.Parameter(torch.zeros(2, 3, dtype=torch.float64)))

    helpers.check(doubles)
    shape = {"weight": "(90, 300)", "bias": "(90,)"}[name]
    expected = f"{name} of shape (2, 3) and type float64, expected {shape} and float32"
    said = capsys.readouterr().out
    assert expected in said if name == "weight" else ": not attempted" in said
    assert helpers.is_attempted(doubles) == (name == "weight")


class TestSecondExercise:
    def test_a_new_net(self, capsys: pytest.CaptureFixture[str]) -> None:
        for seed in range(20):
            torch.manual_seed(seed)
            helpers.check_made("model_default", Net())
        assert "but" not in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("model_default", Net(0.0), "fc1.weight does not look as PyTorch draws it"),
            ("model_default", nn.Linear(3, 2), "it is of type Linear, and should be a Net"),
            ("model_default", Net, "it is of type type"),
            ("default_comparison", [1.0], "it is of type list"),
            (
                "default_comparison",
                helpers.Comparison("", (), "", 2, 0, ()),
                "no model was compared",
            ),
        ],
    )
    def test_validate_fails_what_is_graded_0(
        self, name: str, value: object, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
        with pytest.raises(helpers.SelfCheckFailed, match=said):
            helpers.check_made(name, value)
