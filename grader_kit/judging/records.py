"""What every observation is read into. It comes from a kernel of a student's: nothing is trusted.

msgspec checks types and lengths; what has to fit together is checked where a record is made.
"""

from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct

from ..observing.arrays import ENTRY_LIMIT, decode_array
from ..observing.errors import ObservationError

Text = Annotated[str, Meta(max_length=400)]


class Head(Struct, frozen=True):
    """What every observation begins with; the seed is what it was made under."""

    version: int
    criterion: str
    seed: Annotated[str, Meta(pattern=r"^\d+\Z", max_length=100)]


class Problem(Struct, frozen=True):
    """What student code raised: type, message, the student's own line and function.

    `module` is the class of the module that the function was called with, where that is known.
    """

    type: Text
    message: Text
    line: Text
    function: Text
    module: Text = ""

    @property
    def said(self) -> str:
        """The type and the message on one line, without a full stop."""
        message = " ".join(self.message.split()).rstrip(".")
        return f"{self.type}: {message}" if message else self.type


_Record = TypeVar("_Record", bound=Head)


def read(criterion: str, observation: object, kind: type[_Record], version: int) -> _Record:
    """Read an observation as a kind of record.

    Raises:
        ObservationError: it is not of this form, version and criterion, or too large.
    """
    left = ENTRY_LIMIT

    def array(_: type, encoded: Any) -> np.ndarray:
        nonlocal left
        decoded = decode_array(encoded)
        left -= decoded.size
        if left < 0:
            raise ObservationError("The arrays of the observation are too large together.")
        return decoded

    try:
        record = msgspec.convert(observation, kind, dec_hook=array)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ObservationError):
            raise error.__cause__ from None
        # It may quote what it was given.
        raise ObservationError(f"{str(error)[:300]}.") from error
    if record.version != version or record.criterion != criterion:
        raise ObservationError(f"It should be of version {version} and for {criterion}.")
    return record
