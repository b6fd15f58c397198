"""Arrays as JSON objects: `{"dtype", "shape", "data"}`, bytes in base64, little-endian, C order.

Nothing in them is code: whoever reads what a kernel sent that ran student code reads numbers and
text, never a pickle.
"""

import base64
import binascii
from collections.abc import Mapping
from math import prod

import numpy as np

from .errors import ObservationError

ENTRY_LIMIT = 1_500_000
"""Entries that one array may hold, and all of an observation together."""

_DTYPES: dict[str, np.dtype] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}
_DIMENSION_LIMIT = 8


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
