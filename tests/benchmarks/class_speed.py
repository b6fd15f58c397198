"""Measures grading of whole classes: plain nbgrader beside the course, and cost by class size.

`python -m tests.benchmarks.class_speed` writes docs/class_speed.md. Plain nbgrader grades one after
the other with its own Execute; once the notebook in the original's form, whose comparisons train
with a plain DataLoader and are not kept, once this course's own. The course grades the same
solved notebook with `python -m grading autograde`, then mixed classes of several sizes.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Edit,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    solve,
)

PAGE = COURSE_ROOT / "docs" / "class_speed.md"
SERVED = "## As students hand in"
"""The heading of the page's last part, which `serve_load` writes."""
RECORD = COURSE_ROOT / "build" / "class_speed.json"
_GROUPS = Path("/sys/fs/cgroup/cpuacct")
_PLAIN_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "plain"
# nbgrader's 30 s are too few for a cell that trains two models one image at a time.
c.Execute.timeout = 600
c.ClearMarkScheme.enforce_metadata = False
"""
_PLAIN_RUNS = 3  # of which the median counts
# The lesson's additions to the original, which the original's form does without.
_ADDED = ("show_symmetry", "show_signals", "try_it", "compare_seeds", "show_deep_signals")
# The loop of the original: it converts one image at a time, and keeps nothing.
_ORIGINAL = """
import copy as _copy

import helpers


class _Result:
    def __init__(self, rows):
        self.rows = rows


def _compare(model_list, plot_title, train_loader, valid_loader, plot_n_batches=100):
    import matplotlib.pyplot as plt

    rows = []
    for model, label in model_list:
        model = _copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        losses = []
        model.train()
        for _ in range(2):
            for images, labels in train_loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        model.eval()
        right = count = 0
        with torch.no_grad():
            for images, labels in valid_loader:
                right += int((model(images).argmax(dim=1) == labels).sum())
                count += len(labels)
        plt.plot(losses[:plot_n_batches], label=label)
        rows.append((label, 100 * right / count, sum(losses[-100:]) / 100))
    plt.legend()
    plt.title(plot_title)
    plt.show()
    print(rows)
    return _Result(rows)


helpers.compare_init_weights = _compare
"""


@dataclass(frozen=True)
class Measured:
    """What a command took: seconds of wall and of processor time, and the peak memory in MiB.

    Attributes:
        wall: seconds from start to end.
        processor: seconds of the command and of everything that it started.
        own: seconds of processor time of the command's own process, which coordinates the others.
        memory: that process's peak, in MiB.
    """

    wall: float
    processor: float
    own: float
    memory: float


def measure(command: list[str], course: Path, environment: dict[str, str]) -> Measured:
    """Run a command with everything it starts in a control group of its own, where there are such.

    Raises:
        RuntimeError: it failed.
    """
    with _group() as group:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                cwd=course,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=(lambda: _enter(group)) if group else None,
            )
            own = memory = 0.0
            while process.poll() is None:
                own = max(own, _own(process.pid))
                memory = max(memory, _peak(process.pid))
                time.sleep(0.2)
            wall = time.perf_counter() - start
            output.seek(0)
            if process.returncode:
                raise RuntimeError(output.read().decode(errors="replace")[-3000:])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if group:
            processor = int((group / "cpuacct.usage").read_text()) / 1e9
    return Measured(wall, processor, own, memory)


@contextlib.contextmanager
def _group() -> Iterator[Path | None]:
    """Make a control group that counts processor time, of orphans too; None where one may not."""
    group = _GROUPS / f"class-speed-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        yield group
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a control group once its last process has gone."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.2)


def _enter(group: Path) -> None:
    (group / "tasks").write_text(str(os.getpid()))


def _peak(pid: int) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    return 0.0


def _own(pid: int) -> float:
    """The processor time of one process, without its children's (proc_pid_stat(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _right(notebook: Notebook) -> None:
    solve(notebook)


def _wrong(old: str, new: str) -> Edit:
    def edit(notebook: Notebook) -> None:
        solve(notebook)
        cell = cells_by_grade_id(notebook)["weights_init_normal"]
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new)

    return edit


def _blank(notebook: Notebook) -> None:
    del notebook


def _slow(notebook: Notebook) -> None:
    """Train a further comparison, of weights that nobody else draws."""
    solve(notebook)
    cells_by_grade_id(notebook)["default_comparison"]["source"] += (
        "\nhelpers.set_seed(99)\nhelpers.compare_init_weights("
        '[(Net().apply(weights_init_normal), "mine")], "mine", train_loader, valid_loader)'
    )


MIXED = (
    _right,
    _right,
    _right,
    _right,
    _right,
    _wrong("np.sqrt(n)", "n"),
    _wrong("normal_", "uniform_"),
    _wrong("nn.init.zeros_(m.bias)", "pass"),
    _blank,
    _slow,
)
"""A class of ten; larger ones repeat it."""


def _hand_in(course: ScratchCourse, number: int, edits: Sequence[Edit]) -> None:
    for folder in ("submitted", "autograded"):
        shutil.rmtree(course.root / folder, ignore_errors=True)
    for name in ("gradebook.db", "grading_log.jsonl"):
        (course.root / name).unlink(missing_ok=True)
    course.nbgrader("generate_assignment", ASSIGNMENT, "--force")
    for place in range(number):
        notebook = course.released()
        edits[place % len(edits)](notebook)
        course.submit(f"student{place:04}", notebook)


