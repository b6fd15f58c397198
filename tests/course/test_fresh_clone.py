"""Tests the README's commands as a newcomer types them: in a clone, through a real exchange."""

import os
import pwd
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.clone import clone_course
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT

pytestmark = [pytest.mark.site, pytest.mark.slow, pytest.mark.timeout(900)]

README = (COURSE_ROOT / "README.md").read_text(encoding="utf-8")
EXCHANGE = Path("/usr/local/share")
COURSE_ID = "weight-initialization"


def _blocks(heading: str) -> list[str]:
    """Return the blocks of commands below a heading of the README."""
    text = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _environment(clone: Path) -> None:
    """Give the clone an environment: this one, since to install another takes minutes."""
    own = clone / ".venv"
    own.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != "installed":
            (own / path.name).symlink_to(path)
    (own / "installed").touch()


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory, any_data: str) -> Path:
    """Type the README's commands, students' and instructors'; return the folder of it all.

    The exchange lies where nbgrader looks for it, in a view of the file system of its own.
    """
    skip_without_sandbox()
    folder = tmp_path_factory.mktemp("fresh")
    clone, student, site = folder / "ein Kurs für Köln", folder / "student", folder / "site"
    for made in (clone, student, site, folder / "share"):
        made.mkdir()
    clone_course(clone)
    _environment(clone)
    # What other tests have trained needs no training again; the folder is no matter of the README.
    recorded = COURSE_ROOT / "build" / "recorded_runs"
    (site / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.SandboxedExecute.recorded_runs = {str(recorded)!r}\n"
    )
    exchange, instructors, *later = _blocks("For instructors")
    fetch, _install, submit = _blocks("For students")
    before, collect, after = instructors.partition("nbgrader collect")
    own = f"cd {shlex.quote(str(student))}"
    course = f"cd {shlex.quote(str(clone))}"
    script = [exchange, course, before, own, fetch, f"cd {ASSIGNMENT}", "cd ..", submit]
    script += [_others(), course, collect + after, *later]
    script += [own, f"nbgrader fetch_feedback {ASSIGNMENT} --course {COURSE_ID}"]
    typed = "\n".join(map(_stopped, script))
    view = ["--dev-bind", "/", "/", "--cap-add", "ALL", "--die-with-parent"]
    view += ["--bind", str(folder / "share"), str(EXCHANGE)]
    settings = {"JUPYTER_CONFIG_DIR": str(site), "JUPYTER_DATA_DIR": str(site)}
    done = subprocess.run(
        ["bwrap", *view, "bash", "-e", "-c", typed],
        env={**os.environ, **settings, "FASHION_MNIST": any_data},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (folder / "said").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    return folder


def _stopped(typed: str) -> str:
    """Return the commands with a SIGTERM for what stays running, as soon as it serves."""
    return re.sub(
        r"^(python -m grading serve .*)$",
        r"\1 > served & until grep -q ^Serving served; do sleep 0.5; done; kill $!; wait $!",
        typed,
        flags=re.MULTILINE,
    )


def _others() -> str:
    """Let root hand in for other students as well: what a solved and a blank notebook are."""
    if os.getuid() != 0:
        return ""
    source = COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    lines = []
    for student in ("games", "news"):
        name = f"{student}+{ASSIGNMENT}+2026-01-01 00:00:00.000000 UTC+0"
        place = shlex.quote(f"{EXCHANGE}/nbgrader/exchange/{COURSE_ID}/inbound/{name}")
        lines.append(f"cp -r {ASSIGNMENT} {place}")
        if student == "games":
            lines.append(f"cp {shlex.quote(str(source))} {place}")
        lines.append(f"chown -R {student} {place}")
    return "\n".join(lines)


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def test_everybody_is_graded(typed: Path) -> None:
    clone = typed / "ein Kurs für Köln"
    with Gradebook(f"sqlite:///{clone / 'gradebook.db'}") as gradebook:
        submissions = gradebook.assignment_submissions(ASSIGNMENT)
        scores = {submission.student.id: submission.score for submission in submissions}
    expected = {_me(): 0.0}
    if os.getuid() == 0:
        expected |= {"games": 20.0, "news": 0.0}
    assert scores == expected
    graded = {path.parent.parent.name for path in (clone / "autograded").glob("*/*/*.ipynb")}
    assert graded == set(expected)


def test_feedback_is_released_and_fetched(typed: Path) -> None:
    released = typed / "share" / "nbgrader" / "exchange" / COURSE_ID / "feedback"
    assert len(list(released.glob("*.html"))) >= 1
    (page,) = (typed / "student").glob(f"{ASSIGNMENT}/feedback/*/*.html")
    assert "0 of 26 points" in page.read_text(encoding="utf-8")


def test_grades_are_exported_and_the_class_is_reported(typed: Path) -> None:
    clone = typed / "ein Kurs für Köln"
    rows = (clone / "grades.csv").read_text().splitlines()
    assert len(rows) >= 2
    assert any(f",{_me()}," in row for row in rows)
    assert (clone / "reports" / f"{ASSIGNMENT}.html").is_file()


def test_nothing_was_skipped_or_ended_in_a_traceback(typed: Path) -> None:
    said = (typed / "said").read_text()
    assert "Traceback" not in said
    assert "Skipping existing assignment" not in said


def test_what_is_built_is_not_tracked() -> None:
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "release", "submitted", "autograded"],
        cwd=COURSE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("needs git, and the course to be its repository")
    assert {Path(name).name for name in listing.stdout.split()} == {"README.md"}
