"""Runs commands as another Unix user, also where Python itself lies in a folder closed to them."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

COURSE_ROOT = Path(__file__).resolve().parents[1]
OTHER = 64_999
"""A user id that nobody has."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="acts as another user: needs root and setpriv",
)


def opened(*paths: Path) -> list[str]:
    """Return bwrap's arguments by which everybody reaches paths that lie in closed folders."""
    arguments: list[str] = []
    for path in paths:
        closed = [str(above) for above in path.resolve().parents if not above.stat().st_mode & 1]
        if closed:
            arguments += [] if closed[-1] in arguments else ["--tmpfs", closed[-1]]
            for above in reversed(path.resolve().parents):
                if above.is_relative_to(closed[-1]) and str(above) != closed[-1]:
                    arguments += ["--perms", "0755", "--dir", str(above)]
            arguments += ["--ro-bind", str(path.resolve()), str(path.resolve())]
    return arguments


def as_other_user(*command: str, user: int = OTHER, groups: Sequence[int] = ()) -> list[str]:
    """Return the command that runs `command` as a user, with a group of their own and `groups`."""
    reached = opened(Path(sys.base_prefix), Path(sys.prefix), COURSE_ROOT)
    outside = ["bwrap", "--dev-bind", "/", "/", *reached, "--cap-add", "ALL", "--die-with-parent"]
    who = ["setpriv", "--reuid", str(user), "--regid", str(user)]
    who += ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return [*outside, "--", *who, "--", *command]


def let_through(folder: Path) -> None:
    """Let everybody pass to a folder of pytest's, which lies in some that are its user's alone."""
    for path in (folder, *folder.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o011)


def give(folder: Path) -> None:
    """Give a folder and all in it to OTHER; a link's target stays whose it is."""
    os.chown(folder, OTHER, OTHER)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(path, name), OTHER, OTHER, follow_symlinks=False)