def _environment(course: ScratchCourse) -> dict[str, str]:
    """What an instructor has: no number of threads set, which would slow or speed one side."""
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    return {name: value for name, value in environment.items() if not name.startswith("OMP_")}


def _autograde(course: ScratchCourse, workers: int) -> Measured:
    environment = _environment(course)
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", str(workers)]
    return measure(command, course.root, environment)


def plain(folder: Path, data: str, original: bool) -> Measured:
    """Grade one solved submission with nbgrader as it comes."""
    course = ScratchCourse(folder, data)
    (course.root / "nbgrader_config.py").write_text(_PLAIN_CONFIG)
    (course.root / "nbgrader_config.json").unlink()
    if original:
        path = course.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        notebook = json.loads(path.read_text())
        notebook["cells"] = [
            cell
            for cell in notebook["cells"]
            if cell["metadata"].get("nbgrader", {}).get("grade_id") not in _ADDED
        ]
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "load_data":
                cell["source"] = "".join(cell["source"]) + _ORIGINAL
        path.write_text(json.dumps(notebook))
    _hand_in(course, 1, (_right,))
    environment = _environment(course)
    command = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
    return measure(command, course.root, environment)


def main() -> None:
    """Measure what is asked for, keep it, and write the page from all that was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--right", type=int, default=100, help="right submissions, for the ratios")
    parser.add_argument("--plain", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    data = os.environ["FASHION_MNIST"]
    found: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.is_file() else {}

    def keep(name: str, number: int, measured: Measured) -> None:
        entry = {"submissions": number, **vars(measured), "date": date.today().isoformat()}
        found[name] = entry
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(found, indent=1))
        print(name, entry, flush=True)

    with tempfile.TemporaryDirectory(prefix="class-speed-") as temporary:
        folder = Path(temporary)
        if options.plain:
            for name, original in (("plain, original form", True), ("plain, this course", False)):
                runs = []
                for number in range(_PLAIN_RUNS):
                    (folder / f"{name} {number}").mkdir()
                    runs.append(plain(folder / f"{name} {number}", data, original))
                keep(name, 1, sorted(runs, key=lambda run: run.processor)[_PLAIN_RUNS // 2])
        (folder / "course").mkdir()
        course = ScratchCourse(folder / "course", data)
        # The instructor's own runs are recorded once for a course, not for a submission.
        _hand_in(course, 1, (_right,))
        keep("course, first submission", 1, _autograde(course, 1))
        for workers in (1, 2) if options.right else ():
            _hand_in(course, options.right, (_right,))
            keep(f"course, right, workers: {workers}", options.right, _autograde(course, workers))
        for size in options.sizes:
            _hand_in(course, size, MIXED)
            keep(f"course, {size} mixed, 2 workers", size, _autograde(course, 2))
    write_page(found)


def write_page(found: dict[str, Any]) -> None:
    """Write the page from what was measured."""
    lines = [
        "# How fast a class is graded",
        "",
        "Written by `python -m tests.benchmarks.class_speed`; nothing in it is entered by hand.",
        f"{os.cpu_count()} cores ({processor()}), {versions()}. Processor time is that of",
        "everything a command starts, sandboxes included.",
        "",
        "## Beside plain nbgrader",
        "",
    ]
    one = found.get("course, right, workers: 1")
    if one:
        each = one["processor"] / one["submissions"]
        for name, told in (
            ("plain, original form", "the original form of the notebook"),
            ("plain, this course", "this course's own notebook"),
        ):
            if name in found:
                ratio = found[name]["processor"] / each
                lines.append(
                    f"- {ratio:.0f} times less processor time for a right submission than plain "
                    f"nbgrader takes on {told}."
                )
        lines.append("")
    lines += [
        "| what | submissions | wall time, s | processor time for each, s "
        "| of it the coordinator's, s | a minute | memory, MiB | date |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, entry in found.items():
        number = entry["submissions"]
        lines.append(
            f"| {name} | {number} | {entry['wall']:.0f} | {entry['processor'] / number:.2f} | "
            f"{entry['own'] / number:.2f} | {60 * number / entry['wall']:.1f} | "
            f"{entry['memory']:.0f} | {entry['date']} |"
        )
    lines += [
        "",
        "The original form has the lesson's comparisons without what this course adds, trained",
        "with a plain `DataLoader`; of plain nbgrader the median of three runs is shown. The",
        "course's first submission waits for the instructor's own training runs, which are",
        "recorded once. A mixed class has, of ten, five right, three wrong, one blank, and one",
        "that trains a comparison of its own. The",
        "coordinator is the process that is started: it hands out submissions, and judges and",
        "records what comes back. The memory is its.",
        "",
    ]
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    _, heading, served = before.partition(SERVED)
    PAGE.write_text("\n".join(lines) + ("\n" + heading + served) * bool(heading), encoding="utf-8")


def processor() -> str:
    with contextlib.suppress(OSError, IndexError):
        named = Path("/proc/cpuinfo").read_text().split("model name")[1]
        return named.splitlines()[0].strip("\t :")
    return platform.processor() or platform.machine()


def versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("torch", "nbgrader", "distributed"))


if __name__ == "__main__":
    main()
