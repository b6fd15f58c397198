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


@pytest.mark.parametrize("name", ["moved", "ein Kurs für Köln"])
def test_make_mends_what_names_the_old_folder(tmp_path: Path, name: str) -> None:
    old, new = tmp_path / "old", tmp_path / name
    (old / "grading").mkdir(parents=True)
    shutil.copy(COURSE_ROOT / "Makefile", old)
    shutil.copytree(COURSE_ROOT / "grading" / "course", old / "grading" / "course")
    (old / "grading" / "__init__.py").touch()
    python = str(sys._base_executable)  # type: ignore[attr-defined]
    assert shell(old, f"{python} -m venv --without-pip .venv").returncode == 0
    # As pip installs a command, and the course's package.
    command = old / ".venv" / "bin" / "nbgrader"
    command.write_text(
        f"#!{old}/.venv/bin/python\nimport sys, grading\nprint(sys.prefix, grading)\n"
    )
    command.chmod(0o755)
    packages = next(old.glob(".venv/lib/python3*/site-packages"))
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


def test_an_environment_that_a_link_leads_to_has_not_moved(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        (folder / "grading").mkdir(parents=True)
        shutil.copy(COURSE_ROOT / "Makefile", folder)
        shutil.copytree(COURSE_ROOT / "grading" / "course", folder / "grading" / "course")
        (folder / "grading" / "__init__.py").touch()
    python = str(sys._base_executable)  # type: ignore[attr-defined]
    assert shell(own, f"{python} -m venv --without-pip .venv").returncode == 0
    command = own / ".venv" / "bin" / "nbgrader"
    command.write_text(f"#!{own}/.venv/bin/python\n")
    before = {path: path.read_bytes() for path in (command, own / ".venv" / "pyvenv.cfg")}
    (other / ".venv").symlink_to(own / ".venv")
    assert shell(other, "make help").stderr == ""
    assert {path: path.read_bytes() for path in before} == before
