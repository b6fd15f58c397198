"""A clone of the course, as a newcomer has it: what git has, and nothing that was built."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scratch_course import COURSE_ROOT


def clone_course(target: Path) -> None:
    """Copy what git has, and what it would be given by the next commit."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=COURSE_ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("needs git, and the course to be its repository")
    for name in filter(None, os.fsdecode(listing.stdout).split("\0")):
        source = COURSE_ROOT / name
        if source.is_symlink() or source.exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name, follow_symlinks=False)
