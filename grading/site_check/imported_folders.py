"""Folders that programs and modules are taken from: who can write there has code run by others."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISLNK, S_IWOTH, S_IXOTH

from grading.course.modes import open_to_all
from grading.course.openings import Opening, change_mode


def openings(key: str, folders: Iterable[str]) -> Iterator[Opening]:
    """Yield the folders that everybody can write to, in a sentence of the name `key`."""
    for folder in open_to_all([name for name in folders if os.path.isdir(name or ".")]):
        command = change_mode("o-w", [Path(folder)])
        yield Opening(key, command, {"path": folder}, runs_code=True)


def files_within(folders: Iterable[str]) -> Iterator[Opening]:
    """Yield the folders in which everybody can write to a file or folder; each is looked at.

    But for what lies in folders that others may not enter, whatever its modes are.
    """
    real = {os.path.realpath(name) for name in folders}
    for folder in sorted(real):
        if any(folder.startswith(os.path.join(other, "")) for other in real - {folder}):
            continue
        if (first := _first_writable(folder)) is not None:
            command = change_mode("o-w", [Path(folder)], below=True)
            values = {"path": folder, "example": first}
            yield Opening("imported_files", command, values, runs_code=True)


def _first_writable(root: str) -> Path | None:
    for folder, folders, files in os.walk(root):
        if not os.stat(folder).st_mode & S_IXOTH:
            folders.clear()
            continue
        for name in sorted((*folders, *files)):
            # There are tens of thousands, and a Path takes longer than the look at a file.
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if mode & S_IWOTH and not S_ISLNK(mode):
                return Path(path)
    return None
