"""Tests that attack the sandbox's walls: uncounted memory, threads, what belongs to a user id."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from grading.recording.record import grader
from tests.grading.sandbox.test_sandbox import MEBIBYTE, SANDBOX, SMALL, _sandbox, files, run, text
from tests.scratch_course import COURSE_ROOT

__all__ = ["_sandbox", "files"]

pytestmark = pytest.mark.slow

LARGE = replace(SMALL, cell_seconds=60, disk_bytes=1024 * MEBIBYTE)

UNCOUNTED = {
    "files without a name": """
        import os
        kept = []
        for number in range(24):
            folder = ("/work", "/tmp", "/dev/shm")[number % 3]
            kept.append(os.open(f"{folder}/x", os.O_RDWR | os.O_CREAT))
            os.unlink(f"{folder}/x")
            os.write(kept[-1], bytes(2**26))
        """,
    "files reserved": """
        import os
        for number in range(3):
            folder = ("/work", "/tmp", "/dev/shm")[number % 3]
            os.posix_fallocate(os.open(f"{folder}/x", os.O_RDWR | os.O_CREAT), 0, 2**29)
        """,
    "files mapped and let go": """
        import mmap, os
        kept = []
        for number in range(24):
            folder = ("/work", "/tmp", "/dev/shm")[number % 3]
            descriptor = os.open(f"{folder}/x", os.O_RDWR | os.O_CREAT)
            os.ftruncate(descriptor, 2**26)
            os.unlink(f"{folder}/x")
            kept.append(mmap.mmap(descriptor, 2**26))
            os.close(descriptor)
            kept[-1].write(bytes(2**26))
            kept[-1].madvise(mmap.MADV_DONTNEED)
        """,
    "full sockets": """
        import os, socket
        for child in range(15):
            if os.fork() == 0:
                break
        kept = []
        for pair in range(200):
            kept += socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            for one in kept[-2:]:
                one.setblocking(False)
                try:
                    while True:
                        one.send(bytes(100_000))
                except OSError:
                    pass
        """,
    "sockets in sockets": """
        import array, os, socket
        first = socket.socketpair()
        for child in range(15):
            if os.fork() == 0:
                break
        for depth in range(200):
            inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            for one in inner:
                one.setblocking(False)
                try:
                    while True:
                        one.send(bytes(100_000))
                except OSError:
                    pass
            inner[0].close() if depth % 2 else None
            first = first + inner
        """,
    "page tables": """
        import ctypes, mmap
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        size, flags = 2**42, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
        start = libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, flags, -1, 0)
        for place in range(start, start + size, 2**21):
            ctypes.c_char.from_address(place).value
        """,
    "a process whose first thread has ended": """
        import ctypes, os, threading, time
        if os.fork() == 0:
            def take():
                time.sleep(0.3)
                kept = [bytearray(b"x" * 2**26) for number in range(24)]
                time.sleep(60)
            threading.Thread(target=take).start()
            ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)
        """,
    "locks on parts of files": """
        import fcntl, os
        for number in range(30):
            descriptor = os.open(f"/tmp/{number}", os.O_RDWR | os.O_CREAT)
            for place in range(0, 2000, 2):
                fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, place)
        """,
    "a process that is not to be looked into": """
        import ctypes, os
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
        kept = [bytearray(b"x" * 2**26) for number in range(24)]
        """,
}


@pytest.mark.parametrize("kind", UNCOUNTED)
def test_memory_that_is_in_no_process(files: Path, kind: str) -> None:
    wait = "\nimport time; time.sleep(20)"
    execution = run(files, "'first'", dedent(UNCOUNTED[kind]) + wait, "'third'", limits=LARGE)
    assert (execution.limit, execution.limit_cell) == ("memory", 1), text(execution, 1)
    assert text(execution, 0) == "'first'"
    assert run(files, "1 + 1").complete


def test_memory_that_would_be_in_no_process_is_refused(files: Path) -> None:
    attempts = """
        import ctypes, mmap, os, struct
        def attempt(what):
            try:
                return what()
            except OSError as error:
                return type(error).__name__, error.errno
        zero = os.open("/dev/zero", os.O_RDWR)
        print(attempt(lambda: mmap.mmap(-1, 2**20)))
        print(attempt(lambda: mmap.mmap(zero, 2**20)), os.read(zero, 3))
        print(attempt(lambda: os.memfd_create("x")))
        entries = [(1, 7, 2**32 - 1), *[(2, 7, 1000)] * 8000]
        entries += [(kind, 7, 2**32 - 1) for kind in (4, 16, 32)]
        rights = b"".join(struct.pack("<HHI", *entry) for entry in entries)
        rights = struct.pack("<I", 2) + rights
        print(attempt(lambda: os.setxattr(".", "system.posix_acl_access", rights)))
        print(ctypes.CDLL(None).syscall(444, struct.pack("QQ", 0, 1), 16, 0))
        """
    execution = run(files, attempts)
    assert text(execution, 0).splitlines() == [
        "('PermissionError', 1)",
        r"('OSError', 19) b'\x00\x00\x00'",
        "('PermissionError', 1)",
        "('PermissionError', 1)",
        "-1",
    ]


def test_what_processes_share_counts_once(files: Path) -> None:
    """Ten processes with 300 MiB in common, and as much in a file that all have mapped."""
    share = """
        import mmap, os, time
        own = bytearray(b"x" * 300 * 2**20)
        descriptor = os.open("/dev/shm/x", os.O_RDWR | os.O_CREAT)
        os.ftruncate(descriptor, 300 * 2**20)
        shared = mmap.mmap(descriptor, 300 * 2**20)
        shared.write(bytes(300 * 2**20))
        children = []
        for number in range(10):
            if (child := os.fork()) == 0:
                sum(own[::4096]), sum(shared[::4096])
                time.sleep(2)
                os._exit(0)
            children.append(child)
        [os.waitpid(child, 0) for child in children]
        "done"
        """
    execution = run(files, share, limits=LARGE)
    assert (execution.limit, text(execution, 0)) == (None, "'done'")


def test_what_works_in_the_memory_of_another_counts_nothing(files: Path) -> None:
    """So does each process that starts a program, for a moment (vfork); here it takes 2 s."""
    share = """
        import ctypes, os, signal
        own = bytearray(600 * 2**20)
        own[::4096] = b"x" * len(own[::4096])
        libc = ctypes.CDLL(None)
        stack = ctypes.create_string_buffer(2**20)
        top = ctypes.c_void_p(ctypes.addressof(stack) + 2**20 - 64)
        child = libc.clone(libc.sleep, top, 0x100 | signal.SIGCHLD, ctypes.c_void_p(2))
        os.waitpid(child, 0)[0] == child
        """
    execution = run(files, share, limits=LARGE)
    assert (execution.limit, text(execution, 0)) == (None, "True")


def test_empty_files_are_bounded(files: Path) -> None:
    make = "for number in range(10_000): open(str(number), 'w').close()"
    execution = run(files, make, "open('/tmp/after', 'w').write('works')")
    assert "No space left" in text(execution, 0)
    assert text(execution, 1) == "5"


@pytest.mark.parametrize("forks", [0, 3])
def test_number_of_threads(files: Path, forks: int) -> None:
    start = f"""
        import os, threading, time
        for child in range({forks}):
            if os.fork() == 0:
                break
        started = 0
        try:
            for number in range(3000):
                threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
                started += 1
        except RuntimeError:
            pass
        time.sleep(0.5)
        started
        """
    execution = run(files, start)
    assert execution.limit == "processes" or int(text(execution, 0)) < 4 * SMALL.processes


def test_what_a_user_has_is_left_to_others(files: Path) -> None:
    """Instances of inotify, keys, signals that wait, descriptors: all counted for a user id."""
    take = """
        import ctypes, errno, os, resource, signal
        libc = ctypes.CDLL(None, use_errno=True)
        print(libc.inotify_init(), libc.inotify_init1(0))
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
            sent = [libc.sigqueue(os.getpid(), signal.SIGRTMIN, 0) for number in range(5000)]
            os._exit(100 < sent.count(0) <= 512)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        kept = []
        try:
            while True:
                kept.append(os.dup(0))
        except OSError as error:
            print(error.errno == errno.EMFILE, len(kept) < 1024)
        for descriptor in kept:
            os.close(descriptor)
        print(resource.getrlimit(resource.RLIMIT_NICE), resource.getrlimit(resource.RLIMIT_RTPRIO))
        """
    lines = text(run(files, take), 0).splitlines()
    assert lines == ["-1 -1", "1", "True True", "(0, 0) (0, 0)"]


def test_what_a_machine_has_is_left_to_others(files: Path) -> None:
    """Terminals, memory for translated filters, and the program that takes what crashes leave."""
    take = """
        import ctypes, errno, os, resource, socket, subprocess
        kept = []
        try:
            while True:
                kept.append(os.openpty())
        except OSError as error:
            print(error.errno == errno.ENOSPC, len(kept) <= 64)
        for descriptors in kept:
            os.close(descriptors[0]), os.close(descriptors[1])
        program = ctypes.create_string_buffer(b"\\6" + bytes(7))
        pointer = ctypes.addressof(program).to_bytes(8, "little")
        for option in (26, 51):
            try:
                one = socket.socket(socket.AF_UNIX)
                one.setsockopt(socket.SOL_SOCKET, option, b"\\1" + bytes(7) + pointer)
            except OSError as error:
                print(error.errno == errno.EPERM)
        print(resource.getrlimit(resource.RLIMIT_CORE))
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        except (OSError, ValueError) as error:
            print("refused")
        print(subprocess.run("ulimit -c 0", shell=True, capture_output=True).returncode != 0)
        """
    execution = run(files, take, "!tty")
    lines = text(execution, 0).splitlines()
    assert lines == ["True True", "True", "True", "(1, 1)", "refused", "True"]
    assert "/dev/pts/" in text(execution, 1)


def test_what_programs_look_up_can_be_read(files: Path) -> None:
    """Whoever grades: libraries, fonts, and the name of the user."""
    look = """
        import getpass, os
        print([os.access(path, os.R_OK) for path in ("/etc", "/etc/ld.so.cache")])
        print(os.path.isdir("/etc/fonts"), getpass.getuser())
        """
    lines = text(run(files, look), 0).splitlines()
    assert lines == ["[True, True]", f"{os.path.isdir('/etc/fonts')} student"]


def test_keys_are_not_handed_on(files: Path) -> None:
    add = """
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        numbers = {"x86_64": 248, "aarch64": 217}
        number = numbers[__import__("os").uname().machine]
        print([libc.syscall(number, b"user", b"k%d" % n, b"v", 1, -4) for n in range(3)])
        """
    added = run(files, SANDBOX, add)
    shown = run(files, SANDBOX, "print(open('/proc/keys').read())")
    assert text(added, 0) == text(shown, 0)
    assert text(added, 1) == "[-1, -1, -1]"
    # No list of the user's other keys either.
    assert re.findall(r"^[0-9a-f]{8} ", text(shown, 1), re.MULTILINE) == []


def test_nothing_names_the_course_or_a_person(files: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "probe.py").write_text("def fail(): 1 / 0")
    (tmp_path / "data").mkdir()
    read = """
        import glob, os, sys, sysconfig
        names = "mountinfo mounts mountstats environ cmdline cgroup maps".split()
        paths = [path for name in names for path in glob.glob(f"/proc/[0-9]*/{name}")]
        paths += [path for name in names[:3] for path in glob.glob(f"/proc/[0-9]*/task/*/{name}")]
        for path in paths:
            try:
                print(path, open(path).read())
            except OSError as error:
                print(error)
        print(sys.path, sys.prefix, sys.base_prefix, sys.argv, sys.executable)
        print(sysconfig.get_paths(), dict(os.environ), os.uname())
        for path in glob.glob("/packages/*/__editable__*"):
            print(open(path).read())
        for link in glob.glob("/proc/*/*") + glob.glob("/proc/*/fd/*"):
            try:
                print(os.readlink(link))
            except OSError:
                pass
        """
    trace = "import traceback, hidden.probe\nhidden.probe.fail()"
    modules, data = (tmp_path / "hidden" / "probe.py",), tmp_path / "data"
    mounts = "print(open('/proc/self/mountinfo').read())"
    roomy = replace(SMALL, cell_seconds=60, output_bytes=20 * MEBIBYTE)
    execution = run(files, read, trace, mounts, limits=roomy, modules=modules, data=data)
    assert execution.complete
    shown = str(execution.notebook)
    assert "ZeroDivisionError" in shown
    assert "/proc/1/mountinfo" in shown
    folders = {COURSE_ROOT, tmp_path, Path.home(), Path(sys.base_prefix), Path(sys.prefix)}
    for word in (*map(str, folders - {Path("/usr")}), f"/{grader()}/", "pytest"):
        assert word not in shown, word
    assert text(execution, 2) == ""
