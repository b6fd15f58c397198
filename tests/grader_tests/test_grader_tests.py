"""Tests of the hidden tests' two sides: what the probe observes, and that the judge trusts none."""

import copy
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from torch import nn

import grader_tests
from grader_tests import observation as formats
from grader_tests.judge.verdicts import judge, no_observation
from grader_tests.observation import (
    CRITERIA,
    FUNCTION_CRITERIA,
    MIME_TYPE,
    ObservationError,
    UnknownCriterion,
)
from grader_tests.probe import SEED_VARIABLE, observe
from tests.corpus import Submission, load

ROOM = Path(grader_tests.__file__).parent


def right(m: nn.Module) -> None:
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, 0, m.in_features**-0.5)
        nn.init.zeros_(m.bias)


@pytest.fixture(autouse=True)
def fixed_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240301")


class TestFormat:
    @given(
        st.lists(st.integers(0, 5), max_size=4),
        st.sampled_from(["float32", "float64"]),
        st.randoms(use_true_random=False),
    )
    def test_arrays_survive(self, shape: list[int], dtype: str, rng: random.Random) -> None:
        array = np.random.default_rng(rng.getrandbits(32)).normal(size=shape).astype(dtype)
        sent = json.loads(json.dumps(formats.encode_array(array)))
        received = formats.decode_array(sent)
        assert received.dtype == array.dtype
        np.testing.assert_array_equal(received, array)

    def test_special_values_survive(self) -> None:
        array = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], dtype=np.float32)
        received = formats.decode_array(formats.encode_array(array))
        assert received.tobytes() == array.tobytes()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"dtype": "object"}, "dtype"),
            ({"dtype": ["float32"]}, "dtype"),
            ({"shape": [2, 2]}, "base64"),
            ({"shape": [-1, -3]}, "whole numbers"),
            ({"shape": [True, 3]}, "whole numbers"),
            ({"shape": [3.0]}, "whole numbers"),
            ({"shape": [10**9]}, "whole numbers"),
            ({"shape": [1000, 2000]}, "entries"),
            ({"shape": [1] * 9}, "sizes"),
            ({"shape": 3}, "sizes"),
            ({"data": "A" * 14 + "=="}, "bytes"),
            ({"data": "!" * 16}, "base64"),
            ({"data": 5}, "base64"),
            ({"more": 1}, "object"),
        ],
    )
    def test_other_arrays_are_refused(self, change: dict[str, Any], message: str) -> None:
        sent = formats.encode_array(np.zeros(3, dtype=np.float32)) | change
        with pytest.raises(ObservationError, match=message):
            formats.decode_array(sent)

    def test_what_cannot_be_sent_is_refused(self) -> None:
        with pytest.raises(ObservationError, match="int64"):
            formats.encode_array(np.arange(3))
        with pytest.raises(ObservationError, match="entries"):
            formats.encode_array(np.zeros(formats.ENTRY_LIMIT + 1, dtype=np.float32))


