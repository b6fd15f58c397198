"""Grades every fault and attack with plain nbgrader and with the course, side by side.

`python -m tests.benchmarks.robustness` writes docs/robustness.md. The course grades all of them in
one batch. Plain nbgrader grades each in a course of its own, followed by a good submission, inside
a bubblewrap sandbox that stands for the instructor's machine: what a submission does to it, it
does to that.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SQLAlchemyError

from tests import faults
from tests.faults import CASES, Case
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, Notebook, ScratchCourse

PAGE = COURSE_ROOT / "docs" / "robustness.md"
RECORD = COURSE_ROOT / "build" / "robustness.json"
GOOD = "zz_good"  # sorted, and so graded, after every case
_RUNS = COURSE_ROOT / "build" / "recorded_runs"
_PLAIN_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "plain"
c.Execute.timeout = 15
c.ClearMarkScheme.enforce_metadata = False
"""
_SECONDS = 300
_MEMORY = 8 * 2**30
# Runs nbgrader, and tells its exit code and what still runs after it.
_INSIDE = """
import json, os, pathlib, subprocess, sys, time
code = subprocess.run([sys.executable, "-m", "nbgrader", "autograde", sys.argv[1]]).returncode
time.sleep(1)
mine = {"1", "2", str(os.getpid())}
left = sum(name.isdigit() and name not in mine for name in os.listdir("/proc"))
pathlib.Path(sys.argv[2]).write_text(json.dumps([code, left]))
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        points: for the function and for the second exercise; None where there is no grade.
        good: the points of the good submission graded with it; None where it has no grade.
        exit_code: the command's; None where it was killed or did not end in time.
        in_time: whether it ended in time.
        left: how many processes still ran after it.
    """

    points: tuple[float, float] | None
    good: float | None
    exit_code: int | None
    in_time: bool
    left: int


