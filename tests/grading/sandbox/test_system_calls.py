"""Tests of the filter of system calls: the program itself, and what it refuses inside."""

import ctypes
import errno
import mmap
import platform
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from grading.sandbox.inside import system_calls
from tests.grading.sandbox.test_sandbox import SMALL, _sandbox, files, run, text

__all__ = ["_sandbox", "files"]

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOWED = 0


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter as the kernel does; return the error number, 0 where the call is allowed."""
    data = {0: number, 4: MACHINES[machine] if architecture is None else architecture}
    for place, argument in enumerate([*arguments, *[0] * (6 - len(arguments))]):
        data[16 + 8 * place], data[20 + 8 * place] = argument & 0xFFFFFFFF, argument >> 32
    program, at, value = system_calls.program(machine), 0, 0
    while True:
        code, if_so, if_not, number = program[at]
        at += 1
        match code:
            case 0x20:
                value = data[number]
            case 0x54:
                value &= number
            case 0x15 | 0x35 | 0x45:
                holds = {0x15: value == number, 0x35: value >= number, 0x45: value & number}[code]
                at += if_so if holds else if_not
            case 0x06:
                return 0 if number == 0x7FFF0000 else number - 0x00050000
            case _:
                raise AssertionError(f"no instruction: {code}")


def of_headers(machine: str) -> dict[str, int]:
    if not HEADERS[machine].exists():
        pytest.skip("needs the kernel's headers (linux-libc-dev)")
    lines = HEADERS[machine].read_text(encoding="utf-8")
    return {
        name: int(number)
        for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", lines)
    }


@pytest.mark.parametrize("machine", MACHINES)
class TestProgram:
    def test_numbers_are_the_kernels(self, machine: str) -> None:
        known, newest = of_headers(machine), max(of_headers("x86_64").values())
        refused = system_calls.refused(machine)
        assert len(refused) > 80
        assert {name: known.get(name) for name, n in refused.items() if n <= newest} == {
            name: number for name, number in refused.items() if number <= newest
        }

    def test_no_call_of_the_table_is_forgotten(self, machine: str) -> None:
        """What one machine refuses, the other does, where it has it."""
        known = of_headers(machine)
        other = next(name for name in MACHINES if name != machine)
        names = set(system_calls.refused(other)) & set(known)
        assert names <= set(system_calls.refused(machine))

    def test_refused_whatever_the_arguments(self, machine: str) -> None:
        for name, number in system_calls.refused(machine).items():
            for arguments in ((), (1, 1, 1, 1), (2**64 - 1,) * 6):
                assert verdict(machine, number, *arguments) == errno.EPERM, name

    def test_ordinary_calls_are_allowed(self, machine: str) -> None:
        known = of_headers(machine)
        names = "read write openat close futex execve exit_group epoll_ctl eventfd2 kill prctl"
        for name in [*names.split(), "getrandom", "madvise", "munmap", "pipe2", "pidfd_open"]:
            assert verdict(machine, known[name]) == ALLOWED, name

    def test_by_argument(self, machine: str) -> None:
        known = of_headers(machine)

        def error(name: str, *arguments: int) -> int:
            return verdict(machine, known[name], *arguments)

        thread, process = 0x3D0F00, 0x1200011
        assert [error("clone", flags) for flags in (thread, process)] == [ALLOWED] * 2
        for bit in (17, 25, 26, 27, 28, 29, 30):
            assert error("clone", process | 1 << bit) == errno.EPERM
        assert error("clone3") == errno.ENOSYS
        families = {family: error("socket", family) for family in range(50)}
        assert {family for family, code in families.items() if code == ALLOWED} == {socket.AF_UNIX}
        shared, anonymous = mmap.MAP_SHARED, mmap.MAP_ANONYMOUS
        assert error("mmap", 0, 4096, 3, mmap.MAP_PRIVATE | anonymous) == ALLOWED
        assert error("mmap", 0, 4096, 3, shared) == ALLOWED
        for flags in (shared | anonymous, 3 | anonymous, mmap.MAP_PRIVATE | anonymous | 0x40000):
            assert error("mmap", 0, 4096, 3, flags | 1 << 40) == errno.EPERM
        assert error("ioctl", 0, 0x5413) == ALLOWED
        assert error("ioctl", 0, 1 << 32 | 0x5412) == error("ioctl", 0, 0x541C) == errno.EPERM
        assert [error("fcntl", 3, code) for code in (0, 2, 6, 1024, 1026, 1030, 1031)] == [
            *[ALLOWED] * 3, errno.EPERM, errno.EPERM, ALLOWED, errno.EPERM,
        ]  # fmt: skip
        assert [error("fcntl", 3, code) for code in (37, 38)] == [errno.EPERM] * 2
        options = [(1, 7), (1, 26), (1, 51), (1, 2), (6, 7)]
        expected = [*[errno.EPERM] * 3, ALLOWED, ALLOWED]
        assert [error("setsockopt", 3, *option) for option in options] == expected
        assert [error("setrlimit", what) for what in (3, 4)] == [ALLOWED, errno.EPERM]
        new = [error("prlimit64", 0, 4, limit) for limit in (0, 0x7F00_0000, 0x7F_0000_0000)]
        assert [error("prlimit64", 0, 7, 0x7F00), *new] == [ALLOWED, ALLOWED, *[errno.EPERM] * 2]

    def test_other_architectures_and_newer_calls_do_not_exist(self, machine: str) -> None:
        for architecture in (0x40000003, 0x40000028, *MACHINES.values()):
            if architecture != MACHINES[machine]:
                assert verdict(machine, 0, architecture=architecture) == errno.ENOSYS
        for number in (468, 1000, 0x40000000, 0x40000000 + 1, 2**32 - 1):
            assert verdict(machine, number) == errno.ENOSYS


def test_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="x86_64 and aarch64; this is riscv64"):
        system_calls.refuse()


@pytest.mark.slow
def test_inside_every_one_is_refused(files: Path) -> None:
    numbers = system_calls.refused(platform.machine())
    attempt = f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def attempt(number):
            ctypes.set_errno(0)
            return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6), ctypes.get_errno()
        def attempts():
            return [name for name, number in {numbers}.items() if attempt(number) != (-1, 1)]
        print(attempts(), attempt(468))
        """
    elsewhere = """
        import subprocess, sys, threading
        thread = threading.Thread(target=lambda: print(attempts()))
        thread.start(); thread.join()
        child = os.fork()
        if child == 0:
            os._exit(len(attempts()))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        code = "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, 0, 0, 0, 0))"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout)
        """
    execution = run(files, attempt, elsewhere)
    assert text(execution, 0) == f"[] (-1, {errno.ENOSYS})"
    assert text(execution, 1).splitlines() == ["[]", "0", r"b'-1\n'"]


