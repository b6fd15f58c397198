"""Reads the expected differences: `differences.toml`, by kind, each with its reason."""

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_package = find_spec("nbgrader")
assert _package is not None
assert _package.origin is not None
TESTS = Path(_package.origin).parent / "tests" / "apps"
_LIST = Path(__file__).with_name("differences.toml")


class Kind(NamedTuple):
    """Tests that end differently for one reason."""

    reason: str
    tests: tuple[str, ...]


def kinds() -> dict[str, Kind]:
    """Return the kinds of differences by name."""
    listed = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    return {name: Kind(kind["reason"], tuple(kind["tests"])) for name, kind in listed.items()}
