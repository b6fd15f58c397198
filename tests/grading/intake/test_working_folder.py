"""Tests of what lies beside a notebook: the release's own files, and a student's in no one's place.

However many files there are, and however deep, choosing among them takes a moment.
"""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from grading.intake.submitted_files import MOST_FILES, find_files, too_large
from grading.intake.working_folder import select_files, working_files
from tests.other_user import OTHER

GIVEN = {
    "helpers/__init__.py": "",
    "helpers/self_check.py": "checked = True\n",
    "helpers/machinery/words/zh.toml": "",
    "figures/one.svg": "<svg/>",
    "requirements.txt": "torch\n",
    "weight_initialization.ipynb": "{}",
}
IN_PLACE_OF_COURSE = [
    "helpers/self_check.py",
    "helpers/self_check/__init__.py",
    "helpers/self_check/self_check.so",
    "helpers/self_check.cpython-311-x86_64-linux-gnu.so",
    "helpers/self_check.abi3.so",
    "helpers/mine.py",
    "helpers/mine.csv",
    "helpers/sub/deep/mine.py",
    "helpers.py",
    "helpers.pyc",
    "helpers.so",
    "helpers.cpython-311-x86_64-linux-gnu.so",
    "helpers",
    "Helpers/__init__.py",
    "HELPERS.py",
    "\uff48elpers.py",
    "figures/one.svg",
    "figures/One.SVG",
    "figures/one.svg/x.txt",
    "figures",
    "requirements.txt",
    "requirements.txt/x",
    "language.txt",
    "data/FashionMNIST/raw/train-labels-idx1-ubyte",
]
IN_PLACE_OF_MODULES = [
    *("torch.py", "numpy/__init__.py", "random.so", "sitecustomize.py", "rapidfuzz.pyc"),
    *(
        "grader_kit.py",
        "grader_kit/x.py",
        "grader_tests.py",
        "grader_tests/__init__.py",
        "json/__init__.py",
        "torch/nn/x.py",
    ),
    *("sandbox_inside.py", "usercustomize.pth", "IPython/__init__.py"),
]
OWN = [
    *("mine.py", "mine/__init__.py", "mine/part.py", "table.csv", "figures/own.png"),
    *("statistics/table.csv", "data/own.csv", "helpers_of_mine.py", "__init__.py", "a/helpers.py"),
    *("source/mine.py", "tests/mine.py", "grading.py", "helpers.txt", "my helpers/x.py"),
]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


RESERVED = (Path("language.txt"), Path("data") / "FashionMNIST")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write(tmp_path / "release", GIVEN)


@pytest.mark.parametrize("name", IN_PLACE_OF_COURSE)
def test_what_the_release_holds_is_the_releases(tmp_path: Path, release: Path, name: str) -> None:
    submission = write(tmp_path / "submitted", {name: "changed", "mine.py": "x = 1"})
    files = working_files(submission, release, 50, RESERVED)
    given = {name: text.encode() for name, text in GIVEN.items() if not name.endswith(".ipynb")}
    assert files == {**given, "mine.py": b"x = 1"}
    (said,) = select_files(submission, release, 50, reserved=RESERVED).remarks
    assert str(said) == f"Left out, because the course's own files are used: {name}."


@pytest.mark.parametrize("name", IN_PLACE_OF_MODULES)
def test_nothing_hides_a_module(tmp_path: Path, release: Path, name: str) -> None:
    selection = select_files(write(tmp_path / "submitted", {name: ""}), release, 50)
    assert selection.names == ()
    assert selection.left_out == (Path(name),)
    assert name in str(selection.remarks[0])


@pytest.mark.parametrize("name", OWN)
def test_own_files_are_there(tmp_path: Path, release: Path, name: str) -> None:
    submission = write(tmp_path / "submitted", {name: "own"})
    assert working_files(submission, release, 50)[name] == b"own"
    assert select_files(submission, release, 50).remarks == ()


def test_unchanged_files_of_the_course_are_worth_no_word(tmp_path: Path, release: Path) -> None:
    submission = write(tmp_path / "submitted", GIVEN)
    (submission / "helpers" / "self_check.py").write_bytes(b"checked = True\r\n")
    (submission / "helpers" / "__pycache__").mkdir()
    (submission / "helpers" / "__pycache__" / "self_check.cpython-311.pyc").write_bytes(b"x")
    assert select_files(submission, release, 50).remarks == ()
    assert "helpers/__pycache__/self_check.cpython-311.pyc" not in working_files(
        submission, release, 50
    )


