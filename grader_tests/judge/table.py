"""The table of criteria: how each is judged and explained. `OBSERVED` has what the probe looks at.

What a person calls a criterion stands under its grade id among the words' titles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .criteria.bias import judge_bias
from .criteria.comparison import judge_comparison
from .criteria.default_exercise import judge_model
from .criteria.layers import judge_layers
from .criteria.weights import judge_deviation, judge_mean, judge_shape
from .mistakes.find import explain_bias, explain_default, explain_layers, from_weights
from .mistakes.in_weights import explain_deviation, explain_mean, explain_shape
from .verdict import Finding, Message


@dataclass(frozen=True)
class Criterion:
    """How one criterion is judged.

    Attributes:
        judge: takes the observation and the probability with which correct work may fail.
        explain: names the mistake behind a finding that is not correct, or None.
        chance: whether correct work can fail by chance.
        picture: whether there is a picture of the weights behind the verdict.
    """

    judge: Callable[[Any, float], Finding]
    explain: Callable[[Any, Finding], Message | None]
    chance: bool = True
    picture: bool = False


TABLE = {
    "test_normal_layers": Criterion(judge_layers, explain_layers),
    "test_normal_mean": Criterion(judge_mean, from_weights(explain_mean), picture=True),
    "test_normal_std": Criterion(judge_deviation, from_weights(explain_deviation), picture=True),
    "test_normal_shape": Criterion(judge_shape, from_weights(explain_shape), picture=True),
    "test_normal_bias": Criterion(judge_bias, explain_bias, chance=False),
    "test_default_model": Criterion(judge_model, explain_default),
    # Its bound lies far from everything that a trained network reaches.
    "test_default_comparison": Criterion(judge_comparison, explain_default, chance=False),
}
"""By grade id."""
