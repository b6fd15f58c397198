"""A kernel that answers after every cell, whatever the cell has done to what the kernel needs.

Without standard output, ipykernel sends no reply and no traceback, and each later cell waits for
its limit. So before and after a cell what is broken is put back: streams that cannot be written to,
and a working folder that is gone. What a notebook merely directs elsewhere stays there.
"""

import os
import sys
from typing import Any

from ipykernel.ipkernel import IPythonKernel

_STREAMS = ("stdout", "stderr")


class SteadyKernel(IPythonKernel):
    """ipykernel's kernel, mended before and after each cell."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._streams = {name: getattr(sys, name) for name in _STREAMS}
        self._folder = os.getcwd()

    async def do_execute(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Run a cell."""
        self._mend()
        try:
            return await super().do_execute(*arguments, **options)
        finally:
            self._mend()

    def _mend(self) -> None:
        for name, stream in self._streams.items():
            if not _works(getattr(sys, name, None)):
                setattr(sys, name, stream)
        try:
            os.getcwd()
        except OSError:
            os.makedirs(self._folder, exist_ok=True)
            os.chdir(self._folder)


def _works(stream: Any) -> bool:
    try:
        stream.write("")
        stream.flush()
    except Exception:
        return False
    return True
