"""Measures a served course under load: from handing in to the page that can be fetched.

`python -m tests.benchmarks.serve_load` lets students hand in one after the other, each as a Unix
user of their own where root runs it, and writes the last part of docs/class_speed.md. The
submissions are written as `nbgrader submit` writes them, file by file; the command itself spends
two seconds of processor time on starting, which belongs to a student's machine and not to the one
that grades.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from tests.benchmarks.class_speed import MIXED, PAGE, SERVED, processor, versions
from tests.scratch_course import Notebook
from tests.served_course import ServedCourse, points_on, wait_for

_FIRST_USER = 70_000  # an id that no account has, nor the sandbox's user
_PATIENCE = 1800.0


@dataclass(frozen=True)
class Load:
    """What was measured.

    Attributes:
        waits: seconds from the end of handing in until the page lay in the exchange.
        seconds: between two submissions.
        users: whether each student was a Unix user of their own.
    """

    waits: Sequence[float]
    seconds: float
    users: bool


def measure(students: int, seconds: float, workers: int, data: str) -> Load:
    """Serve a course in which students hand in at a steady pace.

    Raises:
        RuntimeError: a page never came, or tells other points than its notebook is worth.
    """
    users = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="serve-load-") as temporary:
        Path(temporary).chmod(0o711)
        course = ServedCourse(Path(temporary), data)
        course.release_it()
        blank = course.released()
        notebooks = [_edited(blank, place) for place in range(len(MIXED))]
        server = course.serve("--workers", str(workers))
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("Serving"):
                    break
            entries: list[tuple[Path, float]] = []
            began = time.monotonic()
            for number in range(students):
                time.sleep(max(0.0, began + number * seconds - time.monotonic()))
                user = _FIRST_USER + number if users else 0
                notebook = notebooks[number % len(MIXED)]
                entry = course.hand_in(f"student{number:04}", notebook, user=user)
                entries.append((course.page(entry), time.time()))
            wait_for(lambda: all(page.is_file() for page, _ in entries), _PATIENCE)
        finally:
            server.terminate()
            said, _ = server.communicate(timeout=120)
        # The first five of ten are right.
        wrong = [n for n, (page, _) in enumerate(entries) if n % 10 < 5 and _points(page) != 20]
        if server.returncode or wrong:
            raise RuntimeError(f"exit code {server.returncode}, wrong: {wrong}\n{said[-3000:]}")
        return Load([page.stat().st_mtime - at for page, at in entries], seconds, users)


def _edited(blank: Notebook, place: int) -> Notebook:
    notebook: Notebook = json.loads(json.dumps(blank))
    MIXED[place](notebook)
    return notebook


def _points(page: Path) -> float:
    told = points_on(page)
    return float(told.split()[0]) if told else -1.0


def write(load: Load, workers: int, page: Path = PAGE) -> None:
    """Put what was measured into the page, in the place of what is there."""
    median, most, last = np.percentile(load.waits, [50, 95, 100])
    kept = page.read_text(encoding="utf-8").partition(SERVED)[0].rstrip("\n")
    who = "each a Unix user of their own" if load.users else "all by one Unix user"
    lines = [
        SERVED,
        "",
        "`python -m grading serve` and students who hand in one after the other; from the end of",
        "handing in until the page lies where it is fetched. Written by",
        "`python -m tests.benchmarks.serve_load`; nothing in it is entered by hand.",
        "",
        "| students | one every, s | workers | cores | median, s | 95 %, s | longest, s | date |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| {len(load.waits)} | {load.seconds:g} | {workers} | {os.cpu_count()} | {median:.1f} "
        f"| {most:.1f} | {last:.1f} | {date.today().isoformat()} |",
        "",
        f"A mixed class as above, {who}; {processor()}, {versions()}.",
        "",
    ]
    page.write_text(f"{kept}\n\n" + "\n".join(lines), encoding="utf-8")


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0, help="between two submissions")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    data = os.environ["FASHION_MNIST"]
    load = measure(options.students, options.seconds, options.workers, data)
    write(load, options.workers)
    print(*(f"{wait:.1f}" for wait in load.waits))


if __name__ == "__main__":
    main()
