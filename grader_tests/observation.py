"""The format of an observation: what the probe reports and the judge reads.

An observation is a JSON object; `grader_kit.observing.arrays` has the form of arrays in it.
"""

from dataclasses import dataclass
from typing import Literal

from grader_kit.observing.arrays import ENTRY_LIMIT, decode_array, encode_array
from grader_kit.observing.errors import HiddenTestError, ObservationError, UnknownCriterion

__all__ = [
    "CRITERIA",
    "ENTRY_LIMIT",
    "FUNCTION_CRITERIA",
    "MIME_TYPE",
    "OBSERVED",
    "OUR_IMAGES",
    "PROBE_MODULES",
    "REPEATED_BATCHES",
    "SEED_VARIABLE",
    "VERSION",
    "GraderTestsError",
    "ObservationError",
    "Observed",
    "UnknownCriterion",
    "decode_array",
    "encode_array",
]

GraderTestsError = HiddenTestError

MIME_TYPE = "application/vnd.weight-initialization.observation+json"
"""The only key of the display message that carries an observation."""

SEED_VARIABLE = "WEIGHT_INITIALIZATION_SEED"
"""Environment variable with the seed of a grading, a decimal integer that is not negative."""

VERSION = 3
"""Raised whenever the meaning of an observation changes."""


REPEATED_BATCHES = 20
"""The first batches of a claimed run of training, which are trained on again (`judge.claims`)."""

OUR_IMAGES = 1000
"""The first images of the data set, which the final weights have to classify better than a guess:
among the images that a claim validates with, an untrained network could be right by choice."""


@dataclass(frozen=True)
class Observed:
    """What the probe looks at for one criterion.

    Attributes:
        subject: the student's function, their model, or their comparison beside its model.
        networks: the large network alone, or the small ones too, which are trained for a step.
        values: of which parameter of linear layers the values are sent.
        twice: whether the function is applied to a copy of each network too.
    """

    subject: Literal["function", "model", "comparison"]
    networks: Literal["large", "all"] = "large"
    values: Literal["weight", "bias"] = "weight"
    twice: bool = False


OBSERVED = {
    "test_normal_layers": Observed("function", networks="all", twice=True),
    "test_normal_mean": Observed("function"),
    "test_normal_std": Observed("function"),
    "test_normal_shape": Observed("function", twice=True),
    "test_normal_bias": Observed("function", values="bias"),
    "test_default_model": Observed("model"),
    "test_default_comparison": Observed("comparison"),
}
"""By grade id, in the notebook's order; `judge.table` says how each is judged."""

CRITERIA = tuple(OBSERVED)
"""The grade ids of the hidden tests."""

FUNCTION_CRITERIA = tuple(name for name, look in OBSERVED.items() if look.subject == "function")
"""Those of them that look at the student's function."""

PROBE_MODULES = ("__init__.py", "observation.py", "blueprint.py", "probe")
"""What of this package runs beside the student's code. All others judge, and are kept
from where student code runs."""
