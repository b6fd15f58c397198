"""Brings what forked processes of a kernel print to the kernel, without the network.

ipykernel does it over a TCP socket of the loopback interface; `system_calls` leaves a submission
none.
"""

import os
from typing import Any

import zmq
from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream

# An abstract name (unix(7)): nobody can delete it, and it is gone with the socket.
_ADDRESS = "ipc://@forked-output"


class _LocalOutput(IOPubThread):
    """ipykernel's thread, with a Unix socket in place of the TCP socket."""

    def _setup_pipe_in(self) -> None:
        # What is received must begin with this.
        self._pipe_uuid = os.urandom(16)
        receiver = self.socket.context.socket(zmq.PULL)
        receiver.linger = 0
        receiver.bind(_ADDRESS)
        self._pipe_in = ZMQStream(receiver, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        # A context does not survive the fork.
        context: Any = zmq.Context()
        sender = context.socket(zmq.PUSH)
        sender.linger = 3000
        sender.connect(_ADDRESS)
        return context, sender


def use_local_sockets() -> None:
    """Let kernels of this process use it."""
    kernelapp.IOPubThread = _LocalOutput  # type: ignore[attr-defined]  # what the kernel looks up
