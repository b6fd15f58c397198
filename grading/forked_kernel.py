"""A Jupyter kernel provisioner whose kernel was forked beforehand and waits for its orders.

Of the course, the sandbox sees this file, `sandbox_server.py` and `sandbox_driver.py`; they import
nothing else of ours. The provisioner is all that a kernel manager needs to know: it starts,
interrupts and ends a kernel as ever.
"""

import json
import os
import select
import signal
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
        waiting: that process's number, and the descriptor of a pipe on which it waits.
    """

    waiting: tuple[int, int] | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Tell the process to become the kernel that `cmd` describes."""
        assert ForkedKernel.waiting is not None, "A forked process is a kernel once."
        process, pipe = ForkedKernel.waiting
        ForkedKernel.waiting = None
        # What stands before -f starts an interpreter.
        arguments = cmd[cmd.index("-f") :]
        order = {"arguments": arguments, "environment": kwargs["env"], "folder": kwargs["cwd"]}
        with os.fdopen(pipe, "w", encoding="utf-8") as file:
            json.dump(order, file)
        self.process = ForkedProcess(process)  # type: ignore[assignment]  # as far as it is used
        self.pid = self.pgid = process
        return self.connection_info


def register() -> str:
    """Make the provisioner known to Jupyter in this process, and the one for every kernel."""
    factory = KernelProvisionerFactory.instance()
    value = f"{__name__}:{ForkedKernel.__name__}"
    factory.provisioners[_NAME] = EntryPoint(_NAME, value, KernelProvisionerFactory.GROUP_NAME)
    factory.default_provisioner_name = _NAME
    return _NAME
