"""Bounds what a sandbox's kernel keeps of printed text before it is sent.

ipykernel collects what is printed and sends it five times a second. A loop that prints fills the
memory within one such fifth, and then it looks as if the memory had run out. So a stream takes
no more than what makes the limit strike, once the driver reads it, and drops the rest. The driver
counts test cells by themselves, so that is twice the limit. Student code can undo this; all it
gains is that another limit strikes.
"""

import os
from typing import Any

from ipykernel.iostream import OutStream

VARIABLE = "KERNEL_OUTPUT_BYTES"
"""Environment variable with the limit, in bytes."""


class LimitedOutStream(OutStream):
    """ipykernel's stream, for at most one byte more than both counts allow."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._characters_left = 2 * int(os.environ[VARIABLE]) + 1
        super().__init__(*arguments, **options)

    def write(self, string: str) -> int | None:  # type: ignore[override]  # as in OutStream
        """Take a text as far as the limit allows, and say that all was taken."""
        if not isinstance(string, str) or len(string) <= self._characters_left:
            written = super().write(string)
            self._characters_left -= len(string)
            return written
        super().write(string[: self._characters_left])
        self._characters_left = 0
        return len(string)

    def close(self) -> None:
        """Stay open: the cells after one that closes it print as ever."""
        self.flush()
