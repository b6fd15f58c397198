"""Lets nbgrader find files in a course whose path has signs that stand for others in a pattern.

nbgrader 0.9.6 joins the course's path and a pattern such as `*.ipynb` and hands both to `glob`, to
which `/courses/[2026]` is a folder called 2, 0 or 6: it finds nothing there, and ignores no file.
"""

import glob
import os
from types import SimpleNamespace

from nbgrader import utils
from nbgrader.apps import api
from nbgrader.converters import base
from nbgrader.exchange.default import exchange

_roots: set[str] = set()
"""The roots of courses that this process has read the settings of."""


def install() -> None:
    """Change nbgrader's modules in this process, as far as they look for a course's files."""
    for module in (api, base, exchange, utils):
        module.glob = SimpleNamespace(glob=glob_in_course)


def add(root: str) -> None:
    """Take a course's path for what it says."""
    _roots.add(root)


def glob_in_course(pattern: str, *, include_hidden: bool = False) -> list[str]:
    """Return what matches a pattern, whose beginning is no pattern if it is a course's path."""
    for root in _roots:
        inside = os.path.join(root, "")
        if pattern.startswith(inside):
            escaped = os.path.join(glob.escape(root), pattern.removeprefix(inside))
            return glob.glob(escaped, include_hidden=include_hidden)
    return glob.glob(pattern, include_hidden=include_hidden)
