"""Gives a submission namespaces and folders of its own, and then takes every privilege away.

The processes of `server.py` call it.
Mounts, processes and System V's shared memory are each seen through a namespace (namespaces(7))
that is made for one submission and ends with its last process, so nothing is left to be cleaned.

To make one takes CAP_SYS_ADMIN within the sandbox's user namespace, which process 1 keeps, and to
hide the mounts CAP_SYS_CHROOT. Whatever runs student code, or reads what it wrote, has given both
up before.
"""

import ctypes
import os

FOLDERS = ("/work", "/tmp", "/dev/shm")
"""All that a submission can write to, in memory."""

# From linux/sched.h, sys/mount.h, linux/prctl.h and linux/capability.h.
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MS_BIND = 0x1000
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 4, 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522

# Lists of all keys of a user id, who may be the host's user.
_OF_THE_USER = ("/proc/keys", "/proc/key-users")
# An empty file takes memory as well, and no part of the size.
_BYTES_FOR_A_FILE = 16384
# Of terminals a machine has some thousand; `!command` takes one.
_TERMINALS = 64

_libc = ctypes.CDLL(None, use_errno=True)


def own_folders(size: int) -> None:
    """Give this process, and those it forks, empty folders, terminals and System V objects.

    Args:
        size: bytes that each of `FOLDERS` may hold.

    Raises:
        OSError: the kernel refuses.
    """
    _check(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWIPC), "unshare")
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    for folder in FOLDERS:
        options = f"size={size},nr_inodes={max(1024, size // _BYTES_FOR_A_FILE)},mode=0755"
        _mount("tmpfs", folder, "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    terminals = f"newinstance,ptmxmode=0666,mode=0620,max={_TERMINALS}"
    _mount("devpts", "/dev/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, terminals)
    # The folder of that name that this process was in lies below the new one.
    os.chdir(FOLDERS[0])


def fork_into_own_processes() -> bool:
    """Fork process 1 of a new namespace of processes; return True there, False in this process.

    There, /proc shows that namespace alone, read-only. The new process is a child of the sandbox's
    process 1, not of this one.

    Raises:
        OSError: the kernel refuses.
    """
    between = os.fork()
    if between != 0:
        _, status = os.waitpid(between, 0)
        if status != 0:
            raise OSError(f"No namespace of processes could be made: status {status}.")
        return False
    try:
        # The folders stay those of the caller; what is mounted from here on it does not see.
        _check(_libc.unshare(_CLONE_NEWPID | _CLONE_NEWNS), "unshare")
        if os.fork() != 0:
            os._exit(0)
        flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
        _mount("proc", "/proc", "proc", flags)
        for name in filter(os.path.exists, _OF_THE_USER):
            # Another file, which is as good as empty.
            _mount(f"{os.path.dirname(__file__)}/__init__.py", name, "", _MS_BIND)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
        os._exit(1)
    return True


def hide_mounts() -> int:
    """Leave this process the mounts that it has, and keep it from reading where they come from.

    /proc/PID/mountinfo names the folders outside that were mounted, and with them people. It shows
    the mounts of a process's namespace as far as they are below its root. So the process goes into
    a copy of its namespace, and keeps as its root the one in the namespace that it has left: of
    that, the file shows nothing.

    Returns:
        What keeps the namespace alive that was left: to be held by a process that student code
        cannot look into, and closed in all others.

    Raises:
        OSError: the kernel refuses.
    """
    root, folder = os.open("/", os.O_PATH), os.open(".", os.O_PATH)
    left = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    os.fchdir(root)
    os.chroot(".")
    os.fchdir(folder)
    os.close(root)
    os.close(folder)
    return left


def drop_privileges() -> None:
    """Give up every capability for good, also what a program that is started later could regain.

    Raises:
        OSError: the kernel refuses.
    """
    capability = 0
    # Fails with EINVAL at the first number that this kernel does not know.
    while _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def set_dumpable(value: bool) -> None:
    """Let other processes of this user look into this one, or not: trace it, or open its files."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, int(value), 0, 0, 0), "prctl")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    arguments = (text.encode() for text in (source, target, kind))
    code = _libc.mount(*arguments, ctypes.c_ulong(flags), data.encode() or None)
    _check(code, f"mount {kind} on {target}")


def _check(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