@pytest.mark.slow
def test_what_forked_processes_print_comes_back(files: Path) -> None:
    """ipykernel's own way is over TCP."""
    code = """
        import os, time
        for number in range(3):
            if os.fork() == 0:
                print(f"child {number}", flush=True)
                os._exit(0)
        for number in range(3):
            os.wait()
        time.sleep(1)
        """
    shown = text(run(files, code), 0)
    assert [f"child {number}" in shown for number in range(3)] == [True] * 3


@pytest.mark.slow
def test_training_with_workers_works(files: Path) -> None:
    code = """
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        images, labels = torch.rand(2000, 784), torch.zeros(2000, dtype=torch.long)
        model = torch.nn.Linear(784, 10)
        optimizer = torch.optim.Adam(model.parameters())
        for some, right in DataLoader(TensorDataset(images, labels), 100, num_workers=2):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(some), right)
            loss.backward()
            optimizer.step()
        loss.item() < 2
        """
    execution = run(files, code, limits=replace(SMALL, cell_seconds=60))
    assert (text(execution, 0), execution.limit) == ("True", None)


def test_a_call_costs_nothing_that_matters() -> None:
    """The program is short enough: the kernel takes at most 4,096 instructions."""
    for machine in MACHINES:
        assert len(system_calls.program(machine)) < 400
    assert ctypes.sizeof(system_calls._Program) == 16
