"""Tests that the package installs as it promises: on every Python from the oldest it names."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

COURSE_ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = re.findall(
    r"^([\w.-]+)==(\S+)$", (COURSE_ROOT / "constraints.txt").read_text(), re.MULTILINE
)


def installed() -> dict[str, Distribution]:
    """Return what Python imports, by name; setuptools, once imported, adds what it brings along."""
    return _installed_in(tuple(entry for entry in sys.path if not entry.endswith("_vendor")))


@cache  # a third of a second for each of a hundred constraints otherwise
def _installed_in(path: tuple[str, ...]) -> dict[str, Distribution]:
    packages = reversed([*distributions(path=list(path))])
    return {_normal(package.name): package for package in packages}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = (COURSE_ROOT / "constraints.txt").read_text().splitlines()
    assert len(CONSTRAINTS) == len([line for line in lines if line and not line.startswith("#")])


@pytest.mark.parametrize(("name", "version"), CONSTRAINTS, ids=[name for name, _ in CONSTRAINTS])
def test_constraint_is_what_the_tests_run_with(name: str, version: str) -> None:
    package = installed().get(_normal(name))
    if package is None:
        pytest.skip("not needed on this system or by this Python")
    assert package.version == version


def test_what_setuptools_brings_along_is_not_taken_for_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, version = next(pin for pin in CONSTRAINTS if _normal(pin[0]) in installed())
    vendored = tmp_path / "setuptools" / "_vendor"
    metadata = vendored / f"{name.replace('-', '_')}-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(str(vendored))
    assert installed()[_normal(name)].version == version


def test_every_package_installs_on_the_oldest_python() -> None:
    project = tomllib.loads((COURSE_ROOT / "pyproject.toml").read_text())["project"]
    # pip takes the constraint on every Python, so one package that wants a later patch release
    # makes the whole set impossible to install.
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    pinned = {_normal(name) for name, _ in CONSTRAINTS}
    packages = {
        name: package.metadata["Requires-Python"]
        for name, package in installed().items()
        if name in pinned and "Requires-Python" in package.metadata
    }
    assert packages
    assert {
        name for name, python in packages.items() if oldest not in SpecifierSet(python)
    } == set()
