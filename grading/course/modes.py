"""Who may read what a course makes: its instructors' group, and nobody else on the machine."""

import os
import stat
from pathlib import Path

from grading.course.openings import replaceable, writable_by_all

_OTHERS = 0o007
_GROUP_WRITES = 0o020


def umask(groupshared: bool) -> int:
    """Return what new files are made without: others, and writing by the group unless shared."""
    return _OTHERS if groupshared else _OTHERS | _GROUP_WRITES


def for_group_alone(path: Path, groupshared: bool = False) -> None:
    """Give a file or folder of ours, and all in it, to the group, as `umask` does with new ones.

    Others lose every right; the group may do what the owner may if `groupshared`, else it does not
    write. No link is followed; what belongs to somebody else stays as it is.
    """
    _restrict(path, groupshared)
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                _restrict(Path(folder) / name, groupshared)


def _restrict(path: Path, groupshared: bool) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    before = stat.S_IMODE(found.st_mode)
    after = before & ~umask(groupshared)
    if groupshared:
        after |= (before & stat.S_IRWXU) >> 3
    ordinary = stat.S_IFMT(found.st_mode) in (stat.S_IFREG, stat.S_IFDIR)
    if ordinary and after != before and os.geteuid() in (0, found.st_uid):
        path.chmod(after)


def open_to_all(folders: list[str]) -> list[str]:
    """Return what everybody on the machine can write to: of the folders, and of those above them.

    Whoever can write to a folder above one puts another in its place.
    """
    found: dict[str, None] = {}
    for folder in dict.fromkeys(os.path.abspath(name) for name in folders):
        if os.path.isdir(folder):
            found |= dict.fromkeys(str(path) for path in writable_by_all(Path(folder)))
    return list(found)


def private_folder(path: Path) -> Path:
    """Make a folder for this user alone, and those above it that are missing; return it.

    Whatever the umask is. What is there already stays as it is.

    Raises:
        OSError: it cannot be made, or is no folder.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def is_own(path: Path) -> bool:
    """Tell whether a folder is this user's, reached by no link, and nobody else can change it."""
    entry = path.lstat()
    is_folder = stat.S_ISDIR(entry.st_mode) and entry.st_uid == os.geteuid()
    return is_folder and not entry.st_mode & 0o022 and not list(replaceable(path))