def test_a_file_that_is_the_students_to_change_is_theirs(tmp_path: Path, release: Path) -> None:
    theirs = Path("helpers/self_check.py")
    changed = {str(theirs): "mine", "helpers/__init__.py": "mine"}
    submission = write(tmp_path / "submitted", changed)
    files = working_files(submission, release, 50, changeable=[theirs])
    assert files[str(theirs)] == b"mine"
    assert files["helpers/__init__.py"] == b""
    (submission / theirs).unlink()
    files = working_files(submission, release, 50, changeable=[theirs])
    assert files[str(theirs)] == b"checked = True\n"


def test_the_largest_files_are_left_out(tmp_path: Path) -> None:
    sizes = {"a.csv": 2**20, "b.csv": 3 * 2**19, "c.csv": 10, "n.ipynb": 2**22}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    names = [Path(name) for name in sizes]
    assert too_large(tmp_path, names, 2) == [Path("b.csv")]
    assert too_large(tmp_path, names, 3) == []
    assert too_large(tmp_path, names, 0) == [Path(name) for name in ("c.csv", "a.csv", "b.csv")]


def test_only_ordinary_files_are_copied(tmp_path: Path, release: Path) -> None:
    folder = write(tmp_path / "submitted", {"table.csv": "", "page.HTML": "", ".git/x": ""})
    (folder / "dangling").symlink_to(tmp_path / "nowhere")
    (folder / "link").symlink_to(folder / "table.csv")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    selection = select_files(folder, release, 50)
    assert selection.names == (Path("table.csv"),)
    (said,) = selection.remarks
    assert "dangling, link, loop, pipe" in str(said)


def test_unreadable_names_can_be_written_down(tmp_path: Path, release: Path) -> None:
    folder = tmp_path / "submitted" / "helpers"
    folder.mkdir(parents=True)
    for number in range(100):
        (folder / os.fsdecode(b"\xff\n" + str(number).encode() + b"x" * 200)).touch()
    (said,) = select_files(folder.parent, release, 50).remarks
    assert str(said).encode().count(b"\n") == 0
    assert len(str(said)) < 500


def test_thousands_of_files_take_a_moment(tmp_path: Path, release: Path) -> None:
    folder = write(tmp_path / "submitted", {"timestamp.txt": "2026-01-01", "deep/er/x.csv": ""})
    for number in range(25_000):
        (folder / f"{number:05}.csv").touch()
    began = time.process_time()
    selection = select_files(folder, release, 50, ["*.pyc", "data", "build", ".DS_Store"])
    assert time.process_time() - began < 5
    assert len(selection.names) == MOST_FILES
    assert selection.names[0] == Path("timestamp.txt")
    assert "first 1,000 were taken" in str(selection.remarks[0])


def test_many_folders_take_a_moment(tmp_path: Path, release: Path) -> None:
    folder = write(tmp_path / "submitted", {"near.csv": ""})
    for number in range(25_000):
        (folder / f"{number:05}").mkdir()
    selection = select_files(folder, release, 50)
    assert selection.names == (Path("near.csv"),) or not selection.names
    assert len(selection.remarks) == 1


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with more folders within each other than Python recurses or a path may name."""
    folder = write(tmp_path / "submitted", {"near.csv": "", "d/far.csv": ""})
    here = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(1_200):
            os.mkdir("deep")
            os.chdir("deep")
        Path("deepest.csv").touch()
    finally:
        os.chdir(here)
    yield folder
    # Python's own rmtree recurses.
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_thousand_folders_within_each_other_are_no_fault(deep: Path, release: Path) -> None:
    found = find_files(deep)
    assert found.names == (Path("near.csv"), Path("d/far.csv"))
    assert not found.is_whole
    assert len(select_files(deep, release, 50).remarks) == 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can come to, as none is below pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_may_not_be_read_is_left_out(open_folder: Path) -> None:
    """As another user than root, who may read everything."""
    folder = write(open_folder / "submitted", {"mine.csv": "", "closed.csv": "", "shut/x.csv": ""})
    release = write(open_folder / "release", GIVEN)
    (folder / "closed.csv").chmod(0)
    (folder / "shut").chmod(0)
    user = OTHER if os.getuid() == 0 else os.getuid()
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, fork, initializer=os.setuid, initargs=(user,)) as other:
        selection = other.submit(select_files, folder, release, 50).result()
    assert selection.names == (Path("mine.csv"),)
    (said,) = selection.remarks
    # Said here, since the words may lie in a checkout closed to the other user.
    assert "closed.csv, shut" in str(said)
