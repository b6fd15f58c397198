"""Tests that the package installs as it promises: on every Python from the oldest it names."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

COURSE_ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = re.findall(
    r"^([\w.-]+)==(\S+)$", (COURSE_ROOT / "constraints.txt").read_text(), re.MULTILINE
)


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = (COURSE_ROOT / "constraints.txt").read_text().splitlines()
    assert len(CONSTRAINTS) == len([line for line in lines if line and not line.startswith("#")])


@pytest.mark.parametrize(("name", "version"), CONSTRAINTS, ids=[name for name, _ in CONSTRAINTS])
def test_constraint_is_what_the_tests_run_with(name: str, version: str) -> None:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        pytest.skip("not needed on this system or by this Python")
    assert installed.version == version


def test_every_package_installs_on_the_oldest_python() -> None:
    project = tomllib.loads((COURSE_ROOT / "pyproject.toml").read_text())["project"]
    # pip takes the constraint on every Python, so one package that wants a later patch release
    # makes the whole set impossible to install.
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    pinned = {name.lower().replace("_", "-") for name, _ in CONSTRAINTS}
    packages = {
        package.name: package.metadata["Requires-Python"]
        for package in distributions()
        if package.name.lower().replace("_", "-") in pinned
        and "Requires-Python" in package.metadata
    }
    assert packages
    assert {
        name for name, python in packages.items() if oldest not in SpecifierSet(python)
    } == set()
