"""The sandbox's process 1: imports once what all need, and forks a kernel for each submission.

Its arguments are modules to import besides its own. Of the engine, the sandbox sees this folder.
For each submission this process reads one line of JSON from standard input,
`{"limits": {...}, "given": ...}`, and forks the driver. Where it names given cells, they run first
(`starting_point`), once and for every later submission: all of them begin where those end. They
are the release's, and so are the files beside them. The driver makes the submission's namespaces
(`namespaces`), forks a process that waits there to become the kernel, reads the submission, which
follows on standard input, runs it in that kernel and writes events. This process itself never reads
a submission, so no later fork can find anything of it in its memory. It watches the limits
(`usage`), ends everything when the driver has ended, and writes, besides the driver's events:

    {"event": "limit", "cell": null, "limit": name}    a limit of all processes together struck
    {"event": "over"}                                  nothing of it is left, and another may come

The processes, as they see each other:

    process 1 -+- driver             in the submission's mounts; writes events
               +- process 1 of a namespace of its own
                  +- kernel, and whatever it starts

The kernel sees neither process 1 nor the driver, and none of their numbers means anything to it:
to signal, trace or limit them it has no name for them. What it can write to is gone with it.
"""

import gc
import importlib
import json
import os
import random
import re
import resource
import signal
import socket
import sys
from typing import Any, NoReturn

from . import namespaces, system_calls
from .driver import run
from .starting_point import StartingPoint, reach
from .traces import Unfit
from .usage import kill_others, most_tasks, watch

# What takes long to import of the kernel itself; not matplotlib's inline backend, which on import
# ties itself to the running kernel.
_IMPORTS = (
    "ipykernel.kernelapp",
    "IPython.core.interactiveshell",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "tornado.queues",
    # For figures and tracebacks.
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "stack_data",
    "pygments.formatters",
)
# Room for those of this process, the driver and what waits for the kernel.
_OWN_TASKS = 16
_FILES = "/files"  # as `isolation.FILES`


def main() -> None:
    """Serve one submission after the other until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    namespaces.set_dumpable(False)
    events = os.dup(1)
    # The kernel inherits standard output; what it writes there must not look like an event.
    os.dup2(2, 1)
    # No parallel region of OpenMP may run in this process: its threads would be missing in the
    # forked ones, which then wait for them for ever.
    for name in (*sys.argv[1:], *_IMPORTS):
        importlib.import_module(name)
    _leave_out_debugger()
    # Collecting garbage would write to pages that all forks could share.
    gc.collect()
    gc.freeze()
    point = None
    while line := _read_line():
        order = json.loads(line)
        if point is None and order["given"] is not None:
            point = _begin(order["given"], order["limits"])
        _serve(order["limits"], events, point)


def _begin(given: dict[str, Any], limits: dict[str, float]) -> StartingPoint:
    """Run the given cells here, once it is known that they always come to the same.

    Raises:
        Unfit: they do not, or leave what a fork would not take along.
    """
    expected = _rehearsed(given, limits)
    point = reach(given, _FILES)
    if point.digest() != expected:
        raise Unfit("the cells come to something else each time")
    gc.freeze()
    return point


def _rehearsed(given: dict[str, Any], limits: dict[str, float]) -> str:
    """Return what the given cells come to in a process that ends with them."""
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(ours)
        _in_child(_rehearse, given, limits, theirs)
    os.close(theirs)
    struck = watch(process, limits)
    kill_others()
    with open(ours, encoding="utf-8") as answer:
        digest = answer.read()
    if struck or not digest:
        raise Unfit("the cells did not run to their end")
    return digest


def _rehearse(given: dict[str, Any], limits: dict[str, float], answer: int) -> None:
    namespaces.own_folders(int(limits["disk_bytes"]))
    namespaces.drop_privileges()
    system_calls.refuse()
    os.write(answer, reach(given, _FILES).digest().encode())


def _leave_out_debugger() -> None:
    """Let ipykernel find no debugger for JupyterLab, which every kernel would import anew."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # what makes an import fail
    importlib.import_module("ipykernel.debugger")
    del sys.modules["debugpy"]


def _serve(limits: dict[str, float], events: int, point: StartingPoint | None) -> None:
    driver = os.fork()
    if driver == 0:
        _in_child(_drive, limits, events, point)
    struck = watch(driver, limits)
    kill_others()
    # What the driver wrote last may have been cut short, so an empty line comes first.
    if struck is not None:
        _send(events, event="limit", cell=None, limit=struck)
    _send(events, event="over")


