"""Tests that `python -m grading check` names what is open, and that its commands close it."""

import json
import pwd
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dask
import pytest
from nbgrader.apps import NbGrader

from grading import sandbox
from grading.course.commands import CommandFailed
from grading.course.modes import open_to_all
from grading.course.openings import Opening
from grading.sandbox import SandboxUnavailable
from grading.site_check import course_files, imported_folders, machine, quick_check, site_of
from grading.words import LANGUAGES
from tests.other_user import give, let_through, needs_root
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, ScratchCourse, solve

pytestmark = pytest.mark.slow
COURSE_ID = "weight-initialization"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> ScratchCourse:
    """A course with one graded submission and its feedback, and nothing open."""
    skip_without_sandbox()
    course = ScratchCourse(tmp_path_factory.mktemp("site"), any_data)
    course.shorten()
    course.root.chmod(0o750)
    course.nbgrader("generate_assignment", ASSIGNMENT)
    course.nbgrader("release_assignment", ASSIGNMENT)
    notebook = course.released()
    solve(notebook)
    course.submit("ada", notebook)
    course.nbgrader("autograde", ASSIGNMENT)
    course.nbgrader("generate_feedback", ASSIGNMENT)
    course.nbgrader("release_feedback", ASSIGNMENT)
    return course


def check(course: ScratchCourse, *options: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "grading", "check", *options],
        cwd=course.root,
        env=course.environment | {"PYTHONPATH": str(COURSE_ROOT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def commands(printed: str) -> list[str]:
    """Return the commands of what was printed."""
    return re.findall(r"^ {5}(\S.*)$", printed, re.MULTILINE)


def _open_exchange(course: ScratchCourse) -> None:
    course.exchange.chmod(0o777)


def _open_outbound(course: ScratchCourse) -> None:
    (course.exchange / COURSE_ID / "outbound" / ASSIGNMENT).chmod(0o777)


def _open_inbound(course: ScratchCourse) -> None:
    (course.exchange / COURSE_ID / "inbound").chmod(0o2777)


def _open_feedback(course: ScratchCourse) -> None:
    (course.exchange / COURSE_ID / "feedback").chmod(0o755)


def _open_secret(course: ScratchCourse) -> None:
    (course.root / ".grading_secret").chmod(0o644)


def _open_gradebook(course: ScratchCourse) -> None:
    course.root.chmod(0o751)
    (course.root / "gradebook.db").chmod(0o644)


def _open_solutions(course: ScratchCourse) -> None:
    course.root.chmod(0o751)


def _open_code(course: ScratchCourse) -> None:
    course.root.chmod(0o751)
    (course.root / "helpers" / "machinery" / "seeded.py").touch()
    (course.root / "helpers" / "machinery" / "seeded.py").chmod(0o666)


def _open_settings(course: ScratchCourse) -> None:
    Path(course.environment["JUPYTER_CONFIG_DIR"], "nbgrader_config.py").chmod(0o666)


def _open_runs(course: ScratchCourse) -> None:
    (course.root / "runs").mkdir()
    (course.root / "runs").chmod(0o777)
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write("\nc.SandboxedExecute.recorded_runs = 'runs'\n")


OPENINGS: dict[str, tuple[Callable[[ScratchCourse], None], str]] = {
    "exchange": (_open_exchange, "rename the course's folder"),
    "outbound": (_open_outbound, "should only read"),
    "inbound": (_open_inbound, "Students can list"),
    "feedback": (_open_feedback, "the feedback of others"),
    "secret": (_open_secret, "foresee the hidden tests"),
    "gradebook": (_open_gradebook, "gradebook.db"),
    "solutions": (_open_solutions, "source"),
    "code": (_open_code, "seeded.py"),
    "settings": (_open_settings, "read settings"),
    "runs": (_open_runs, "forged training runs"),
}


@pytest.fixture
def course(template: ScratchCourse, tmp_path: Path) -> ScratchCourse:
    """A copy of the template, modes and all."""
    for name in ("course", "exchange", "jupyter"):
        subprocess.run(["cp", "-a", str(template.root.parent / name), str(tmp_path)], check=True)
    copy = ScratchCourse.__new__(ScratchCourse)
    copy.__dict__ |= vars(template)
    copy.root, copy.exchange = tmp_path / "course", tmp_path / "exchange"
    copy._settings = tmp_path / "jupyter"
    with (copy._settings / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.Exchange.root = {str(copy.exchange)!r}\n")
    return copy


def test_a_course_as_it_is_made_is_closed(course: ScratchCourse) -> None:
    code, printed = check(course)
    assert code == 0, printed
    assert commands(printed) == []
    assert "Nothing that was looked at is open" in printed
    assert f"{course.root / 'gradebook.db'}: " in printed
    code, printed = check(course, "--language", "zh")
    assert code == 0
    assert "都已关好" in printed


def close(course: ScratchCourse, printed: str) -> None:
    """Run the commands that were printed, and make sure that nothing is open then."""
    assert commands(printed)
    for command in commands(printed):
        subprocess.run(["sh", "-e", "-c", command], cwd=course.root.parent, check=True)
    assert check(course)[0] == 0, check(course)[1]


def test_what_is_open_is_named_and_its_command_closes_it(course: ScratchCourse) -> None:
    for opened, _ in OPENINGS.values():
        opened(course)
    code, printed = check(course)
    assert code == 1
    assert [name for name, (_, said) in OPENINGS.items() if said not in printed] == []
    close(course, printed)


def test_a_password_that_everybody_can_read_is_named(course: ScratchCourse) -> None:
    file = course._settings / "nbgrader_config.json"
    url = "postgresql+psycopg://nbgrader:hunter2@db/grades"
    file.write_text(json.dumps({"CourseDirectory": {"db_url": url}}))
    file.chmod(0o644)
    code, printed = check(course)
    assert code == 1
    assert f"password in {file}" in printed
    assert "hunter2" not in printed
    close(course, printed)


def test_the_data_are_looked_at(tmp_path: Path) -> None:
    within = Path("Drawn") / "raw"
    (tmp_path / within).mkdir(parents=True)
    (tmp_path / within / "images").write_text("")
    assert list(machine.data(tmp_path, within)) == []
    for path, mode, key in (
        (tmp_path / within / "images", 0o646, "data_writable"),
        (tmp_path / within, 0o777, "data_writable"),
    ):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        (opening,) = machine.data(tmp_path, within)
        assert opening.key == key
        subprocess.run(["sh", "-c", opening.command], check=True)
        assert list(machine.data(tmp_path, within)) == []
        path.chmod(before)


@pytest.mark.parametrize(
    ("opened", "key"),
    [
        ("course", "course_writable"),
        ("course/helpers", "course_files"),
        ("course/nbgrader_config.py", "course_files"),
        ("above", "course_writable"),
    ],
)
def test_code_that_others_can_change_is_refused(tmp_path: Path, opened: str, key: str) -> None:
    root = tmp_path / "above" / "course"
    (root / "helpers").mkdir(parents=True)
    (root / "nbgrader_config.py").touch()
    assert list(course_files.code(root)) == []
    path = tmp_path / "above" / opened if opened != "above" else tmp_path / opened
    path.chmod(path.stat().st_mode | 0o002)
    (opening,) = course_files.code(root)
    assert opening.key == key
    assert opening.runs_code
    subprocess.run(["sh", "-c", opening.command], check=True)
    assert list(course_files.code(root)) == []


def test_a_shared_course_is_its_groups(tmp_path: Path) -> None:
    root = tmp_path / "of us all"
    inner = root / "autograded" / "ada" / "it's"
    inner.mkdir(parents=True)
    (inner / "page").touch()
    places = [root / "autograded", root / "gradebook.db"]
    for path in (root, root / "autograded", root / "autograded" / "ada"):
        path.chmod(0o2770)
    openings = list(course_files.group(root, places, True))
    assert [opening.key for opening in openings] == ["group_cannot_write"]
    root.chmod(0o770)
    openings = list(course_files.group(root, places, True))
    assert [opening.key for opening in openings] == ["group_inherits", "group_cannot_write"]
    for opening in openings:
        subprocess.run(["sh", "-e", "-c", opening.command], check=True)
    assert list(course_files.group(root, places, True)) == []
    assert stat.S_IMODE(inner.stat().st_mode) & 0o2070 == 0o2070


def test_a_group_of_everybody_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everybody's first group is one and the same, mode 640 keeps nobody out."""
    (tmp_path / "gradebook.db").touch(0o640)
    tmp_path.chmod(0o750)
    places = [tmp_path / "gradebook.db"]
    assert list(course_files.group(tmp_path, places, False)) == []
    account = pwd.struct_passwd(("zoe", "x", 4321, tmp_path.stat().st_gid, "", "/", "/bin/sh"))
    monkeypatch.setattr(course_files, "getpwall", lambda: [account])
    (opening,) = course_files.group(tmp_path, places, False)
    assert "zoe" in opening.sentence()
    subprocess.run(["sh", "-c", opening.command], check=True)
    assert list(course_files.group(tmp_path, places, False)) == []


def test_names_with_spaces_are_closed_too(tmp_path: Path) -> None:
    folder = tmp_path / "a folder; of $HOME"
    folder.mkdir()
    folder.chmod(0o777)
    (opening,) = imported_folders.openings("imported", [str(folder), ""])
    subprocess.run(["sh", "-c", opening.command], check=True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o775


def test_a_folder_above_an_imported_one_counts(tmp_path: Path) -> None:
    (tmp_path / "above" / "modules").mkdir(parents=True)
    folders = [str(tmp_path / "above" / "modules")]
    assert open_to_all(folders) == []
    (tmp_path / "above").chmod(0o777)
    assert open_to_all(folders) == [str(tmp_path / "above")]
    # Nobody moves what is another's there.
    (tmp_path / "above").chmod(0o1777)
    assert open_to_all(folders) == []


def test_keys_of_a_cluster_are_their_owners(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch(0o644)
    with dask.config.set({"distributed.comm.tls": {"client": {"key": str(key), "cert": "c"}}}):
        (opening,) = machine.keys()
        subprocess.run(["sh", "-c", opening.command], check=True)
        assert list(machine.keys()) == []


def test_no_sandbox_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise SandboxUnavailable("It is not there.")

    monkeypatch.setattr(sandbox, "check_available", missing)
    for allowed, key in ((False, "no_sandbox"), (True, "unsandboxed")):
        (opening,) = machine.sandboxes(allowed)
        assert opening.key == key
        assert opening.runs_code is allowed
        assert "It is not there." in opening.sentence()
        assert opening.command


@pytest.mark.site
@needs_root
def test_a_folder_of_a_students_is_none_of_the_courses(course: ScratchCourse) -> None:
    """With mode 777 a student puts up one in the place of the course's."""
    course.exchange.chmod(0o777)
    place = course.exchange / COURSE_ID
    give(place)
    for command in ("collect", "release_assignment", "release_feedback"):
        with pytest.raises(CommandFailed) as failed:
            course.nbgrader(command, ASSIGNMENT)
        assert "is none of its instructors" in " ".join(failed.value.output.split())
        # And nobody does so again.
        assert stat.S_IMODE(course.exchange.stat().st_mode) == 0o1777
    code, printed = check(course)
    assert code == 1
    close(course, printed)
    course.nbgrader("release_assignment", ASSIGNMENT)
    assert stat.S_IMODE((place / "inbound").stat().st_mode) == 0o3733


@pytest.mark.site
def test_every_grading_runs_the_quick_part(course: ScratchCourse) -> None:
    course.exchange.chmod(0o777)
    batch = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT]
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    for command in (batch, [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]):
        done = subprocess.run(
            command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert f"chmod 1777 {course.exchange}" in done.stderr
    Path(course.root).chmod(0o757)
    let_through(course.root.parent)
    done = subprocess.run(
        batch, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "chmod o-w" in done.stderr


def test_files_that_everybody_can_change_where_python_imports_from(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "package"
    package.mkdir(parents=True)
    (package / "module.py").touch(0o644)
    tmp_path.chmod(0o755)
    names = [str(tmp_path), str(tmp_path / "packages")]
    assert list(imported_folders.files_within(names)) == []
    (package / "module.py").chmod(0o666)
    (opening,) = imported_folders.files_within(names)
    assert "module.py" in opening.sentence()
    assert opening.command == f"chmod -R o-w {tmp_path}"
    package.chmod(0o750)
    assert list(imported_folders.files_within(names)) == [], "nobody else comes as far"


def test_the_quick_part_is_quick(course: ScratchCourse) -> None:
    app = NbGrader()
    app.initialize([f"--course-dir={course.root}"])
    site = site_of(app.coursedir, app)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        list(quick_check(site))
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05


def test_a_sentence_for_each_opening_in_each_language() -> None:
    paths = dict.fromkeys(
        ("path", "example", "names", "course", "mode", "user", "why", "group", "people"), "x"
    )
    for path in (COURSE_ROOT / "grading").rglob("*.py"):
        for key in re.findall(r'\bOpening\(\s*"(\w+)"', path.read_text(encoding="utf-8")):
            for language in LANGUAGES:
                assert "{" not in Opening(key, "", paths).sentence(language)
