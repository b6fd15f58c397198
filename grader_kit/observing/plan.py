"""A call that a probe makes: planned from a seed, so that the judge knows its arguments too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PlannedCall:
    """A call of a student's function with a tensor first.

    Attributes:
        x: the tensor's values, float32.
        given: what follows it, in order, named as the exercise names it; it is passed by place.
    """

    x: np.ndarray
    given: Mapping[str, Any] = field(default_factory=dict)


Plan = Callable[[np.random.Generator, str], Sequence[PlannedCall]]
"""Returns a criterion's calls, drawn from its generator."""
