"""Reads single fields of a JSON object that is not trusted.

Everything here raises `ObservationError` where a field is missing or of another kind.
"""

from collections.abc import Mapping, Sequence

from ..observation import ObservationError

_SIZE = 100_000
_TEXT = 400


def mapping(record: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the object called `key`."""
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise ObservationError(f"{key} should be an object.")
    return value


def items(
    record: Mapping[str, object], key: str, limit: int, *, optional: bool = False
) -> Sequence[object]:
    """Return the list called `key`, of at most `limit` entries."""
    value = record.get(key)
    if value is None and optional:
        return []
    if not isinstance(value, list) or len(value) > limit:
        raise ObservationError(f"{key} should be a list of at most {limit} entries.")
    return value


def text(record: Mapping[str, object], key: str) -> str:
    """Return the text called `key`, of at most 400 characters."""
    value = record.get(key)
    if not isinstance(value, str) or len(value) > _TEXT:
        raise ObservationError(f"{key} should be a text of at most {_TEXT} characters.")
    return value


def texts(record: Mapping[str, object], key: str, *, optional: bool = False) -> tuple[str, ...]:
    """Return the list of texts called `key`."""
    values = items(record, key, 400, optional=optional)
    if any(not isinstance(value, str) or len(value) > _TEXT for value in values):
        raise ObservationError(f"{key} should hold texts of at most {_TEXT} characters.")
    return tuple(str(value) for value in values)


def flag(record: Mapping[str, object], key: str) -> bool:
    """Return the truth value called `key`."""
    value = record.get(key)
    if not isinstance(value, bool):
        raise ObservationError(f"{key} should be true or false.")
    return value


def size(record: Mapping[str, object], key: str) -> int:
    """Return the size called `key`, from 1 to 100,000."""
    value = record.get(key)
    if type(value) is not int or not 1 <= value <= _SIZE:
        raise ObservationError(f"{key} should be a whole number from 1 to {_SIZE}.")
    return value


def shape(value: object) -> tuple[int, ...]:
    """Return a list of sizes as a tuple."""
    if not isinstance(value, list) or len(value) > 64:
        raise ObservationError("A shape should be a list of sizes.")
    if any(type(entry) is not int or entry < 0 for entry in value):
        raise ObservationError("A shape should hold whole numbers that are not negative.")
    return tuple(value)


def pair(value: object) -> tuple[str, ...]:
    """Return two texts, before and now; none where they could not be seen."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) != 2:
        raise ObservationError("A type or device should be given before and after.")
    return tuple(text({"entry": entry}, "entry") for entry in value)


def correlation(value: object) -> float:
    """Return a number from -1 to 1; 0 stands for what could not be computed."""
    # Rounding may carry it a little beyond 1.
    if value is None:
        return 0.0
    if not isinstance(value, float) or not abs(value) < 1.001:
        raise ObservationError("A correlation should lie between -1 and 1.")
    return value


def up_to(count: int, value: object) -> int | None:
    """Return a number of entries among `count`; None stands for what could not be seen."""
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= count:
        raise ObservationError("A number of entries should not exceed the entries there are.")
    return value
