"""What probe and judge both know: the criteria, and the calls that a seed stands for."""

import numpy as np

from grader_kit.observing.format import Format
from grader_kit.observing.plan import PlannedCall

EVALUATION, GRADIENT = "test_dropout_evaluation", "test_dropout_gradient"
RATE, SCALE = "test_dropout_rate", "test_dropout_scale"
INDEPENDENCE = "test_dropout_independence"
FORMAT = Format("dropout_tests", (EVALUATION, RATE, SCALE, INDEPENDENCE, GRADIENT))


def plan(rng: np.random.Generator, criterion: str) -> list[PlannedCall]:
    """Draw three p, none near 1/2, and for each a batch without zeros, which is passed twice."""
    calls = []
    for low, high in ((0.1, 0.3), (0.35, 0.42), (0.65, 0.8)):
        shape = 2 * rng.integers(50, 60), 2 * rng.integers(60, 80)
        x = (rng.choice([-1, 1], shape) * rng.uniform(0.5, 2, shape)).astype(np.float32)
        given = {"p": round(rng.uniform(low, high), 2), "training": criterion != EVALUATION}
        calls += 2 * [PlannedCall(x, given)]
    return calls
