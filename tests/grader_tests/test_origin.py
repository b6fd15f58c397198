"""Tests that an observation scores in the grading that it was made in, and in no other."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest
from nbgrader.utils import determine_grade
from torch import nn
from torch.nn.utils import parametrize

from grader_tests.blueprint import plan, streams
from grader_tests.judge.verdicts import judge
from grader_tests.judge.words import LANGUAGES
from grader_tests.observation import CRITERIA, FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grader_tests.probe.networks import large_network, small_networks
from grading.judging.judge import Judge
from grading.recording import audit
from grading.running.sandboxed_execute import SandboxedExecute
from grading.submission import Submission
from tests.grader_tests.test_criteria_default import comparison_of, lesson_net
from tests.grader_tests.test_grader_tests import right
from tests.grading.running.test_sandboxed_execute import needs_sandbox
from tests.ordinary_course import cell_metadata
from tests.scratch_course import ASSIGNMENT, ScratchCourse, solve
from tests.steps import SETTINGS, resources_with

SEED, OTHER = 20240301, 7


def observed(criterion: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the probe sees of right work under a seed, by way of JSON."""
    monkeypatch.setenv(SEED_VARIABLE, str(seed))
    model = lesson_net()
    things = {"test_default_model": model, "test_default_comparison": (model, comparison_of(model))}
    return json.loads(json.dumps(observe(criterion, things.get(criterion, right))))


