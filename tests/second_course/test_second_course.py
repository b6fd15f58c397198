"""Tests that a new assignment takes little, is judged fairly, and changes nothing in the engine."""

import json
import textwrap
import tomllib
from math import prod
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from grader_kit.judging.calls import Measured
from grader_kit.judging.statistics.counts import proportion_power
from grading.authoring.notebook_format import canonical
from tests.scratch_course import COURSE_ROOT
from tests.second_course.course import ROOM, STUDENTS
from tests.second_course.dropout_tests import assignment
from tests.second_course.dropout_tests.judge import JUDGE, WORDS
from tests.second_course.dropout_tests.observation import FORMAT, RATE, plan
from tests.second_course.dropout_tests.probe import observe

SEED = 20241125
TITLES = dict(
    zip(("evaluation", "rate", "scale", "independence", "gradient"), FORMAT.criteria, strict=True)
)
CHANCE = [name for name, criterion in JUDGE.table.items() if criterion.chance]
FAILED: dict[str, dict[str, str]] = {
    "ada": {},
    "bernoulli": {},
    "no_scale": {"scale": "no_scale"},
    "keeps_p": {"rate": "keeps_p", "scale": "scaled_by_p"},
    "one_mask": {"independence": "same_examples"},
    "seeded": {"independence": "same_calls"},
    "always": {"evaluation": "drops_in_evaluation", "gradient": "gradient_missing"},
    "in_place": {"gradient": "input_changed"},
    "raises": dict.fromkeys(TITLES, ""),
}
"""What each student fails, and the mistake that is named."""


@pytest.fixture(autouse=True)
def _seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORMAT.seed_variable, str(SEED))


def function(body: str) -> Any:
    names: dict[str, Any] = {"torch": torch}
    exec("def dropout(x, p, training):\n" + textwrap.indent(body.strip(), "    "), names)
    return names["dropout"]


def observed(criterion: str, body: str) -> Any:
    """An observation after its way through a notebook."""
    return json.loads(json.dumps(observe(criterion, function(body))))


def test_it_takes_little() -> None:
    modules = sorted((ROOM / "dropout_tests").rglob("*.py"))
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules) < 250


def test_the_engine_and_what_is_shared_do_not_know_it() -> None:
    for room in ("grading", "grader_kit"):
        files = [path for path in (COURSE_ROOT / room).rglob("*") if path.suffix != ".pyc"]
        texts = {path: path.read_bytes().lower() for path in files if path.is_file()}
        assert [path for path, text in texts.items() if b"dropout" in text] == []


@pytest.mark.parametrize("student", FAILED)
def test_each_way_fails_what_it_should(student: str) -> None:
    outcomes = {}
    for name, criterion in TITLES.items():
        observation = observed(criterion, STUDENTS[student].stubs["dropout"])
        verdict = assignment.judge(criterion, observation, "en", SEED)
        if not verdict.passed:
            outcomes[name] = verdict.mistake
        chinese = assignment.judge(criterion, observation, "zh", SEED)
        assert (chinese.outcome, chinese.mistake) == (verdict.outcome, verdict.mistake)
        picture = assignment.evidence(criterion, observation, "zh")
        assert picture is None or picture[0].startswith(b"\x89PNG")
        assert student == "raises" or (picture is not None) == bool(JUDGE.table[criterion].picture)
    assert outcomes == FAILED[student]


OTHERS = {
    "scaled_down": ("scale", "return x * (torch.rand_like(x) >= p) * (1 - p) if training else x"),
    "scales_in_evaluation": (
        "evaluation",
        "return x * (torch.rand_like(x) >= p) if training else x * (1 - p)",
    ),
    "drops_nothing": ("rate", "return x"),
    "same_units": ("independence", "return x * (torch.rand(len(x), 1) >= p) / (1 - p)"),
}


@pytest.mark.parametrize("mistake", OTHERS)
def test_other_mistakes_are_named(mistake: str) -> None:
    name, body = OTHERS[mistake]
    verdict = assignment.judge(TITLES[name], observed(TITLES[name], body), "en", SEED)
    assert verdict.mistake == mistake
    assert verdict.hint


def test_every_mistake_of_the_words_is_tried() -> None:
    tried = {mistake for failed in FAILED.values() for mistake in failed.values()} | set(OTHERS)
    assert set(WORDS.catalogue("en")["mistakes"]) == tried - {""}


