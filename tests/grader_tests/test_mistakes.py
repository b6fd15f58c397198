"""Tests of the explanations: what they quote, what they compute, and what they do not claim."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grader_tests.judge.mistakes import patterns
from grader_tests.judge.mistakes.rules import RULES, common_value, constant_rule, fitting_rule
from grader_tests.judge.statistics.moments import Layer
from grader_tests.judge.verdict import Verdict
from grader_tests.judge.verdicts import judge
from grader_tests.judge.words import LANGUAGES
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grader_tests.probe.lines import code_of, follow_lines
from tests.corpus import load
from tests.grader_tests.test_criteria_default import compared, comparison_of, lesson_net, verdict_on

WAYS = {item.name: item for item in load("wrong")}


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240303")


def verdict(name: str, criterion: str = "test_normal_std", language: str = "en") -> Verdict:
    seen = observe(criterion, WAYS[name].function())
    return judge(criterion, json.loads(json.dumps(seen)), language)


def constant(value: float, inputs: int, neurons: int) -> float:
    return value


def large_layers(deviation: Callable[[int, int], float], seed: int = 0) -> list[Layer]:
    from grader_tests.blueprint import large_sizes

    rng = np.random.default_rng(seed)
    return [
        Layer(f"Linear({n}, {m})", n, rng.normal(0, deviation(n, m), (m, n)))
        for n, m in large_sizes(rng)
    ]


class TestWords:
    def test_sentence_holds_finding_explanation_and_hint(self) -> None:
        found = verdict("one_over_n")
        assert found.mistake == "variance_for_deviation"
        assert "1/n would give exactly these" in found.explanation
        assert "1/sqrt(n)" in found.explanation
        assert found.hint
        place = [found.sentence.index(part) for part in (found.explanation, found.hint)]
        assert 0 < place[0] < place[1]
        # The figures are those of the layers.
        layers: Any = found.figures["layers"]
        for layer in layers:
            assert f"{layer['deviation']:.4g}" in found.explanation

    def test_right_work_has_no_mistake(self) -> None:
        submission = load("right")[0]
        for criterion in FUNCTION_CRITERIA:
            found = judge(criterion, observe(criterion, submission.function()))
            assert (found.mistake, found.explanation, found.hint) == ("", "", "")

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("criterion", FUNCTION_CRITERIA)
    def test_every_language_has_the_same_verdict(self, language: str, criterion: str) -> None:
        for name in ("uniform_rule", "bias_forgotten", "in_place_on_a_leaf", "typo_in_guard"):
            found, english = verdict(name, criterion, language), verdict(name, criterion)
            assert found.mistake == english.mistake
            assert found.passed == english.passed
            assert found.figures == english.figures
            if language != "en":
                assert found.sentence != english.sentence

    def test_guard_is_quoted(self) -> None:
        said = verdict("typo_in_guard").sentence
        assert "`if classname.find('Liniar') != -1:`" in said

        said = verdict("typo_in_the_second_condition").sentence
        assert "`elif classname.find('Liniar') != -1:`" in said

    def test_line_of_a_helper_is_quoted_and_no_frame_of_the_grader(self) -> None:
        def helper(m: Any) -> None:
            m.weights.data.normal_()  # the student's own line

        def calls(m: nn.Module) -> None:
            if isinstance(m, nn.Linear):
                helper(m)

        found = judge("test_normal_std", observe("test_normal_std", calls))
        assert found.mistake == "attribute_misspelt"
        assert "m.weights.data.normal_()  # the student's own line" in found.sentence
        for word in ("grader", "probe", "visit", "Traceback"):
            assert word not in found.sentence


class TestNoFunction:
    def test_none(self) -> None:
        found = judge("test_normal_mean", observe("test_normal_mean", None))
        assert (found.outcome, found.mistake) == ("not attempted", "none_for_a_function")

    def test_a_model_can_be_called_but_not_with_a_module(self) -> None:
        found = judge("test_normal_mean", observe("test_normal_mean", lesson_net()))
        assert (found.outcome, found.mistake) == ("incorrect", "name_taken")
        assert "of type Net" in found.explanation


class TestNothingWritten:
    def test_todo_error_is_no_attempt(self) -> None:
        assert verdict("exercise_not_implemented").outcome == "not attempted"

    def test_lines_are_followed_through_wrappers(self) -> None:
        def plain(m: nn.Module) -> None:
            if isinstance(m, nn.Conv2d):
                m.bias = None

        without_gradients: Any = torch.no_grad()
        wrapped = without_gradients(plain)
        assert [line["ran"] for line in follow_lines(wrapped)] == [True, False]
        assert code_of(wrapped) is plain.__code__
        assert code_of(5) is None
        assert follow_lines(print) == []

    def test_tracing_is_switched_back(self) -> None:
        import sys

        def stops(m: nn.Module) -> None:
            raise ValueError

        before = sys.gettrace()
        follow_lines(stops)
        assert sys.gettrace() is before


class TestRules:
    def test_no_two_rules_fit_the_same_weights(self) -> None:
        # The probe's sizes keep every pair of rules apart, the right one included.
        for rule in RULES:
            layers = large_layers(rule.value)
            assert fitting_rule(layers) is rule
        assert fitting_rule(large_layers(lambda n, m: n**-0.5)) is None

    def test_fixed_deviations_have_no_rule(self) -> None:
        for value in (0.01, 0.02, 0.1, 0.5, 2.0):
            layers = large_layers(partial(constant, value))
            assert fitting_rule(layers) is None
            found = common_value([layer.deviation for layer in layers], layers)
            assert found == pytest.approx(value, rel=0.01)

    def test_constants_are_recognized_to_the_last_digit(self) -> None:
        layers = [Layer("", 100, np.full((30, 100), np.float32(0.1))) for _ in range(2)]
        rule = constant_rule(layers)
        assert rule is not None
        assert rule.formula == "1/sqrt(n)"
        assert constant_rule([Layer("", 100, np.full((30, 100), 0.1002))]) is None


class TestPatterns:
    def layer(self, weights: np.ndarray) -> Layer:
        return Layer("", weights.shape[1], weights)

    @pytest.mark.parametrize(
        ("draw", "name"),
        [
            (lambda rng: rng.normal(2, 3, (300, 400)), "other"),
            (lambda rng: rng.uniform(-1, 5, (300, 400)), "uniform"),
            (lambda rng: np.abs(rng.normal(0, 3, (300, 400))), "half normal"),
            (lambda rng: -np.abs(rng.normal(0, 3, (300, 400))), "half normal"),
            (lambda rng: np.clip(rng.normal(0, 1, (300, 400)), -2, 2), "clamped"),
            (lambda rng: np.full((300, 400), 0.1), "constant"),
            (lambda rng: rng.integers(0, 3, (300, 400)).astype(float), "few values"),
            (lambda rng: rng.laplace(0, 1, (300, 400)), "other"),
        ],
    )
    def test_family(self, draw: Callable[[np.random.Generator], np.ndarray], name: str) -> None:
        assert patterns.family([self.layer(draw(np.random.default_rng(1)))]) == name

    def test_dependence(self) -> None:
        rng = np.random.default_rng(2)
        independent = rng.normal(size=(50, 60))
        assert patterns.dependence([self.layer(independent)]) == ""
        row = np.tile(independent[:1], (50, 1))
        assert patterns.dependence([self.layer(row)]) == "rows"
        assert patterns.dependence([self.layer(np.tile(independent[:, :1], (1, 60)))]) == "columns"
        assert patterns.dependence([self.layer(np.sort(independent))]) == "sorted"
        twice = np.vstack([independent, -independent])
        assert patterns.dependence([self.layer(twice)]) == "copies"
        # One layer alone may be an accident; a habit shows in all.
        assert patterns.dependence([self.layer(row), self.layer(independent)]) == ""


class TestSecondExercise:
    def test_trained_model_and_initialized_model_are_told_apart(self) -> None:
        model = lesson_net()
        for layer in (model.fc1, model.fc2, model.fc3):
            nn.init.normal_(layer.weight, 0, layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
        assert verdict_on(model).mistake == "default_initialized"
        trained = lesson_net()
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
        assert verdict_on(trained).mistake == "default_trained"

    def test_another_model_compared(self) -> None:
        found = compared(lesson_net(), comparison_of(lesson_net(), lesson_net(300)))
        assert found.mistake == ""
        assert compared(lesson_net(), comparison_of(lesson_net(300))).mistake == (
            "default_not_compared"
        )


def test_layers_that_repeat_are_not_called_independent_of_each_other() -> None:
    ways = {item.name: item for item in [*load("wrong"), *load("right")]}
    right = next(item for item in load("right"))
    for name, begins in {"seed_inside": "Within each layer", right.name: "The weights are"}.items():
        verdict = judge(
            "test_normal_shape",
            json.loads(json.dumps(observe("test_normal_shape", ways[name].function()))),
        )
        assert verdict.passed
        assert verdict.finding.startswith(begins), verdict.finding
