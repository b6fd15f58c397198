"""Tests which installed packages submissions may import, wherever Python has them from."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from grading.sandbox import SandboxUnavailable, packages
from tests.sandboxes import skip_without_sandbox
from tests.scratch_course import COURSE_ROOT

PACKAGES = sysconfig.get_path("purelib")
GRADE = """
import nbformat.v4 as v4, pathlib, sys
from grading import sandbox
from grading.submission import Limits, Surroundings
sandbox.check_available(["torch"])
cell = v4.new_code_cell("import extra, zmq; print(extra.answer)")
run = sandbox.execute(v4.new_notebook(cells=[cell]), pathlib.Path("files"), Surroundings())
print(run.notebook.cells[0].outputs)
"""


def package(folder: Path, name: str = "extra") -> Path:
    """Install a package of one line into a folder, as far as pip would be seen to have."""
    (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
    (folder / f"{name}.py").write_text("answer = 'from the extra package'")
    return folder


def test_only_folders_of_packages_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a person's own folder, nor one with the course in it, whatever lies there."""
    wanted, own, course = package(tmp_path / "wanted"), tmp_path / "own", package(tmp_path / "up")
    own.mkdir()
    (course / "course").mkdir()
    monkeypatch.chdir(course / "course")
    folders = [str(path) for path in (wanted, own, course, COURSE_ROOT, tmp_path / "none")]
    monkeypatch.setattr(sys, "path", [*folders, "", *sys.path])
    shown = [Path(word) for word in packages.mounts()]
    assert wanted in shown
    assert not {own, course, COURSE_ROOT, course / "course"} & {*shown}
    # As Python looks for them: what comes before the environment's own goes before it.
    assert shown.index(wanted) < shown.index(Path(PACKAGES).resolve())
    assert len(packages.paths()) == len([path for path in shown if path.parent.name == "packages"])


def test_what_submissions_could_not_import_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lone_module.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    packages.require(["torch.nn", "no_such_module", "sys"])
    with pytest.raises(SandboxUnavailable, match=f"cannot import lone_module, .*{tmp_path}"):
        packages.require(["torch", "lone_module.part"])


@pytest.mark.site
@pytest.mark.slow
@pytest.mark.parametrize("way", ["PYTHONPATH", ".pth file", "user site"])
def test_a_python_that_has_its_packages_from_elsewhere(tmp_path: Path, way: str) -> None:
    skip_without_sandbox()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    python, more = str(tmp_path / "venv" / "bin" / "python"), package(tmp_path / "more")
    lines = f"{PACKAGES}\n{more}\n{COURSE_ROOT}\n"
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if way == "user site":
        site = tmp_path / "home" / "lib" / name / "site-packages"
        package(site).joinpath("elsewhere.pth").write_text(lines)
        environment["PYTHONUSERBASE"] = str(tmp_path / "home")
        python = str(base)
    else:
        command = [str(base), "-m", "venv", "--without-pip", str(tmp_path / "venv")]
        subprocess.run(command, check=True)
        site = tmp_path / "venv" / "lib" / name / "site-packages"
        if way == ".pth file":
            (site / "elsewhere.pth").write_text(lines)
        else:
            environment["PYTHONPATH"] = lines.strip().replace("\n", os.pathsep)
    (tmp_path / "files").mkdir()
    done = subprocess.run(
        [python, "-c", GRADE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "from the extra package" in done.stdout, done.stderr
