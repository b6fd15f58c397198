"""Keeps what nbgrader builds of an assignment, so that one notebook after the other can use it.

Building takes nbgrader longer than the rest of a grading. What was built is found by a hash of all
that it was built of; of one assignment the last is kept.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from jupyter_core.paths import jupyter_config_path

from grading.course.modes import private_folder

_BUILT = ("release", "gradebook.db")
_SETTINGS = ("nbgrader_config.py", "nbgrader_config.json")


def release(course: Path, assignment: str, kept: Path, build: Callable[[], object]) -> None:
    """Put an assignment's release and a gradebook that knows of it into a course's folder.

    Args:
        course: with source, packages and settings, and nothing built.
        assignment: its name.
        kept: a folder for what is built; where it cannot be written to, nothing is kept.
        build: builds them in `course`.
    """
    place = kept / f"{assignment}-{_hash_of(course)}"
    if place.is_dir():
        for name in _BUILT:
            _copy(place / name, course / name)
        return
    build()
    with suppress(OSError):
        private_folder(kept)
        # Whole or not at all, whoever else builds the same.
        with tempfile.TemporaryDirectory(prefix=".", dir=kept) as folder:
            half = Path(folder) / place.name
            half.mkdir()
            for name in _BUILT:
                _copy(course / name, half / name)
            for older in kept.glob(f"{assignment}-{'[0-9a-f]' * 64}"):
                shutil.rmtree(older, ignore_errors=True)
            half.rename(place)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _hash_of(course: Path) -> str:
    """Return a hash of what decides what nbgrader builds."""
    hashed = hashlib.sha256(f"{sys.version} {version('nbgrader')}".encode())
    for name, content in _decisive(course):
        for part in (name, content):
            hashed.update(hashlib.sha256(part).digest())
    return hashed.hexdigest()


def _decisive(course: Path) -> Iterator[tuple[bytes, bytes]]:
    for path in sorted(course.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield os.fsencode(path.relative_to(course)), path.read_bytes()
    for folder in jupyter_config_path():
        for name in _SETTINGS:
            with suppress(OSError):
                yield os.fsencode(Path(folder, name)), Path(folder, name).read_bytes()
