"""The format of an observation: what the probe reports and the judge reads.

An observation is a JSON object. Arrays in it are JSON objects too, `{"dtype", "shape", "data"}`
with the bytes in base64, little-endian and in C order. Nothing in it is code: whoever reads an
observation from a kernel that ran student code reads numbers and text, never a pickle.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

MIME_TYPE = "application/vnd.weight-initialization.observation+json"
"""The only key of the display message that carries an observation."""

SEED_VARIABLE = "WEIGHT_INITIALIZATION_SEED"
"""Environment variable with the seed of a grading, a decimal integer that is not negative."""

VERSION = 2
"""Raised whenever the meaning of an observation changes."""


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

ENTRY_LIMIT = 500_000
"""Entries that one array may hold. The largest layer of the lesson's network has 200,704."""

_DTYPES: dict[str, np.dtype] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}
_DIMENSION_LIMIT = 8


class GraderTestsError(Exception):
    """Something is wrong with a hidden test or with what it observed; the message says what."""


class UnknownCriterion(GraderTestsError, ValueError):
    """No criterion has this grade id."""


class ObservationError(GraderTestsError, ValueError):
    """An observation is not as its format says."""


def encode_array(array: np.ndarray) -> dict[str, object]:
    """Return `array` as a JSON object.

    Args:
        array: float32 or float64, at most `ENTRY_LIMIT` entries.

    Raises:
        ObservationError: the array has another type or too many entries.
    """
    name = array.dtype.name
    if name not in _DTYPES:
        raise ObservationError(f"An array of {name} was given; only {list(_DTYPES)} can be sent.")
    if array.size > ENTRY_LIMIT:
        raise ObservationError(f"An array has {array.size} entries; {ENTRY_LIMIT} can be sent.")
    data = np.ascontiguousarray(array, dtype=_DTYPES[name]).tobytes()
    return {
        "dtype": name,
        "shape": list(array.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def decode_array(encoded: object) -> np.ndarray:
    """Return the array that `encode_array` wrote; whatever else is given is refused.

    Returns:
        A read-only array in the machine's own byte order.

    Raises:
        ObservationError: it is not such an object, it names another type, its size exceeds
            `ENTRY_LIMIT`, or its bytes do not fill its shape exactly.
    """
    if not isinstance(encoded, Mapping) or set(encoded) != {"dtype", "shape", "data"}:
        raise ObservationError("An array should be an object with dtype, shape and data.")
    name, shape, data = encoded["dtype"], encoded["shape"], encoded["data"]
    if not isinstance(name, str) or name not in _DTYPES:
        raise ObservationError(f"An array's dtype should be one of {list(_DTYPES)}.")
    if not isinstance(shape, list) or len(shape) > _DIMENSION_LIMIT:
        raise ObservationError(f"An array's shape should list up to {_DIMENSION_LIMIT} sizes.")
    # bool is a subclass of int; a size of True would be read as 1.
    if any(type(size) is not int or not 0 <= size <= ENTRY_LIMIT for size in shape):
        raise ObservationError(f"An array's sizes should be whole numbers up to {ENTRY_LIMIT}.")
    count = prod(shape)
    if count > ENTRY_LIMIT:
        raise ObservationError(f"An array claims {count} entries; {ENTRY_LIMIT} are allowed.")
    size = count * _DTYPES[name].itemsize
    # The length is compared before anything is decoded, so that a long text costs nothing.
    if not isinstance(data, str) or len(data) != 4 * ((size + 2) // 3):
        raise ObservationError(f"An array of shape {shape} should come as {size} bytes in base64.")
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ObservationError("An array's data is not base64.") from error
    if len(decoded) != size:
        raise ObservationError(f"An array of shape {shape} should come as {size} bytes.")
    array = np.frombuffer(decoded, dtype=_DTYPES[name]).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
