"""Runs commands as another Unix user, also where Python itself lies in a folder closed to them."""

import os
import shutil
import sys
from pathlib import Path

import pytest

OTHER = 64_999
"""A user id that nobody has."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="acts as another user: needs root and setpriv",
)


def as_other_user(*command: str) -> list[str]:
    """Return the command that runs `command` as the user OTHER."""
    base = Path(sys.base_prefix).resolve()
    closed = [path for path in (base, *base.parents) if not path.stat().st_mode & 0o001]
    opened = []
    if closed:
        opened = ["--tmpfs", str(closed[-1]), "--ro-bind", str(base), str(base)]
    outside = ["bwrap", "--dev-bind", "/", "/", *opened, "--cap-add", "ALL", "--die-with-parent"]
    who = ["setpriv", "--reuid", str(OTHER), "--regid", str(OTHER), "--clear-groups"]
    return [*outside, "--", *who, "--", *command]


def give(folder: Path) -> None:
    """Give a folder and all in it to OTHER; a link's target stays whose it is."""
    os.chown(folder, OTHER, OTHER)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(path, name), OTHER, OTHER, follow_symlinks=False)
