"""Tests that no file or folder beside a notebook, however named or made, keeps anybody's grade.

By both commands, and on to the page, its release, the report and the export.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.recording import audit
from tests.benchmarks.other_assignments import course_without_lesson
from tests.other_assignments import answers, checked, code, notebook, scores, solution
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import COURSE_ROOT, ScratchCourse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NAME = "boxes"
LATIN = os.fsdecode(b"\xe9t\xe9")
LONG = "n" * 251


def _file(name: str, content: bytes = b"own") -> Callable[[Path], object]:
    """Put a file where a submission has something else, or nothing."""

    def make(folder: Path) -> None:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        for parent in path.relative_to(folder).parents:
            if (folder / parent).is_file():
                (folder / parent).unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return make


def _pipe(name: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        _file(name)(folder)
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return make


def _renamed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / f"{NAME}.ipynb").rename(folder / name)


def _deep(part: str, depth: int, leaf: str = "") -> Callable[[Path], object]:
    """Make folders in folders, deeper than a path can say; at each a file, if it has a name."""

    def make(folder: Path) -> None:
        place = os.open(folder, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(part, dir_fd=place)
            inner = os.open(part, os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = inner
            if leaf:
                os.close(os.open(leaf, os.O_CREAT | os.O_WRONLY, dir_fd=place))
        os.close(place)

    return make


def _longest_path(folder: Path) -> None:
    """Make a file whose path has as many bytes as a path may have: a copy's has more."""
    place = folder / "p"
    while len(os.fsencode(place)) < 4094 - 100:
        place = place / ("p" * 99)
    place = place / ("p" * (4094 - len(os.fsencode(place)) - 1))
    os.makedirs(place.parent)
    place.write_text("own")


# What each hands in, and whether it is worth a remark.
ODD: dict[str, tuple[Callable[[Path], object], bool]] = {
    "helpers-file": (_file("helpers"), True),
    "figures-file": (_file("figures"), True),
    "module-folder": (_file("helpers/data.py/x.py"), True),
    "figure-folder": (_file("figures/one.png/two.png"), True),
    "table-folder": (_file("table.csv/x.csv"), True),
    "other-case": (_file("Helpers/Data.py"), True),
    "both-cases": (lambda f: (_file("Own.csv")(f), _file("own.csv")(f)), False),
    "language": (_file("language.txt", b"zh"), True),
    "language-folder": (_file("language.txt/x"), True),
    "language-pipe": (_pipe("language.txt"), True),
    "module-pipe": (_pipe("helpers/data.py"), True),
    "helpers-pipe": (_pipe("helpers"), True),
    "deep": (_deep("d", 1100, "x.txt"), True),
    "deep-long": (_deep("d" * 255, 30, "x" * 255), True),
    "longest-path": (_longest_path, True),
    "long-name": (_file("x" * 255), False),
    "latin": (_file(f"{LATIN}.csv"), False),
    "latin-folder": (_file(f"{LATIN}/x.csv"), False),
    "latin-notebook": (_renamed(f"{LATIN}.ipynb"), True),
    "latin-module": (_file(f"{LATIN}.py"), False),
    "long-notebook": (_renamed(f"{LONG[:249]}.ipynb"), True),
    "line-break": (_file("two\nlines.csv"), True),
    "escape": (_file("\x1b]0;title\x07.csv"), True),
    "escape-folder": (_file("\x9b2J/x.csv"), True),
    "escape-module": (_file("helpers/\x1b[2J.py"), True),
    "escape-notebook": (_renamed("\x1b[2J\n.ipynb"), True),
    "page": (_file(f"{NAME}.html"), False),
    "page-folder": (_file(f"{NAME}.html/x.txt"), False),
    "notebook-folder": (_file(f"{NAME}/x.ipynb"), False),
    "files-folder": (_file(f"{NAME}_files/x.txt"), False),
    "files-file": (_file(f"{NAME}_files"), False),
    "folder-and-copy": (
        lambda f: (_renamed(f"{NAME} (1).ipynb")(f), _file(f"{NAME}.ipynb/x.ipynb")(f)),
        True,
    ),
    "secret-bytes": (_file("submission_secret.txt", b"\xff\xfe\x00"), False),
    "secret-folder": (_file("submission_secret.txt/x"), False),
    "secret-pipe": (_pipe("submission_secret.txt"), True),
    "being-graded": (_file(".being-graded/x"), False),
    "glob": (_file("[!a]*{student}.csv"), False),
}


