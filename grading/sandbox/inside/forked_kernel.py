"""A Jupyter kernel provisioner whose kernel was forked beforehand and waits for its orders.

The provisioner is all that a
kernel manager needs to know: it starts, interrupts and ends a kernel as ever.
"""

import json
import os
import select
import signal
import socket
import struct
import time
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

_NAME = "forked-kernel"


class ForkedProcess:
    """As much of `subprocess.Popen` as a provisioner uses, for a process that is not our child."""

    stdin = stdout = stderr = None

    def __init__(self, process: int) -> None:
        self.pid = process
        self._descriptor = os.pidfd_open(process)

    def poll(self) -> int | None:
        """Return None while the process lives, and 1 after: its parent alone learns the code."""
        ended, _, _ = select.select([self._descriptor], [], [], 0)
        return 1 if ended else None

    def wait(self) -> int:
        """Wait until the process has ended."""
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """End the process."""
        self.send_signal(signal.SIGKILL)

    terminate = kill


class ForkedKernel(LocalProvisioner):
    """Hands the launch to a process that has been forked from one with everything imported.

    Attributes:
        waiting: where that process waits; the socket is set to pass credentials.
    """

    waiting: socket.socket | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Tell the process to become the kernel that `cmd` describes."""
        assert ForkedKernel.waiting is not None, "A forked process is a kernel once."
        orders, ForkedKernel.waiting = ForkedKernel.waiting, None
        process = _sender(orders)
        # What stands before -f starts an interpreter.
        arguments = cmd[cmd.index("-f") :]
        order = {"arguments": arguments, "environment": kwargs["env"], "folder": kwargs["cwd"]}
        with orders:
            orders.sendall(json.dumps(order).encode())
        self.process = ForkedProcess(process)  # type: ignore[assignment]  # as far as it is used
        self.pid = self.pgid = process
        return self.connection_info


def _sender(connection: socket.socket) -> int:
    """Return the number that a process in another namespace has in this one.

    The system translates it on the way (unix(7), SCM_CREDENTIALS).
    """
    size = struct.calcsize("3i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(size))
    for _, kind, content in ancillary:
        if kind == socket.SCM_CREDENTIALS:
            process: int = struct.unpack("3i", content[:size])[0]
            return process
    raise ProcessLookupError("The process that is to be the kernel has ended.")


def register() -> str:
    """Make the provisioner known to Jupyter in this process, and the one for every kernel."""
    factory = KernelProvisionerFactory.instance()
    value = f"{__name__}:{ForkedKernel.__name__}"
    factory.provisioners[_NAME] = EntryPoint(_NAME, value, KernelProvisionerFactory.GROUP_NAME)
    factory.default_provisioner_name = _NAME
    return _NAME