class TestProbe:
    def test_a_seed_repeats_everything(self) -> None:
        for criterion in FUNCTION_CRITERIA:
            assert observe(criterion, right) == observe(criterion, right)

    def test_another_seed_gives_other_shapes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def shapes() -> list[Any]:
            modules: Any = observe("test_normal_std", right)["modules"]
            return [(module["fan_in"], module["fan_out"]) for module in modules if module["linear"]]

        first = shapes()
        assert all(fan_in != fan_out for fan_in, fan_out in first)
        monkeypatch.setenv(SEED_VARIABLE, str(2**64 - 1))
        assert shapes() != first
        monkeypatch.delenv(SEED_VARIABLE)
        assert shapes() != shapes()

    def test_students_randomness_is_left_alone(self) -> None:
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        words: Any = np.random.get_state()
        before = torch.get_rng_state(), words[1].copy(), random.getstate()

        def careless(m: nn.Module) -> None:
            torch.manual_seed(0)
            torch.set_default_dtype(torch.float64)
            torch.set_grad_enabled(False)
            right(m)

        observe("test_normal_layers", careless)
        assert torch.equal(before[0], torch.get_rng_state())
        words = np.random.get_state()
        assert (before[1] == words[1]).all()
        assert before[2] == random.getstate()
        assert torch.get_default_dtype() == torch.float32
        assert torch.is_grad_enabled()

    def test_messages_stay_below_two_megabytes(self) -> None:
        for criterion in FUNCTION_CRITERIA:
            assert len(json.dumps(observe(criterion, right))) < 2_000_000

    @pytest.mark.parametrize(
        "error", [ValueError("no"), SystemExit(1), GeneratorExit(), RecursionError(), MemoryError()]
    )
    def test_exceptions_are_observed(self, error: BaseException) -> None:
        def stops(m: nn.Module) -> None:
            if isinstance(m, nn.Linear):
                raise error

        seen: Any = observe("test_normal_mean", stops)
        assert seen["error"]["type"] == type(error).__name__
        assert seen["error"]["line"] == "raise error"
        assert seen["error"]["function"] == "stops"
        assert seen["error"]["module"] == "Linear"
        json.dumps(seen)

    def test_exception_without_a_message_of_its_own(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise ValueError

        def stops(m: nn.Module) -> None:
            raise Mute

        verdict = judge("test_normal_mean", observe("test_normal_mean", stops))
        assert "Mute" in verdict.sentence

    def test_an_interrupt_is_no_observation(self) -> None:
        def interrupted(m: nn.Module) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            observe("test_normal_mean", interrupted)

    def test_students_own_line_and_no_frame_of_the_grader(self) -> None:
        submission = next(item for item in load("wrong") if item.name == "in_place_on_a_leaf")
        seen: Any = observe("test_normal_mean", submission.function())
        assert seen["error"]["line"] == "m.weight.normal_(0, y)"
        assert "leaf" in seen["error"]["message"]
        sentence = judge("test_normal_mean", seen).sentence
        assert "m.weight.normal_(0, y)" in sentence
        assert "grader_tests" not in sentence

    def test_signature_that_does_not_fit_has_no_line(self) -> None:
        seen: Any = observe("test_normal_mean", lambda: None)
        assert seen["error"]["type"] == "TypeError"
        assert seen["error"]["line"] == ""

    @pytest.mark.parametrize("thing", [None, 5, "normal", [right], nn.Linear(2, 3)])
    def test_what_is_no_function(self, thing: object) -> None:
        for criterion in FUNCTION_CRITERIA:
            verdict = judge(criterion, json.loads(json.dumps(observe(criterion, thing))))
            assert not verdict.passed
            assert verdict.outcome == ("not attempted" if thing is None else "incorrect")

    def test_tensor_with_an_arithmetic_of_its_own_gains_nothing(self) -> None:
        class Perfect(nn.Parameter):
            @classmethod
            def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
                raise ValueError("look away")

        def assigns(m: nn.Module) -> None:
            if isinstance(m, nn.Linear):
                m._parameters["weight"] = Perfect(torch.rand(m.out_features, m.in_features))
                m.bias.data.zero_()

        for criterion in FUNCTION_CRITERIA[:4]:
            verdict = judge(criterion, json.loads(json.dumps(observe(criterion, assigns))))
            assert not verdict.passed
            assert "malformed" not in verdict.sentence

    def test_unknown_criterion(self) -> None:
        with pytest.raises(UnknownCriterion, match="test_everything"):
            observe("test_everything", right)
        with pytest.raises(KeyError):
            judge("test_everything", {})


class TestRooms:
    """Which side needs what: student code shares its machine with the probe alone."""

    def run(self, folder: Path, code: str) -> str:
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    def test_probe_runs_without_the_judge(self, tmp_path: Path) -> None:
        room = tmp_path / "grader_tests"
        room.mkdir()
        for name in formats.PROBE_MODULES:
            copy = shutil.copytree if (ROOM / name).is_dir() else shutil.copy
            copy(ROOM / name, room / name)
        printed = self.run(
            tmp_path,
            """
            import sys
            sys.modules["scipy"] = None  # importing it fails
            import grader_tests
            from grader_tests.probe import observe
            assert grader_tests.check("test_normal_mean", lambda m: None) is None
            print(observe("test_normal_bias", lambda m: None)["criterion"])
            assert "matplotlib" not in sys.modules
            """,
        )
        assert printed.strip() == "test_normal_bias"

    def test_judge_runs_without_torch(self) -> None:
        printed = self.run(
            ROOM.parent,
            """
            import sys
            from grader_tests.judge.verdicts import judge
            assert not {"torch", "IPython", "matplotlib"} & set(sys.modules)
            print(judge("test_normal_mean", {}).outcome)
            """,
        )
        assert printed.strip() == "incorrect"


class TestCheck:
    @pytest.fixture(autouse=True)
    def shell(self) -> Iterator[None]:
        InteractiveShell.instance()
        yield
        InteractiveShell.clear_instance()

    def test_one_message_with_one_key(self) -> None:
        with capture_output() as captured:
            grader_tests.check("test_normal_mean", right)
        (message,) = captured.outputs
        assert list(message.data) == [MIME_TYPE]
        assert judge("test_normal_mean", message.data[MIME_TYPE]).passed
        assert captured.stdout.startswith("The mean of the weights is 0")

    def test_failure_raises_without_frames(self) -> None:
        with capture_output() as captured, pytest.raises(grader_tests.CriterionFailed) as failure:
            grader_tests.check("test_normal_bias", lambda m: None)
        assert len(captured.outputs) == 1
        assert failure.value._render_traceback_() == [str(failure.value)]
        assert "grader_tests" not in str(failure.value)


def observed(criterion: str) -> dict[str, Any]:
    if criterion in FUNCTION_CRITERIA:
        return observe(criterion, right)
    return observe(criterion, None)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([2**70, -1, 1e308, "float32", "AAAA", "1" * 5000, [[]] * 300]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


class TestDistrust:
    @given(criterion=st.sampled_from(CRITERIA), observation=json_values)
    def test_any_json_gets_a_failing_verdict(self, criterion: str, observation: object) -> None:
        verdict = judge(criterion, observation)
        assert not verdict.passed
        assert "malformed" in verdict.sentence

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_one_altered_entry_never_crashes_the_judge(
        self, data: st.DataObject, templates: dict[str, dict[str, Any]]
    ) -> None:
        criterion = data.draw(st.sampled_from(CRITERIA))
        observation = copy.deepcopy(templates[criterion])
        place: Any = observation
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
                break
            place = inner
        if isinstance(place, dict) and data.draw(st.booleans()):
            del place[key]
        else:
            place[key] = data.draw(json_values)
        verdict = judge(criterion, observation)
        assert verdict.outcome in ("correct", "incorrect", "not attempted")
        json.dumps(verdict.figures)

    @pytest.fixture(scope="class")
    def templates(self) -> dict[str, dict[str, Any]]:
        from tests.grader_tests.test_criteria_default import comparison_of, lesson_net

        model = lesson_net()
        things: dict[str, object] = dict.fromkeys(FUNCTION_CRITERIA, right)
        things["test_default_model"] = model
        things["test_default_comparison"] = (model, comparison_of(model))
        return {name: observe(name, thing) for name, thing in things.items()}

    def test_templates_are_sound(self, templates: dict[str, dict[str, Any]]) -> None:
        for criterion, observation in templates.items():
            assert judge(criterion, observation).passed

    @pytest.mark.parametrize("criterion", FUNCTION_CRITERIA)
    def test_one_criterions_observation_does_not_serve_another(self, criterion: str) -> None:
        other = next(name for name in FUNCTION_CRITERIA if name != criterion)
        assert not judge(criterion, observe(other, right)).passed

    def test_networks_of_the_forgers_choice_are_refused(self) -> None:
        seen: Any = observe("test_normal_std", right)
        for keep in (1, 2, 4):
            fewer = copy.deepcopy(seen)
            linear = [module for module in fewer["modules"] if module["linear"]]
            for module in linear[keep:]:
                fewer["modules"].remove(module)
            verdict = judge("test_normal_std", fewer)
            assert not verdict.passed
            assert verdict.foreign

    def test_no_observation(self) -> None:
        for criterion in CRITERIA:
            verdict = no_observation(criterion, "The cell took too long.")
            assert (verdict.passed, verdict.outcome) == (False, "incorrect")
            assert "too long" in verdict.sentence


def passes_of(submissions: list[Submission]) -> list[frozenset[str]]:
    return [submission.passes for submission in submissions]


@pytest.mark.parametrize("criterion", FUNCTION_CRITERIA)
def test_some_submission_fails_each_criterion_alone(criterion: str) -> None:
    # tests/grader_tests/test_criteria.py shows that the corpus tells the truth about what passes.
    everything = frozenset(FUNCTION_CRITERIA)
    assert everything - {criterion} in passes_of(load("wrong"))


def test_corpus_has_names_of_its_own() -> None:
    names = [submission.name for kind in ("right", "wrong") for submission in load(kind)]
    assert len(set(names)) == len(names)


def test_callables_of_every_kind() -> None:
    class Method:
        def apply_to(self, m: nn.Module) -> None:
            right(m)

    functions: list[Callable[[nn.Module], object]] = [Method().apply_to, right]
    for function in functions:
        assert judge("test_normal_std", observe("test_normal_std", function)).passed