@pytest.mark.parametrize("seed", [0, 1, SEED, 2**64 - 1])
@pytest.mark.parametrize("criterion", FUNCTION_CRITERIA)
def test_the_plan_is_what_the_probe_builds(criterion: str, seed: int) -> None:
    rng, _ = streams(seed, criterion)
    small = small_networks(rng) if criterion == "test_normal_layers" else []
    built = [
        (
            f"{index}.{name}",
            type(module).__name__,
            (module.in_features, module.out_features) if isinstance(module, nn.Linear) else (0, 0),
            {
                key: tuple(tensor.shape)
                for key, tensor in (*module._parameters.items(), *module._buffers.items())
                if tensor is not None
            },
        )
        for index, network in enumerate([*small, large_network(rng)])
        for name, module in network.named_modules()
    ]
    assert built == [
        (module.name, module.type, (module.fan_in, module.fan_out), module.shapes)
        for module in plan(seed, criterion)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_plan_has_the_weights_that_the_power_needs(seed: int) -> None:
    for criterion in FUNCTION_CRITERIA:
        linear = [module for module in plan(seed, criterion) if module.type == "Linear"]
        widening = sum(module.fan_in < module.fan_out for module in linear)
        assert min(widening, len(linear) - widening) >= 2
        assert sum(module.fan_in * module.fan_out for module in linear) >= 200_000


@pytest.mark.parametrize("criterion", CRITERIA)
class TestReplay:
    def test_in_its_own_grading(self, criterion: str, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = observed(criterion, SEED, monkeypatch)
        for seed in (SEED, None):
            verdict = judge(criterion, seen, seed=seed)
            assert verdict.passed
            assert not verdict.foreign

    def test_in_another(self, criterion: str, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = observed(criterion, OTHER, monkeypatch)
        for language in LANGUAGES:
            verdict = judge(criterion, seen, language, SEED)
            assert (verdict.passed, verdict.outcome) == (False, "incorrect")
            assert verdict.foreign
            assert ("另一个随机种子" if language == "zh" else "another seed") in verdict.sentence

    @pytest.mark.parametrize("seed", [f"0{SEED}", "２０２４０３０１", f"{SEED}0"])
    def test_the_seed_is_compared_as_it_is_written(
        self, criterion: str, monkeypatch: pytest.MonkeyPatch, seed: str
    ) -> None:
        seen = observed(criterion, SEED, monkeypatch) | {"seed": seed}
        assert judge(criterion, seen, seed=SEED).foreign


@pytest.mark.parametrize("criterion", FUNCTION_CRITERIA)
def test_the_seed_alone_does_not_make_it_of_this_grading(
    criterion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = observed(criterion, OTHER, monkeypatch) | {"seed": str(SEED)}
    for seed in (SEED, None):
        verdict = judge(criterion, seen, seed=seed)
        assert not verdict.passed
        assert verdict.foreign


def _fewer(modules: list[Any]) -> None:
    del modules[-1]


def _twice(modules: list[Any]) -> None:
    modules.append(copy.deepcopy(modules[-1]))


def _other_order(modules: list[Any]) -> None:
    modules[1], modules[2] = modules[2], modules[1]


def _renamed(modules: list[Any]) -> None:
    modules[1]["name"] = "0.other"


def _of_another_class(modules: list[Any]) -> None:
    modules[1]["type"] = "ModuleList"


def _not_linear(modules: list[Any]) -> None:
    linear = next(module for module in modules if module["linear"])
    linear["linear"] = False


def _a_norm_of_another_width(modules: list[Any]) -> None:
    norm = next(module for module in modules if module["type"] == "LayerNorm")
    for parameter in norm["parameters"]:
        parameter["shape_before"] = parameter["shape"] = [10_000]


def _a_smaller_removed_layer(modules: list[Any]) -> None:
    linear = next(module for module in modules if module["linear"])
    linear |= {"state": "removed", "fan_in": 3}


@pytest.mark.parametrize(
    "change",
    [
        _fewer,
        _twice,
        _other_order,
        _renamed,
        _of_another_class,
        _not_linear,
        _a_norm_of_another_width,
        _a_smaller_removed_layer,
    ],
)
def test_other_networks_are_refused(
    change: Callable[[list[Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for criterion in FUNCTION_CRITERIA:
        seen = observed(criterion, SEED, monkeypatch)
        change(seen["modules"])
        verdict = judge(criterion, seen, seed=SEED)
        assert not verdict.passed
        assert verdict.foreign


def _parametrized(m: nn.Module) -> None:
    """Leave the weights to a parametrization, which gives the layer a class of its own."""
    if isinstance(m, nn.Linear) and not parametrize.is_parametrized(m):
        parametrize.register_parametrization(m, "weight", nn.Identity())


def _renames_the_class(m: nn.Module) -> None:
    if isinstance(m, nn.ReLU):
        m.__class__ = nn.Tanh  # type: ignore[assignment]  # as a student may


def _adds(m: nn.Module) -> None:
    if isinstance(m, nn.Linear):
        right(m)
        m.extra = nn.Dropout(0.1)


def _replaces(m: nn.Module) -> None:
    for name, child in list(m.named_children()):
        if isinstance(child, nn.Linear):
            setattr(m, name, nn.Linear(child.in_features, child.out_features))


def _removes(m: nn.Module) -> None:
    for name, child in list(m.named_children()):
        if isinstance(child, nn.LayerNorm):
            setattr(m, name, None)


@pytest.mark.parametrize(
    "function", [_parametrized, _renames_the_class, _adds, _replaces, _removes, None, str]
)
def test_whatever_a_function_does_it_is_of_this_grading(
    function: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SEED_VARIABLE, str(SEED))
    for criterion in FUNCTION_CRITERIA:
        seen = json.loads(json.dumps(observe(criterion, function)))
        assert not judge(criterion, seen, seed=SEED).foreign


REPLAY = """
import json, grader_tests.probe
recorded = json.load(open("recorded.json"))
grader_tests.probe.observe = lambda criterion, thing: recorded
"""


class TestInSandbox:
    pytestmark = needs_sandbox

    @pytest.mark.parametrize("replayed", [True, False])
    def test_a_blank_function_gains_nothing_from_somebody_elses_observation(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replayed: bool
    ) -> None:
        recorded = observed("test_normal_std", OTHER, monkeypatch)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "recorded.json").write_text(json.dumps(recorded))
        cells = [
            v4.new_code_cell(
                "import torch.nn as nn\ndef weights_init_normal(m):\n"
                "  if isinstance(m, nn.Linear): m.weight.data.normal_(0, m.in_features**-0.5)"
            ),
            v4.new_code_cell(REPLAY if replayed else ""),
            v4.new_code_cell(
                "from grader_tests import check\ncheck('test_normal_std', weights_init_normal)",
                metadata=cell_metadata("test_normal_std", 4),
            ),
        ]
        nb = v4.new_notebook(cells=cells)
        names = {"student": "ada", "assignment": ASSIGNMENT, "notebook": ASSIGNMENT}
        resources = resources_with({"metadata": {"path": str(tmp_path)}, "nbgrader": names})
        nb, resources = SandboxedExecute(config=SETTINGS).preprocess(nb, resources)
        assert isinstance(Submission.of(resources).seed, int)
        nb, resources = Judge(config=SETTINGS).preprocess(nb, resources)
        score, _ = determine_grade(nb.cells[-1])
        assert score == (0 if replayed else 4)
        assert Submission.of(resources).problems == (
            ["The observation of test_normal_std is not of this grading."] if replayed else []
        )


HANDED_IN_AGAIN = """
import json, grader_tests.probe
recorded = json.load(open("recorded.json"))
grader_tests.probe.observe = lambda criterion, thing: recorded[criterion]
"""


class TestHandedInAgain:
    pytestmark = needs_sandbox

    def test_what_an_earlier_submission_let_out_is_of_no_use(
        self, tmp_path: Path, any_data: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        course = ScratchCourse(tmp_path, any_data)
        course.build()
        notebook = course.released()
        solve(notebook)
        folder = course.submit("ada", notebook)
        course.nbgrader("autograde", ASSIGNMENT)
        (entry,) = audit.read(course.root / audit.FILE)
        seed = int(entry["seed"])

        # The networks of that seed, and somebody's right function; the student has none.
        recorded = {name: observed(name, seed, monkeypatch) for name in FUNCTION_CRITERIA}
        assert all(judge(name, seen, seed=seed).passed for name, seen in recorded.items())
        notebook = course.released()
        own = {"cell_type": "code", "metadata": {}, "source": HANDED_IN_AGAIN, "outputs": []}
        notebook["cells"].insert(0, own)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        (folder / "recorded.json").write_text(json.dumps(recorded), encoding="utf-8")
        course.nbgrader("autograde", ASSIGNMENT, "--force")
        _, again = audit.read(course.root / audit.FILE)
        assert {again["scores"][name] for name in FUNCTION_CRITERIA} == {0.0}
        assert again["flagged"]
        assert len(again["remarks"]) >= len(FUNCTION_CRITERIA)
