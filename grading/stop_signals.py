"""Stops a long command on a signal, between two submissions rather than while one is recorded."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class StopSignals:
    """Turns Ctrl-C, a service manager's SIGTERM and a closed terminal into KeyboardInterrupt."""

    _held = False
    _waits = False

    def install(self) -> None:
        """Take these signals from now on, in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the first signal wait until the block is done; the second does not."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._waits:
            raise KeyboardInterrupt

    def _take(self, *_: object) -> None:
        if self._held and not self._waits:
            self._waits = True
        else:
            raise KeyboardInterrupt
