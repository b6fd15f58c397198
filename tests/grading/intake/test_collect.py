"""Tests that collecting brings each student's own files, and nothing that links lead to."""

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader

from grading.course.commands import CommandFailed
from tests.other_user import let_through
from tests.scratch_course import ASSIGNMENT, ScratchCourse

pytestmark = [pytest.mark.site, pytest.mark.slow]

# Unprivileged users of every Debian machine; the names of their accounts are those of students.
EVE, BOB = "games", "news"
STAMP = "2026-01-02 03:04:05.000006 UTC"
NOTEBOOK = f"{ASSIGNMENT}.ipynb"
SECRET = "what only the instructor may read"


class Exchange:
    """A course and its exchange, in which students have a folder for what they hand in."""

    def __init__(self, folder: Path) -> None:
        # A student has to get through to the exchange.
        let_through(folder)
        self.course = ScratchCourse(folder, "")
        self.root = self.course.root
        self.root.chmod(0o700)
        self.inbound = self.course.exchange / "weight-initialization" / "inbound"
        self.inbound.mkdir(parents=True)
        self.inbound.chmod(0o733)
        (self.root / ".grading_secret").write_text(SECRET)

    def hand_in(self, student: str, stamp: str = STAMP, by: str = "") -> Path:
        """Make a submission by hand, as `by` or the student themselves."""
        folder = self.inbound / f"{student}+{ASSIGNMENT}+{stamp}+0"
        with acting_as(by or student):
            folder.mkdir(mode=0o755)
            (folder / NOTEBOOK).write_text(f"of {student}")
            (folder / "submission_secret.txt").write_text("5e" * 64)
        return folder

    def collect(self, *more: str) -> str:
        return self.course.nbgrader("collect", ASSIGNMENT, *more)

    def collected(self, student: str) -> dict[str, str]:
        """Map the paths of a student's collected files to their contents."""
        folder = self.root / "submitted" / student / ASSIGNMENT
        return {
            str(path.relative_to(folder)): path.read_text()
            for path in folder.rglob("*")
            if path.is_file()
        }


@contextmanager
def acting_as(user: str) -> Iterator[None]:
    """Do what follows with a user's rights."""
    account = pwd.getpwnam(user)
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    if os.getuid() != 0:
        pytest.skip("needs root, to hand in as two other users")
    return Exchange(tmp_path)


OWN = {
    NOTEBOOK: f"of {EVE}",
    "timestamp.txt": STAMP,
    "submission_secret.txt": "5e" * 64,
}


