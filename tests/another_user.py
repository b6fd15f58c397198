"""Runs a command as a Unix user that no account has; only root can."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = 60999


@contextmanager
def folder_of_another_user() -> Iterator[Path]:
    """Make a folder that belongs to that user, and to nobody else."""
    if os.geteuid() != 0:
        pytest.skip("needs root, which alone can be another user")
    with tempfile.TemporaryDirectory(prefix="another-user-") as name:
        os.chown(name, USER, USER)
        yield Path(name)


def run_as_another_user(
    *command: str | Path, home: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as that user, in `home`; root's own folder shows the interpreter alone."""
    mounts = ["--dev-bind", "/", "/", "--tmpfs", str(Path.home())]
    for path in (sys.base_prefix, sys.prefix, Path(__file__).parents[1]):
        # Also where it is a link to a folder elsewhere.
        if Path(path).resolve().is_relative_to(Path.home()):
            mounts += ["--ro-bind", str(Path(path).resolve()), str(Path(path).resolve())]
    change = ["/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return subprocess.run(
        ["bwrap", *mounts, "--chdir", str(home), "--", *change, "--", *map(str, command)],
        env=os.environ | {"HOME": str(home), "TMPDIR": str(home)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
