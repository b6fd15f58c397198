"""Tests that another user of the machine can neither run code as who grades, nor read grades."""

import contextlib
import copy
import gzip
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grading.course import modes
from grading.recording import audit
from tests.other_user import as_other_user, give, needs_root
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, solve

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(600)]

_LISTENS = "0A"  # in /proc/net/tcp
# Says what a planted file would have done.
PLANTED = "import os, pathlib\npathlib.Path(os.environ['PLANTED']).touch()\n"
# Notes which folders a grading process imports from, when it ends.
WATCH = """
import atexit, os, sys
def note():
    with open(os.environ["WATCHED"], "a") as file:
        file.write("\\n".join(sys.path) + "\\n")
atexit.register(note)
"""


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with four submissions, made with an ordinary umask."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("handed in"), any_data)
    course.build()
    notebook = course.released()
    solve(notebook)
    for student in ("ada", "bob", "cyn", "dan"):
        course.submit(student, notebook)
    return course


@pytest.fixture
def course(handed_in: ScratchCourse, tmp_path: Path) -> ScratchCourse:
    """A copy of it."""
    course = copy.copy(handed_in)
    course.root = tmp_path / "course"
    subprocess.run(["cp", "-a", str(handed_in.root), str(course.root)], check=True)
    return course


def _family(process: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [process]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == process:
                found += _family(int(path.parent.name))
    return found


def _sockets(process: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                name = os.readlink(descriptor)
                if name.startswith("socket:["):
                    found.add(name.removeprefix("socket:[").rstrip("]"))
    return found


def _listening() -> set[str]:
    """Return the inodes of this machine's listening TCP sockets."""
    return {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if fields[3] == _LISTENS
    }


_MODULES = ("nbconvert", "nbformat", "distributed", "sitecustomize", "yaml")


@contextlib.contextmanager
def _planted() -> Iterator[Path]:
    """Give a folder like /tmp, where another user has made what Dask's workers import from."""
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o1777)
        folder = Path(temporary) / "dask-scratch-space"
        folder.mkdir()
        folder.chmod(0o777)
        for name in _MODULES:
            (folder / f"{name}.py").write_text(PLANTED)
        give(folder)
        yield Path(temporary)
        assert {path.stem for path in folder.iterdir()} == set(_MODULES)


@needs_root
def test_a_batch_offers_nothing_to_other_users(course: ScratchCourse, tmp_path: Path) -> None:
    mark, watched, watch = tmp_path / "planted", tmp_path / "watched", tmp_path / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "home").mkdir()
    environment = course.environment | {
        "PYTHONPATH": f"{watch}:{COURSE_ROOT}",
        "PLANTED": str(mark),
        "WATCHED": str(watched),
        "HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"]
    made: set[str] = set()
    most = 0
    with _planted() as temporary:
        with subprocess.Popen(
            command,
            cwd=course.root,
            env=environment | {"TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as batch:
            while batch.poll() is None:
                family = _family(batch.pid)
                most = max(most, len(family))
                ours = set().union(*(_sockets(process) for process in family))
                assert not ours & _listening(), "it listens on TCP"
                made |= {path.name for path in temporary.iterdir()}
                time.sleep(0.02)
        assert [path.name for path in temporary.iterdir()] == ["dask-scratch-space"]
    made.remove("dask-scratch-space")
    assert batch.returncode == 0
    assert most >= 3, "two sandboxes were seen"
    assert watched.is_file()
    folders = watched.read_text().splitlines()
    assert modes.open_to_all(folders) == []
    assert not any("dask" in folder for folder in folders)
    # Names that tempfile draws, which nobody can make before.
    assert all(re.fullmatch(r"(sandbox|submission)-\w{8}", name) for name in made), made
    assert not mark.exists(), "a planted module was imported"
    assert not (tmp_path / "home" / ".config" / "dask").exists()


def _reachable(root: Path) -> set[str]:
    """Return what others have a right on in `root`, each folder above it letting them pass."""
    open_to_others: set[str] = set()
    with contextlib.suppress(OSError):
        for path in root.iterdir():
            with contextlib.suppress(OSError):
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode) or not mode & 0o007:
                    continue
                open_to_others.add(str(path))
                if stat.S_ISDIR(mode) and mode & 0o001:
                    open_to_others |= _reachable(path)
    return open_to_others


@needs_root
def test_nothing_that_grading_makes_is_open(course: ScratchCourse, tmp_path: Path) -> None:
    """Under a wide umask, its cache's name planted; packed data are what the cache is for."""
    data, home, temporary = tmp_path / "data", tmp_path / "home", tmp_path / "tmp"
    raw = data / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in sorted(Path(course.environment["FASHION_MNIST"]).glob("FashionMNIST/raw/*-ubyte*")):
        content = path.read_bytes()
        packed = content if path.suffix == ".gz" else gzip.compress(content, 1)
        (raw / f"{path.stem if path.suffix == '.gz' else path.name}.gz").write_bytes(packed)
    for folder in (home, temporary):
        folder.mkdir()
        folder.chmod(0o1777)
    planted = [temporary / "course-grading", temporary / "weight-initialization"]
    for folder in planted:
        folder.mkdir(mode=0o777)
        give(folder)
    before = {*_reachable(course.root), *map(str, planted)}
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--student", "ada"]
    for umask, cache in (("000", temporary), ("002", home / ".cache" / "of" / "mine")):
        wide: set[str] = set()
        with subprocess.Popen(
            ["sh", "-c", f'umask {umask}; exec "$@"', "sh", *command, "--force"],
            cwd=course.root,
            env=course.environment
            | {
                "PYTHONPATH": str(COURSE_ROOT),
                "FASHION_MNIST": str(data),
                "HOME": str(home),
                "TMPDIR": str(temporary),
                "XDG_CACHE_HOME": str(cache),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as batch:
            while batch.poll() is None:
                for folder in (home, temporary, course.root):
                    wide |= _reachable(folder)
                time.sleep(0.05)
        assert batch.returncode == 0
        assert wide - before == set()
    # Nothing was put where somebody else could change it, and all of it where nobody can.
    assert [path for folder in planted for path in folder.iterdir()] == []
    assert len(list((home / ".cache/of/mine/course-grading").rglob("*-ubyte"))) == 4


def test_a_folder_that_all_can_write_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2770)
    folders = [str(tmp_path), str(tmp_path / "open"), str(tmp_path / "shared"), "/nowhere"]
    assert modes.open_to_all(folders) == [str(tmp_path / "open")]


def _open_to_others(root: Path) -> list[str]:
    """Return what others can reach, of files and folders that grading makes."""
    made = ["gradebook.db", audit.FILE, ".grading_secret", "submitted/zoe", "autograded"]
    found = []
    for path in [root / name for name in made]:
        assert path.exists(), path
        for item in (path, *path.rglob("*")):
            if item.lstat().st_mode & 0o007:
                found.append(str(item.relative_to(root)))
    return found


@pytest.mark.parametrize("shared", [False, True], ids=["own", "groupshared"])
def test_a_course_is_made_for_its_group_alone(tmp_path: Path, any_data: str, shared: bool) -> None:
    before = os.umask(0o022)
    try:
        course = ScratchCourse(tmp_path, any_data)
        if shared:
            with (course.root / "nbgrader_config.py").open("a") as file:
                file.write("\nc.CourseDirectory.groupshared = True\n")
        course.shorten()
        course.nbgrader("generate_assignment", ASSIGNMENT)
        course.nbgrader("release_assignment", ASSIGNMENT)
        home = tmp_path / "zoe"
        home.mkdir()
        course_id = "--course=weight-initialization"
        course.nbgrader("fetch_assignment", ASSIGNMENT, course_id, folder=home)
        (home / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").write_text('{"cells": [')
        (home / ASSIGNMENT / "own.csv").write_text("1")
        (home / ASSIGNMENT / "own.csv").chmod(0o666)
        course.nbgrader("submit", ASSIGNMENT, course_id, "--student=zoe", folder=home)
        course.nbgrader("collect", ASSIGNMENT, "--ExchangeCollect.check_owner=False")
        course.nbgrader("autograde", ASSIGNMENT)
        # What students get, others may read.
        outbound = course.exchange / "weight-initialization" / "outbound" / ASSIGNMENT
        assert all(path.stat().st_mode & stat.S_IROTH for path in (outbound, *outbound.rglob("*")))
        course.nbgrader("generate_feedback", ASSIGNMENT)
        course.nbgrader("release_feedback", ASSIGNMENT)
        pages = list((course.exchange / "weight-initialization" / "feedback").iterdir())
        assert pages
        assert all(page.stat().st_mode & stat.S_IROTH for page in pages)
    finally:
        os.umask(before)
    private = [name for name in _open_to_others(course.root) if name != "autograded"]
    assert private == []
    group = stat.S_IMODE((course.root / "gradebook.db").stat().st_mode)
    assert group == (0o660 if shared else 0o640)
    assert stat.S_IMODE((course.root / audit.FILE).stat().st_mode) == group
    secret = stat.S_IMODE((course.root / ".grading_secret").stat().st_mode)
    assert secret == (0o660 if shared else 0o600)


def test_what_collect_took_loses_no_file_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (tmp_path / "outside").write_text("")
    (tmp_path / "outside").chmod(0o666)
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "inner" / "file").write_text("")
    for path in (folder, folder / "inner", folder / "inner" / "file"):
        path.chmod(0o777)
    modes.for_group_alone(folder)
    assert stat.S_IMODE((tmp_path / "outside").stat().st_mode) == 0o666
    for path in (folder, folder / "inner", folder / "inner" / "file"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750
    modes.for_group_alone(folder, groupshared=True)
    assert stat.S_IMODE((folder / "inner").stat().st_mode) == 0o770


@needs_root
def test_another_user_grades_the_course_that_is_theirs(
    course: ScratchCourse, any_data: str
) -> None:
    """In a sandbox of their own, with a user id that has no name."""
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "course", Path(folder) / "home"
        subprocess.run(["cp", "-a", str(course.root), str(root)], check=True)
        home.mkdir()
        give(Path(folder))
        environment = course.environment | {
            "PYTHONPATH": str(COURSE_ROOT),
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home),
            "JUPYTER_DATA_DIR": str(home),
        }
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            environment.pop(name, None)
        done = subprocess.run(
            as_other_user(
                *(sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--student", "ada")
            ),
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (entry,) = audit.read(root / audit.FILE)
        assert entry["who"] == "uid 64999"
        assert sum(entry["scores"].values()) == 20