@pytest.fixture
def button(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> NbGraderAPI:
    """What formgrader's button calls."""
    for name, value in exchange.course.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(exchange.root)
    monkeypatch.setattr(sys, "path", list(sys.path))
    app = NbGrader()
    app.initialize([f"--Exchange.root={exchange.course.exchange}"])
    return NbGraderAPI(app.coursedir, parent=app)


def lay_links(exchange: Exchange) -> None:
    """Let Eve link to what the instructor and Bob have."""
    bobs = exchange.hand_in(BOB)
    folder = exchange.hand_in(EVE)
    with acting_as(BOB):
        bobs.chmod(0o750)
    targets = {
        "secret.txt": exchange.root / ".grading_secret",
        "source.ipynb": exchange.root / "source" / ASSIGNMENT / NOTEBOOK,
        "bob.ipynb": bobs / NOTEBOOK,
        "passwd": Path("/etc/passwd"),
        "folder": exchange.root / "source",
        "loop": folder,
        "relative": Path("../../../../course/.grading_secret"),
        "nowhere": Path("/no/such/file"),
    }
    with acting_as(EVE):
        (folder / "inner").mkdir()
        for name, target in targets.items():
            (folder / name).symlink_to(target)
            (folder / "inner" / name).symlink_to(target)


class TestLinks:
    def test_by_the_command(self, exchange: Exchange) -> None:
        lay_links(exchange)
        said = exchange.collect()
        assert exchange.collected(EVE) == OWN
        assert exchange.collected(BOB)[NOTEBOOK] == f"of {BOB}"
        for name in ("secret.txt", "source.ipynb", "bob.ipynb", "inner/folder", "inner/loop"):
            assert f"Left out '{name}'" in said

    def test_by_formgraders_button(self, exchange: Exchange, button: NbGraderAPI) -> None:
        lay_links(exchange)
        result = button.collect(ASSIGNMENT)
        assert result["success"], result
        assert exchange.collected(EVE) == OWN
        assert "Left out 'secret.txt'" in result["log"]

    def test_in_an_update(self, exchange: Exchange) -> None:
        exchange.hand_in(EVE, "2026-01-01 00:00:00.000000 UTC")
        exchange.collect()
        assert exchange.collected(EVE)["timestamp.txt"].startswith("2026-01-01")
        lay_links(exchange)
        exchange.collect("--update")
        assert exchange.collected(EVE) == OWN

    def test_the_notebook_and_the_submission_itself(self, exchange: Exchange) -> None:
        folder = exchange.hand_in(EVE)
        with acting_as(EVE):
            (folder / NOTEBOOK).unlink()
            (folder / NOTEBOOK).symlink_to(exchange.root / "source" / ASSIGNMENT / NOTEBOOK)
        bobs = exchange.inbound / f"{BOB}+{ASSIGNMENT}+{STAMP}+0"
        with acting_as(BOB):
            bobs.symlink_to(exchange.root / "source" / ASSIGNMENT)
        exchange.collect()
        assert set(exchange.collected(EVE)) == {"timestamp.txt", "submission_secret.txt"}
        assert exchange.collected(BOB) == {}

    def test_a_hard_link(self, exchange: Exchange) -> None:
        """Made by root: where the kernel protects them, a student cannot."""
        folder = exchange.hand_in(EVE)
        os.link(exchange.root / ".grading_secret", folder / "hard.txt")
        with acting_as(EVE):
            (folder / "own.txt").write_text("own")
        os.link(folder / "own.txt", exchange.root / "elsewhere")
        said = exchange.collect()
        assert exchange.collected(EVE) == OWN
        assert "Left out 'hard.txt': it belongs to user 0" in said

    @pytest.mark.timeout(60)
    def test_pipes_sockets_and_devices(self, exchange: Exchange) -> None:
        folder = exchange.hand_in(EVE)
        with acting_as(EVE):
            os.mkfifo(folder / "pipe.ipynb")
        os.mknod(folder / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        exchange.collect()
        assert exchange.collected(EVE) == OWN


class TestOwners:
    def test_a_submission_in_anothers_name(self, exchange: Exchange) -> None:
        exchange.hand_in(BOB)
        exchange.hand_in(BOB, "2026-02-02 00:00:00.000000 UTC", by=EVE)
        said = exchange.collect()
        assert exchange.collected(BOB)["timestamp.txt"] == STAMP
        assert f"not {BOB}" in said
        exchange.collect("--update", "--ExchangeCollect.check_owner=False")
        assert exchange.collected(BOB)["timestamp.txt"].startswith("2026-02-02")

    def test_a_file_or_folder_of_another_user(self, exchange: Exchange) -> None:
        folder = exchange.hand_in(EVE)
        (folder / "of root").write_text("x")
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("x")
        os.chown(folder / "inner" / "file", folder.stat().st_uid, -1)
        exchange.collect()
        assert exchange.collected(EVE) == OWN
        exchange.collect("--update", "--ExchangeCollect.check_owner=False")
        assert exchange.collected(EVE) == OWN


class TestNobodyIsDisturbed:
    def test_by_names_made_by_hand(self, exchange: Exchange) -> None:
        exchange.hand_in(BOB)
        names = (
            f"{EVE}+{ASSIGNMENT}+tomorrow+0",
            f"{EVE}+{ASSIGNMENT}+",
            f"..+{ASSIGNMENT}+{STAMP}+0",
            f"+{ASSIGNMENT}+{STAMP}+0",
            f"{EVE}+{ASSIGNMENT}+99999-01-01 00:00:00.0 UTC+0",
            f"two\nlines+{ASSIGNMENT}+{STAMP}+0",
        )
        with acting_as(EVE):
            for name in names:
                (exchange.inbound / name).mkdir()
        said = exchange.collect()
        # nbgrader looks for no name that begins with a dot.
        assert said.count("Not collected: ") == len(names) - 1
        assert exchange.collected(BOB)[NOTEBOOK] == f"of {BOB}"
        assert [path.name for path in (exchange.root / "submitted").iterdir()] == [BOB]
        assert not (exchange.root / ASSIGNMENT).exists()

    def test_by_a_submission_that_is_too_large_or_too_deep(self, exchange: Exchange) -> None:
        exchange.hand_in(BOB)
        folder = exchange.hand_in(EVE)
        with acting_as(EVE):
            for number in range(3):
                with (folder / f"large{number}").open("wb") as file:
                    file.truncate(60_000_000)
            with (folder / "huge").open("wb") as file:
                file.truncate(2**40)
            (folder / "small.txt").write_text("small")
            os.makedirs(folder.joinpath(*["deep"] * 60))
        said = exchange.collect()
        taken = set(os.listdir(exchange.root / "submitted" / EVE / ASSIGNMENT)) - {"deep"}
        assert taken == {*OWN, "small.txt", "large0"}
        assert "Left out 'huge': it is too large" in said
        assert BOB in os.listdir(exchange.root / "submitted")

    def test_by_a_timestamp_that_is_none(self, exchange: Exchange) -> None:
        exchange.hand_in(BOB)
        folder = exchange.hand_in(EVE)
        with acting_as(EVE):
            (folder / "timestamp.txt").write_text("tomorrow")
        exchange.collect()
        assert exchange.collected(EVE) == OWN
        exchange.collect("--update")

    @pytest.mark.parametrize("secret", [None, b"", b"\xff" * 64, b"5e" * 10**6])
    def test_by_a_secret_that_is_none(self, exchange: Exchange, secret: bytes | None) -> None:
        """nbgrader releases nobody's feedback after one that it finds no secret for."""
        folder = exchange.hand_in(EVE)
        with acting_as(EVE):
            (folder / "submission_secret.txt").unlink()
            if secret is not None:
                (folder / "submission_secret.txt").write_bytes(secret)
        exchange.collect()
        found = exchange.collected(EVE)["submission_secret.txt"]
        assert len(found) == 128
        assert found != OWN["submission_secret.txt"]

    def test_a_copy_that_fails_is_named_and_the_others_are_made(self, exchange: Exchange) -> None:
        exchange.hand_in(BOB)
        exchange.hand_in(EVE)
        (exchange.root / "submitted").mkdir()
        (exchange.root / "submitted" / EVE).write_text("a file where a folder should be")
        with pytest.raises(CommandFailed) as failure:
            exchange.collect()
        assert f"Could not collect from {EVE}" in failure.value.output
        assert exchange.collected(BOB)[NOTEBOOK] == f"of {BOB}"


def test_the_instructors_group_alone_may_read_what_is_collected(exchange: Exchange) -> None:
    folder = exchange.hand_in(EVE)
    with acting_as(EVE):
        (folder / "inner").mkdir()
        (folder / "inner" / "script.sh").write_text("x")
        (folder / "inner" / "script.sh").chmod(0o4777)
    exchange.collect()
    for shared, modes in ((False, {0o640, 0o750}), (True, {0o660, 0o2770})):
        if shared:
            exchange.hand_in(EVE, "2026-03-03 00:00:00.000000 UTC")
            exchange.collect("--update", "--CourseDirectory.groupshared=True")
        top = exchange.root / "submitted" / EVE
        found = {stat.S_IMODE(path.stat().st_mode) for path in (top, *top.rglob("*"))}
        assert found == modes


def test_what_nbgrader_submits_is_collected_whole(exchange: Exchange, tmp_path: Path) -> None:
    exchange.course.nbgrader("generate_assignment", ASSIGNMENT)
    exchange.course.nbgrader("release_assignment", ASSIGNMENT)
    home = tmp_path / "home"
    home.mkdir()
    course_id = "--course=weight-initialization"
    exchange.course.nbgrader("fetch_assignment", ASSIGNMENT, course_id, folder=home)
    exchange.course.nbgrader("submit", ASSIGNMENT, course_id, folder=home)
    said = exchange.collect()
    assert "Left out" not in said
    released = exchange.root / "release" / ASSIGNMENT
    submitted = exchange.root / "submitted" / "root" / ASSIGNMENT
    for path in released.rglob("*"):
        if path.is_file():
            copy = submitted / path.relative_to(released)
            assert copy.read_bytes() == path.read_bytes()
