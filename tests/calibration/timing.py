"""Measures the processor time of grading one function: probe and judge, all five criteria."""

import json
import os
import time
from statistics import median

from grader_tests.judge.picture import evidence
from grader_tests.judge.verdicts import judge
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from tests.corpus import load

_WAYS = ("in_place", "uniform_rule", "laplace", "one_over_n")


def one_grading(name: str, seed: int) -> tuple[float, float]:
    """Return the seconds of processor time without and with pictures for the weights."""
    submission = next(
        item for kind in ("right", "wrong") for item in load(kind) if item.name == name
    )
    function = submission.function()
    os.environ[SEED_VARIABLE] = str(seed)
    began = time.process_time()
    observations = {}
    for criterion in FUNCTION_CRITERIA:
        observations[criterion] = json.loads(json.dumps(observe(criterion, function)))
        judge(criterion, observations[criterion])
    judged = time.process_time()
    for criterion, observation in observations.items():
        evidence(criterion, observation)
    drawn = time.process_time()
    return judged - began, drawn - began


def measure(gradings: int = 20) -> dict[str, object]:
    """Return the median and the largest of some gradings' seconds, way by way."""
    found = {}
    for name in _WAYS:
        one_grading(name, 0)  # imports and caches, which a grader's process pays once
        without, with_pictures = zip(
            *(one_grading(name, seed) for seed in range(gradings)), strict=True
        )
        found[name] = {
            "without": [median(without), max(without)],
            "with": [median(with_pictures), max(with_pictures)],
        }
    return {"ways": found, "gradings": gradings}
