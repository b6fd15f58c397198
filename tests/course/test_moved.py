"""Tests that a course's environment works on after its folder was moved."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scratch_course import COURSE_ROOT


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def make_course(folder: Path) -> None:
    """Make a folder with what `make help` needs of a course."""
    (folder / "grading").mkdir(parents=True)
    shutil.copy(COURSE_ROOT / "Makefile", folder)
    shutil.copytree(COURSE_ROOT / "grading" / "course", folder / "grading" / "course")
    (folder / "grading" / "__init__.py").touch()


def make_environment(course: Path) -> Path:
    """Give a course an environment without packages; return it."""
    python = str(sys._base_executable)  # type: ignore[attr-defined]
    assert shell(course, f"{python} -m venv --without-pip .venv").returncode == 0
    return course / ".venv"


@pytest.mark.parametrize("name", ["moved", "ein Kurs für Köln"])
def test_make_mends_what_names_the_old_folder(tmp_path: Path, name: str) -> None:
    old, new = tmp_path / "old", tmp_path / name
    make_course(old)
    environment = make_environment(old)
    # As pip installs a command, and the course's package.
    command = environment / "bin" / "nbgrader"
    command.write_text(
        f"#!{old}/.venv/bin/python\nimport sys, grading\nprint(sys.prefix, grading)\n"
    )
    command.chmod(0o755)
    packages = next(environment.glob("lib/python3*/site-packages"))
    (packages / "__editable__.course.pth").write_text(f"{old}\n")
    activated = "source .venv/bin/activate && cd / && nbgrader"
    assert f"{old}/.venv" in shell(old, activated).stdout

    old.rename(new)
    assert shell(new, activated).returncode != 0
    mended = shell(new, "make help")
    assert f"This folder was {old} before" in mended.stderr
    assert "run the whole course" in mended.stdout
    printed = shell(new, activated)
    assert f"{new}/.venv" in printed.stdout, printed.stderr
    assert f"{new}/grading" in printed.stdout
    again = shell(new, "make help")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("linked", ["the environment", "its parts"])
def test_an_environment_that_links_lead_to_has_not_moved(tmp_path: Path, linked: str) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    make_course(own)
    make_course(other)
    environment, borrowed = make_environment(own), other / ".venv"
    command = environment / "bin" / "nbgrader"
    command.write_text(f"#!{environment}/bin/python\n")
    before = {path: path.read_bytes() for path in (command, environment / "pyvenv.cfg")}
    if linked == "the environment":
        borrowed.symlink_to(environment)
    else:
        borrowed.mkdir()
        for path in environment.iterdir():
            (borrowed / path.name).symlink_to(path)
    assert shell(other, "make help").stderr == ""
    assert {path: path.read_bytes() for path in before} == before
