"""Tells whether a claimed run of training is one: it is recorded, or what is repeated of it agrees.

Called where a submission was run, directly after it. What is not recorded costs 20 batches of
training and one pass over the validation images, in a job of the grading's own:

1. trained from the claimed initial weights, those batches have to give the claimed losses, and
2. the claimed final weights have to classify the claimed validation images exactly as well as
   claimed, to the last image, and other images better than a guess.

So who makes up a run needs a network that has learned, which is what training gives.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..observation import OUR_IMAGES, REPEATED_BATCHES, ObservationError, decode_array
from .criteria.comparison import (
    FEWEST_IMAGES,
    accuracy_of_guessing,
    judge_comparison,
    run_of_the_model,
)
from .criteria.default_exercise import is_net
from .default_records import Claim, DefaultObservation, Run
from .records import read

CRITERION = "test_default_comparison"
_MODEL = "test_default_model"

Recorded = Callable[[Mapping[str, np.ndarray], np.ndarray, float], bool]
Repeat = Callable[[str, Mapping[str, bytes]], object]

_CELL = """\
import json
import helpers
import helpers.training
from grader_tests.probe.repeat import report
with open("claim.json") as file:
    report(json.load(file), helpers.training, helpers.find_data())
"""
# By part of the data set.
_IMAGES = {"train": 60_000, "test": 10_000}


def complete(observations: Mapping[str, object]) -> Mapping[str, object]:
    """Let a model that was made in the comparison's cell answer the test before that cell."""
    first, later = observations.get(_MODEL), observations.get(CRITERION)
    if not isinstance(first, dict) or not isinstance(later, dict) or first.get("model"):
        return observations
    late = later.get("late")
    return {**observations, _MODEL: late} if isinstance(late, dict) else observations


def confirm(
    observations: Mapping[str, object], recorded: Recorded, repeat: Repeat
) -> dict[str, bool]:
    """Tell by criterion whether what its observation claims is so.

    What the judge refuses anyway is not repeated.

    Args:
        observations: of a submission, by criterion.
        recorded: tells whether a run of these initial weights, losses and accuracy is recorded.
        repeat: runs a cell of ours with files beside it, and returns what it reports, if anything.
    """
    try:
        seen = read(CRITERION, observations.get(CRITERION), DefaultObservation)
        if judge_comparison(seen, 0.0).outcome != "correct":
            return {}
    except ObservationError:
        return {}
    run, claim = run_of_the_model(seen), seen.comparison.claim if seen.comparison else None
    if run is None:
        return {}
    if claim is None or not _is_sound(run, claim):
        return {CRITERION: False}
    return {CRITERION: _is_so(run, claim, observations[CRITERION], recorded, repeat)}


def _is_sound(run: Run, claim: Claim) -> bool:
    """Tell whether a claim is of the run, and of the lesson's network from one end to the other."""
    digests = {name: digest(values) for name, values in claim.initial.items()}
    shapes = [
        {name: values.shape for name, values in state.items()}
        for state in (claim.initial, claim.final)
    ]
    return digests == run.initial_weights and shapes[0] == shapes[1] and is_net(shapes[0])


def digest(values: np.ndarray) -> str:
    """Return what the probe calls a digest of an array."""
    content = repr(values.shape).encode() + values.astype("<f4").tobytes()
    return hashlib.sha256(content).hexdigest()


def _is_so(run: Run, claim: Claim, seen: Any, recorded: Recorded, repeat: Repeat) -> bool:
    losses, accuracy = decode_array(run.losses), float(run.validation_accuracy or 0)
    if recorded(claim.initial, losses.astype(np.float64), accuracy):
        return True
    if not _may_be_repeated(claim):
        return False
    content = json.dumps(seen["comparison"]["claim"]).encode()
    reported: Any = repeat(_CELL, {"claim.json": content})
    if not isinstance(reported, dict):
        return False
    again = decode_array(reported["losses"])
    same = np.array_equal(again, losses[: again.size].astype(again.dtype))
    learned = reported["accuracy_on_ours"] > accuracy_of_guessing(OUR_IMAGES)
    return same and bool(reported["accuracy"] == accuracy) and bool(learned)


def _may_be_repeated(claim: Claim) -> bool:
    """Tell whether a claim's images are an honest choice of Fashion-MNIST.

    No image comes twice, enough validate, and none of these was trained on in the same batches.
    """
    training, validation = claim.training, claim.validation
    for images in (training, validation):
        indices = images.indices
        if images.part not in _IMAGES or len({*indices}) < len(indices):
            return False
        if max(indices) >= _IMAGES[images.part]:
            return False
    apart = training.part != validation.part or not {*training.indices} & {*validation.indices}
    enough = len(validation.indices) >= FEWEST_IMAGES
    return apart and enough and len(training.batches) == REPEATED_BATCHES