def test_right_work_passes_under_any_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails less than once in a billion gradings; 60 gradings see no failure."""
    right = function(STUDENTS["ada"].stubs["dropout"])
    for seed in range(60):
        monkeypatch.setenv(FORMAT.seed_variable, str(seed))
        for criterion in FORMAT.criteria:
            assert JUDGE.judge(criterion, observe(criterion, right), seed=seed).passed


@pytest.mark.parametrize("off", [0.05, -0.05])
def test_a_rate_that_is_off_by_a_twentieth_fails(off: float) -> None:
    """One call misses it once in 600,000 times at most; there are six."""
    body = f"return x * (torch.rand_like(x) >= p + {off}) / (1 - p)"
    assert not JUDGE.judge(RATE, observed(RATE, body)).passed


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("pass", "returns nothing yet"),
        ("raise NotImplementedError", "NotImplementedError"),
        ("return x.tolist()", "a value of type list"),
        ("return x[:, :3]", "it should have"),
        ("return x * float('nan')", "no finite numbers"),
        ("return x * 0", "nothing was kept"),
    ],
)
def test_odd_functions_get_a_sentence(body: str, told: str) -> None:
    verdict = JUDGE.judge(TITLES["scale"], observed(TITLES["scale"], body))
    assert not verdict.passed
    assert told in verdict.sentence


@pytest.mark.parametrize("value", [None, 3])
def test_what_is_no_function(value: object) -> None:
    verdict = JUDGE.judge(RATE, observe(RATE, value))
    assert verdict.outcome == ("incorrect" if value else "not attempted")


class TestForgeries:
    def test_an_observation_under_another_seed_is_foreign(self) -> None:
        observation = observed(RATE, STUDENTS["ada"].stubs["dropout"])
        verdict = JUDGE.judge(RATE, observation, seed=SEED + 1)
        assert (verdict.passed, verdict.foreign) == (False, True)
        # Under another head its outputs fit none of the calls that the seed stands for.
        other = JUDGE.judge(RATE, observation | {"seed": str(SEED + 1)}, seed=SEED + 1)
        assert (other.passed, other.foreign) == (False, False)

    @pytest.mark.parametrize("change", [{"results": []}, {"version": 2}, {"callable": 1}, {}])
    def test_a_malformed_one_fails(self, change: dict[str, object]) -> None:
        observation = observed(RATE, STUDENTS["ada"].stubs["dropout"]) | change
        if not change:
            observation["results"][0]["output"]["data"] = "!"
        verdict = JUDGE.judge(RATE, observation, seed=SEED)
        assert not verdict.passed
        assert "malformed" in verdict.sentence


@pytest.mark.parametrize("folder", WORDS.folders, ids=["shared", "own"])
def test_languages_have_the_same_keys_and_braces(folder: Path) -> None:
    english, chinese = (
        tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
        for language in ("en", "zh")
    )
    assert _fields(english) == _fields(chinese)


def _fields(entry: Any) -> Any:
    if isinstance(entry, dict):
        return [(key, _fields(value)) for key, value in entry.items()]
    return sorted({name for _, name, _, _ in Formatter().parse(entry) if name})


def calls(criterion: str, seed: int, off: float = 0.0) -> list[Measured]:
    """What right dropout makes of a seed's calls, or one that drops `off` too many."""
    rng, theirs = FORMAT.streams(seed, criterion)
    draws = np.random.default_rng(theirs)
    made = []
    for call in plan(rng, criterion):
        p = call.given["p"]
        y = call.x * (draws.random(call.x.shape) >= p + off) / (1 - p)
        made.append(Measured(call.x, call.given, y, None, False))
    return made


class TestTwoRates:
    """Shares of repetitions are binomial; the bounds are passed with probability 1e-9."""

    TIMES = 200

    @pytest.mark.parametrize("criterion", CHANCE)
    def test_right_work_fails_at_the_stated_rate(self, criterion: str) -> None:
        judge, level = JUDGE.table[criterion].judge, 0.05
        outcomes = [judge(calls(criterion, seed), level).outcome for seed in range(self.TIMES)]
        assert outcomes.count("incorrect") <= stats.binom.isf(1e-9, self.TIMES, level)

    def test_a_rate_that_is_off_fails_at_the_stated_rate(self) -> None:
        off, failed, expected = 0.025, 0, 0.0
        for seed in range(self.TIMES):
            made = calls(RATE, seed, off)
            failed += JUDGE.table[RATE].judge(made, JUDGE.level).outcome == "incorrect"
            passes = [
                1 - proportion_power(call.y.size, p, p + off, JUDGE.level / len(made))
                for call in made
                for p in [call.given["p"]]
            ]
            expected += (1 - prod(passes)) / self.TIMES
        assert 0.5 < expected < 0.999
        low, high = stats.binom.ppf([1e-9, 1 - 1e-9], self.TIMES, expected)
        assert low <= failed <= high


@pytest.mark.parametrize("path", sorted((ROOM / "source").rglob("*.ipynb")), ids=str)
def test_notebooks_are_in_canonical_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert canonical(text) == text