def _work(folder: Path) -> None:
    answers({NAME: {"double": "def double(x): return 2 * x"}})(folder)
    (folder / "submission_secret.txt").write_text(folder.parent.name)


def course_of(folder: Path, odd: dict[str, tuple[Callable[[Path], object], bool]]) -> ScratchCourse:
    """A course with a small assignment, and right work with something odd beside it."""
    course = course_without_lesson(folder, "")
    source = course.root / "source" / NAME
    for name in ("helpers/__init__.py", "helpers/data.py", "figures/one.png", "table.csv"):
        _file(name, b"GIVEN = 1\n")(source)
    cells = [
        code("from helpers.data import GIVEN"),
        solution("double", "def double(x): return 2 * x"),
        checked("test_double", "assert double(GIVEN) == 2 * GIVEN", 2),
    ]
    (source / f"{NAME}.ipynb").write_text(json.dumps(notebook(cells)))
    course.nbgrader("generate_assignment", NAME)
    for student, (make, _) in {"plain": (lambda folder: None, False), **odd}.items():
        submitted = course.root / "submitted" / student / NAME
        shutil.copytree(course.root / "release" / NAME, submitted)
        _work(submitted)
        make(submitted)
    return course


def run(course: ScratchCourse, *command: str) -> bytes:
    """Run a command as a person does; return all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command, f"--Exchange.root={course.exchange}"]
        if command[0] == "nbgrader"
        else [sys.executable, "-m", *command],
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=600,
    )
    said = done.stdout
    assert done.returncode == 0, said.decode(errors="replace")[-3000:]
    assert b"Traceback" not in said
    assert not {sign for sign in said.decode(errors="replace") if sign in "\x1b\x07\x9b"}
    return said


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("grading", "autograde", NAME), id="class"),
        pytest.param(("nbgrader", "autograde", NAME), id="ordinary", marks=pytest.mark.site),
    ],
)
def test_everybody_has_a_grade_and_a_page(
    command: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    skip_without_sandbox()
    course = course_of(tmp_path / "odd files", ODD)
    # Python cannot remove them.
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", course.root], check=True))
    run(course, *command)
    found = {name: cells[f"{NAME} test_double"] for name, cells in scores(course, NAME).items()}
    assert found == dict.fromkeys(["plain", *ODD], 2.0)
    remarks = {entry["student"]: entry["remarks"] for entry in audit.read(course.root / audit.FILE)}
    assert {name for name, said in remarks.items() if said} == {
        name for name, (_, is_worth_a_word) in ODD.items() if is_worth_a_word
    }
    run(course, "nbgrader", "generate_feedback", NAME)
    pages = [course.root / "feedback" / student / NAME / f"{NAME}.html" for student in ODD]
    assert not [page for page in pages if "2 of 2 points" not in page.read_text()]
    run(course, "nbgrader", "release_feedback", NAME)
    without = {"secret-bytes", "secret-folder", "secret-pipe"}
    released = [*course.exchange.glob("*/feedback/*.html")]
    assert len(released) >= len(ODD) - len(without)
    run(course, "grading", "report", NAME)
    with (course.root / "reports" / f"{NAME}.csv").open(encoding="utf-8") as file:
        assert ["overview", "mean score", "2", "2", ""] in list(csv.reader(file))
    run(course, "nbgrader", "export")
    assert (course.root / "grades.csv").read_text().count(f"\n{NAME},") == len(ODD) + 1