def _drive(limits: dict[str, float], events: int, point: StartingPoint | None) -> None:
    """Make the submission's namespaces, let a kernel wait in them, and run the submission."""
    namespaces.own_folders(int(limits["disk_bytes"]))
    ours, kernels = socket.socketpair()
    # What is received then carries the sender's number, as it is known on this side.
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    if namespaces.fork_into_own_processes():
        mounts = namespaces.hide_mounts()
        namespaces.drop_privileges()
        ours.close()
        os.close(events)
        _start_kernel(kernels, limits, mounts, point)
    namespaces.drop_privileges()
    system_calls.refuse()
    kernels.close()
    run(ours, limits, events, point.cells if point else [])


def _start_kernel(
    driver: socket.socket, limits: dict[str, float], mounts: int, point: StartingPoint | None
) -> NoReturn:
    """Fork what is to be the kernel, and be what process 1 has to be: the one who waits for all."""
    kernel = os.fork()
    if kernel == 0:
        os.close(mounts)
        _become_kernel(driver, limits, point)
    driver.close()
    while os.wait()[0] != kernel:
        pass
    # With this process all others of the namespace end.
    os._exit(0)


def _become_kernel(
    driver: socket.socket, limits: dict[str, float], point: StartingPoint | None
) -> NoReturn:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    driver.send(b"?")
    with driver, driver.makefile(encoding="utf-8") as file:
        text = file.read()
    if not text:
        os._exit(1)
    order = json.loads(text)
    # As a process of the same user otherwise is; packages read their own files in /proc.
    namespaces.set_dumpable(True)
    _limit_resources(limits)
    system_calls.refuse()
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["ipykernel_launcher.py", *order["arguments"]]
    gc.enable()
    from ipykernel.zmqshell import ZMQInteractiveShell

    from . import forked_output

    forked_output.use_local_sockets()
    # After a cell with quit() a notebook's reader would go on, and so do the cells after it.
    ZMQInteractiveShell.ask_exit = _stay  # type: ignore[method-assign]  # as meant
    _in_child(_launch, order["arguments"], point)


def _launch(arguments: list[str], point: StartingPoint | None) -> None:
    if point is not None:
        from .begun_kernel import launch

        # What was found in this folder before lay in another of the same name.
        importlib.invalidate_caches()
        launch(point, arguments)
        return
    from ipykernel.kernelapp import launch_new_instance

    # A notebook that leaves its folder, or empties it, still finds what was given with it.
    sys.path.append(_FILES)
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    launch_new_instance(arguments)


def _limit_resources(limits: dict[str, float]) -> None:
    """Set the kernel's own limits, for this process and all that it starts."""
    most = {
        resource.RLIMIT_FSIZE: int(limits["disk_bytes"]),
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
        # Counted for the user, who may be the host's: signals that wait, descriptors on their way
        # through a socket. Of descriptors as many as programs mostly have.
        resource.RLIMIT_SIGPENDING: 512,
        resource.RLIMIT_NOFILE: 1024,
    }
    if _counts_tasks_of_a_namespace():
        most[resource.RLIMIT_NPROC] = _OWN_TASKS + most_tasks(limits)
    for what, value in most.items():
        value = min(value, *(limit % 2**64 for limit in resource.getrlimit(what)))
        resource.setrlimit(what, (value, value))
    # Of a crash nothing is dumped, and at 1 the kernel does not start what takes dumps either, a
    # program of the machine's root (core(5)); at 0 it does.
    core = min(1, resource.getrlimit(resource.RLIMIT_CORE)[1] % 2**64)
    resource.setrlimit(resource.RLIMIT_CORE, (core, core))


def _counts_tasks_of_a_namespace() -> bool:
    """Say whether RLIMIT_NPROC counts within the user namespace: before Linux 5.14, everywhere."""
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2]) >= (5, 14)


def _stay(shell: Any) -> None:
    """Take the place of what ends a kernel."""


def _in_child(function: Any, *arguments: Any) -> NoReturn:
    """Call a function and end the process, whatever happens, without this file's way back."""
    code = 1
    try:
        function(*arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _send(events: int, **fields: Any) -> None:
    # Longer than PIPE_BUF it would not be written at once; it never is.
    os.write(events, b"\n" + json.dumps(fields).encode() + b"\n")


def _read_line() -> bytes:
    """Read one line byte by byte: what follows is for the driver."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


if __name__ == "__main__":
    main()
