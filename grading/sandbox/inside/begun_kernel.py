"""A kernel that goes on where a shell has begun (`starting_point`).

ipykernel's application starts as ever, in the forked process: sockets, threads, streams, history.
Only the shell is there already, and its streams keep their identity, since what the cells have made
may hold them.
"""

import os
from typing import Any

from ipykernel.kernelapp import IPKernelApp

from .limited_output import LimitedOutStream
from .starting_point import StartingPoint
from .steady_kernel import SteadyKernel

_point: StartingPoint


def launch(point: StartingPoint, arguments: list[str]) -> None:
    """Be the kernel that goes on from `point`."""
    global _point
    _point = point
    for name, value in point.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    for file in point.files:
        file.open_again()
    BegunKernelApp.launch_instance(arguments)


class BegunKernelApp(IPKernelApp):
    """ipykernel's application, which finds a shell."""

    def init_io(self) -> None:
        """Let the streams that the shell has send from now on."""
        self.outstream_class = f"{__name__}._continued"
        super().init_io()

    def init_kernel(self) -> None:
        """Make a kernel around the shell."""
        self.kernel_class = _BegunKernel
        super().init_kernel()

    def init_code(self) -> None:
        """Do nothing: it happened before the cells."""


def _continued(session: Any, thread: Any, name: str, **options: Any) -> LimitedOutStream:
    """Return the stream of that name, which sends from now on."""
    stream = _point.streams[name]
    left = stream._characters_left
    stream.__class__ = LimitedOutStream
    stream.__init__(session, thread, name, **options)  # type: ignore[misc]  # it is the same one
    stream._characters_left = left
    return stream


class _BegunKernel(SteadyKernel):
    """A kernel around a shell that was there before it."""

    _has_run = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        shell: Any = self.shell
        assert shell is _point.shell
        shell.config.merge(self.config)
        shell.parent = shell.kernel = self
        shell.profile_dir = self.profile_dir
        history: Any = shell.history_manager
        history.enabled, history.hist_file = True, history._get_hist_file_name()
        history.init_db()
        history.new_session()
        history.using_thread = True
        history._restart_thread_if_stopped()
        if len(history.db_input_cache) >= history.db_cache_size:
            history.save_flag.set()

    async def do_execute(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Run a cell."""
        if not self._has_run:
            # Not before: a kernel that starts draws random numbers as well.
            _point.restore_generators()
            self._has_run = True
        return await super().do_execute(*arguments, **options)
