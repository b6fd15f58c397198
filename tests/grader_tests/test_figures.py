"""Tests that figures which are held against each other look different where they differ."""

import json
import re

import pytest
import torch
from torch import nn

from grader_tests.judge.figures import told_apart
from grader_tests.judge.verdicts import judge
from grader_tests.judge.words import LANGUAGES
from grader_tests.probe import observe
from tests.grader_tests.test_criteria_default import lesson_net


def test_as_many_digits_as_it_takes() -> None:
    assert told_apart(0.5, 0.25) == ("0.5", "0.25")
    assert told_apart(0.036234, 0.036166) == ("0.03623", "0.03617")
    assert told_apart(0.0362341, 0.0362339) == ("0.0362341", "0.0362339")
    assert told_apart(1.0, 1.0) == ("1", "1")
    assert told_apart(1.0, 1.0 + 1e-12) == ("1", "1"), "no float32 has more digits"


def _off_by_a_little(m: nn.Module) -> None:
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, 0.0, 1.02 * m.in_features**-0.5)
        nn.init.zeros_(m.bias)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_deviation_that_is_wrong_reads_as_wrong(language: str) -> None:
    torch.manual_seed(1)
    seen = json.loads(json.dumps(observe("test_normal_std", _off_by_a_little)))
    verdict = judge("test_normal_std", seen, language)
    assert not verdict.passed
    figures = re.findall(r"0\.\d+", verdict.finding)
    assert len(figures) == len(set(figures)) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_just_beyond_its_bound_reads_as_beyond(language: str) -> None:
    model = lesson_net()
    with torch.no_grad():
        model.fc1.weight[0, 0] = 784**-0.5 * (1 + 4e-6)
    seen = json.loads(json.dumps(observe("test_default_model", model)))
    finding = judge("test_default_model", seen, language).finding
    figures = re.findall(r"0\.\d+", finding)
    assert len(figures) == len(set(figures)) == 2, finding