def points(course: Path, student: str) -> tuple[float, float] | None:
    """Return the automatic points for the function and for the rest; None without a grade."""
    path = course / "gradebook.db"
    if not path.is_file():
        return None
    try:
        with Gradebook(f"sqlite:///{path}") as gradebook:
            (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
            scores = {
                grade.name: grade.auto_score
                for grade in notebook.grades
                if grade.cell.cell_type == "code"
            }
    except (MissingEntry, SQLAlchemyError, ValueError):
        return None
    if all(score is None for score in scores.values()):
        return None
    function = sum(score or 0 for name, score in scores.items() if name.startswith("test_normal"))
    return function, sum(score or 0 for score in scores.values()) - function


def _plain(case: Case, template: Path, solved: Notebook) -> Outcome:
    """Grade one case with nbgrader as it comes."""
    with tempfile.TemporaryDirectory(prefix="plain-") as temporary:
        folder = Path(temporary)
        shutil.copytree(template, folder, dirs_exist_ok=True, symlinks=True)
        course = folder / "course"
        faults.hand_in(course, case, solved)
        faults.hand_in(course, Case(GOOD, lambda notebook: None, "full"), solved)
        told = folder / "told.json"
        environment = {
            **os.environ,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
            "JUPYTER_DATA_DIR": str(folder / "jupyter"),
            "RECALL_MODULE": "grading.sandbox.inside.recall",
            "RECALL_FOLDER": str(_RUNS),
            "OMP_NUM_THREADS": "1",
        }
        command = [
            # What root could write in /proc would be this machine's.
            *("bwrap", "--ro-bind", "/", "/", "--dev", "/dev"),
            *("--proc", "/proc", "--remount-ro", "/proc"),
            *("--bind", str(folder), str(folder), "--chdir", str(course)),
            *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent"),
            *("prlimit", f"--as={_MEMORY}", f"--fsize={4 * 2**30}"),
            *(sys.executable, "-c", _INSIDE, ASSIGNMENT, str(told)),
        ]
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        in_time = True
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            in_time = False
            process.kill()
            process.wait()
        code, left = json.loads(told.read_text()) if told.is_file() else (None, 0)
        good = points(course, GOOD)
        return Outcome(points(course, case.name), sum(good) if good else None, code, in_time, left)


def _template(folder: Path, data: str) -> Notebook:
    """Prepare a course of plain nbgrader's, and return the solved notebook."""
    course = ScratchCourse(folder, data)
    course.shorten()
    (course.root / "nbgrader_config.py").write_text(_PLAIN_CONFIG)
    (course.root / "nbgrader_config.json").unlink()
    (folder / "jupyter" / "nbgrader_config.py").unlink()
    return faults.released_and_solved(course)


def _course(folder: Path, data: str, cases: Sequence[Case]) -> dict[str, Outcome]:
    """Grade all cases with the course, good submissions among them."""
    course = ScratchCourse(folder, data)
    course.shorten()
    done = faults.grade(course, cases, [GOOD])
    good = points(course.root, GOOD)
    return {
        case.name: Outcome(
            points(course.root, case.name), sum(good) if good else None, done.returncode, True, 0
        )
        for case in cases
    }


def main() -> None:
    """Grade the corpus both ways, keep the outcomes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="side by side")
    parser.add_argument("--only", nargs="*", help="names of cases, the others' kept")
    options = parser.parse_args()
    data = os.environ["FASHION_MNIST"]
    cases = [case for case in CASES if not options.only or case.name in options.only]
    with tempfile.TemporaryDirectory(prefix="robustness-") as temporary:
        folder = Path(temporary)
        for name in ("course", "plain"):
            (folder / name).mkdir()
        # First: it also records the training runs, so that plain nbgrader need not train either.
        ours = _course(folder / "course", data, cases)
        solved = _template(folder / "plain", data)
        with ThreadPoolExecutor(options.jobs) as pool:
            plain = dict(
                zip(
                    (case.name for case in cases),
                    pool.map(lambda case: _plain(case, folder / "plain", solved), cases),
                    strict=True,
                )
            )
    found = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    for case in cases:
        found[case.name] = {"plain": asdict(plain[case.name]), "course": asdict(ours[case.name])}
        print(case.name, found[case.name])
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(found, indent=1))
    write_page(
        *(
            {case.name: _read(found[case.name][side]) for case in CASES}
            for side in ("plain", "course")
        )
    )


def _read(entry: dict[str, Any]) -> Outcome:
    points = entry["points"] and (entry["points"][0], entry["points"][1])
    return Outcome(**{**entry, "points": points})


def verdict(case: Case, outcome: Outcome) -> str:
    """Say in words how an outcome compares with the right one."""
    right = faults.POINTS[case.outcome]
    words = []
    if outcome.points is None:
        words.append("no grade")
    elif sum(outcome.points) > sum(right):
        words.append(f"**{sum(outcome.points) - sum(right):g} points too many**")
    elif sum(outcome.points) < sum(right):
        words.append(f"{sum(right) - sum(outcome.points):g} points too few")
    if not outcome.in_time:
        words.append(f"does not end in {_SECONDS} s")
    elif outcome.exit_code is None:
        words.append("nbgrader is killed")
    if outcome.good is None:
        words.append("the next student is not graded")
    elif outcome.good != sum(faults.POINTS["full"]):
        words.append("the next student loses points")
    if outcome.left:
        words.append("leaves a process behind")
    return "; ".join(words) or "right"


def write_page(plain: dict[str, Outcome], ours: dict[str, Outcome]) -> None:
    """Write the two outcomes of each case side by side."""
    told = {
        case.name: (verdict(case, plain[case.name]), verdict(case, ours[case.name]))
        for case in CASES
    }
    counts = [Counter(pair[side] == "right" for pair in told.values()) for side in (0, 1)]
    bad = [words for words, _ in told.values()]
    lines = [
        "# Faults and attacks: plain nbgrader beside the course",
        "",
        f"Written by `make robustness` ({date.today().isoformat()}, nbgrader "
        f"{version('nbgrader')}); nothing in it is",
        "entered by hand. Each case is a function in [`tests/faults.py`](../tests/faults.py) that",
        "turns a right submission into a difficult one; `tests/course/test_faults.py` holds the",
        "course to its outcome.",
        "",
        f"- The course: {counts[1][True]} of {len(told)} cases come out right.",
        f"- Plain nbgrader: {counts[0][True]} of {len(told)}. It gives too many points in "
        f"{sum('too many' in words for words in bad)} cases, too few in",
        f"  {sum('too few' in words for words in bad)}, no grade in "
        f"{sum('no grade' in words for words in bad)}, and in "
        f"{sum('next student' in words for words in bad)} the next student is not graded rightly.",
        "",
        "The right outcome is in points: for the function (of 12) and for the second exercise (of",
        "8). A case that never gets as far as an exercise gets 0 with a reason, and is flagged for",
        "a person; plain nbgrader leaves most of those without a grade.",
        "",
    ]
    for title, cases in (("Accidents", faults.ACCIDENTS), ("Attacks", faults.ATTACKS)):
        lines += [
            f"## {title}",
            "",
            "| case | right outcome | plain nbgrader | the course |",
            "| --- | --- | --- | --- |",
        ]
        for case in cases:
            right = " + ".join(f"{number:g}" for number in faults.POINTS[case.outcome])
            lines.append(
                f"| {case.name.replace('_', ' ')} | {right} | {' | '.join(told[case.name])} |"
            )
        lines.append("")
    lines += [
        "Plain nbgrader ran each case in a course of its own, followed by a good submission, with",
        "15 s for a cell, in a sandbox without network that stood for the instructor's machine. It",
        "judges with the same hidden tests, in the student's process. Cells that only show",
        "something were left out, and training was looked up, for both. The table tells points,",
        "neighbours and processes, not what a submission can read, send or write elsewhere.",
        "",
        "What needs more than one grading or a browser is tested elsewhere:",
        "",
        "- a crashing resubmission after a good one: `tests/grading/test_nbgrader.py`",
        "- scripts in outputs and cells, in formgrader and on feedback pages:",
        "  `tests/grading/feedback/test_safe_pages.py`, `tests/browser/`",
        "- hidden tests, tracebacks and paths on feedback pages:",
        "  `tests/grading/feedback/test_feedback_page.py`",
        "- files, network and processes of the host: `tests/grading/sandbox/test_sandbox.py`",
        "- a batch that is stopped, killed, or finds the disk full:",
        "  `tests/grading/test_interrupted_batch.py`, `tests/grading/test_full_disk.py`",
        "- workers that die: `tests/grading/running/test_cluster.py`",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
