"""Tests that one slip costs what it spoils, and that no layer PyTorch drew gives a point."""

import json

import pytest
import torch
from torch import nn

from grader_tests.judge.verdicts import judge
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240312")


def test_a_layer_that_was_left_gives_nothing() -> None:
    def one_row(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            m.weight.data[0] = torch.randn(m.in_features) / m.in_features**0.5
            raise ValueError

    for criterion in FUNCTION_CRITERIA:
        verdict = judge(criterion, json.loads(json.dumps(observe(criterion, one_row))))
        assert not verdict.passed, criterion


def test_forged_modules_do_not_pass_the_layers() -> None:
    def right(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, 0, m.in_features**-0.5)
            nn.init.zeros_(m.bias)

    seen = observe("test_normal_layers", right)
    assert judge("test_normal_layers", seen).passed
    seen["error"] = {"type": "ValueError", "message": "", "line": "", "function": ""}
    assert not judge("test_normal_layers", seen).passed
