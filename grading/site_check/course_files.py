"""The files of a course: who can read what students should not, and who can write to its code."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from grp import getgrgid
from pathlib import Path
from pwd import getpwall
from stat import (
    S_IMODE,
    S_IRGRP,
    S_IRWXO,
    S_ISDIR,
    S_ISGID,
    S_ISLNK,
    S_IWGRP,
    S_IWOTH,
    S_IXGRP,
    S_IXOTH,
)

from grading.course.names import listed
from grading.course.openings import Opening, change_mode, status, writable_by_all

# What nbgrader's folders hold beside the course's: a text that says what they are for.
_PUBLIC = ("README.md", ".gitkeep", ".gitignore")
_DEPTH, _ANY_DEPTH = 1, 1000
# By default the number of the first person, and of the user that has no rights.
_FIRST_PERSON, _NOBODY = 1000, 65534


def code(root: Path, *, whole: bool = False) -> Iterator[Opening]:
    """Yield what everybody can write to of a course: its settings and packages are code.

    Args:
        root: of the course.
        whole: look at every file, not at the first two levels alone.
    """
    for folder in writable_by_all(root):
        # A sticky bit is enough above the course, as in /tmp, and may be all that fits there.
        change = "o-w" if folder == root else "+t"
        command = change_mode(change, [folder])
        yield Opening("course_writable", command, {"path": folder}, runs_code=True)
    mode = root.stat().st_mode
    first = _first(root, S_IWOTH, _ANY_DEPTH if whole else _DEPTH) if mode & S_IXOTH else None
    if first is not None:
        command = change_mode("o-w", [root], below=True)
        yield Opening("course_files", command, {"path": root, "example": first}, runs_code=True)


def private(root: Path, places: Sequence[Path], *, whole: bool = False) -> Iterator[Opening]:
    """Yield what everybody can read of what students should not.

    Args:
        root: of the course.
        places: what is private, there or not.
        whole: look at every file, not at the first two levels alone.
    """
    if not root.stat().st_mode & S_IXOTH:
        places = [path for path in places if not path.is_relative_to(root)]
    depth = _ANY_DEPTH if whole else _DEPTH
    wide = [path for path in places if status(path) and _is_open(path, depth)]
    if wide:
        named = [path.relative_to(root) if path.is_relative_to(root) else path for path in wide]
        command = change_mode("o-rwx", wide, below=True)
        yield Opening("private", command, {"course": root, "names": listed(named)})


def secret(path: Path, shared: bool) -> Iterator[Opening]:
    """Yield that others than the owner, or the group of a shared course, can read the secret."""
    entry = status(path)
    wanted = 0o660 if shared else 0o600
    if entry is not None and S_IMODE(entry.st_mode) & ~wanted:
        command = change_mode(f"{wanted:o}", [path])
        yield Opening("secret", command, {"path": path, "mode": f"{S_IMODE(entry.st_mode):o}"})


def group(root: Path, places: Sequence[Path], shared: bool) -> Iterator[Opening]:
    """Yield what a group can do in a course that no group shares, or cannot in one that it does.

    In some systems one group has everybody for a member.
    """
    entry = root.stat()
    if not shared:
        members = people_of(entry.st_gid, but=entry.st_uid)
        wide = [path for path in places if (each := status(path)) and each.st_mode & S_IRGRP]
        if members and wide and entry.st_mode & S_IXGRP:
            values = {"path": root, "group": group_name(entry.st_gid), "people": listed(members)}
            yield Opening("group_reads", change_mode("g-rwx", [root]), values)
        return
    if not entry.st_mode & S_ISGID:
        yield Opening("group_inherits", change_mode("g+s", [root]), {"path": root})
    narrow = [path for path in places if status(path) and _is_kept_from(path, entry.st_gid)]
    if narrow:
        name = group_name(entry.st_gid)
        quoted = shlex.join(map(str, narrow))
        command = (
            f"chgrp -R {shlex.quote(name)} {quoted} && {change_mode('g+rwX', narrow, below=True)} "
            f"&& find {quoted} -type d -exec chmod g+s {{}} +"
        )
        values = {"names": listed([path.name for path in narrow]), "group": name}
        yield Opening("group_cannot_write", command, values)


def group_name(number: int) -> str:
    """Return a group's name; its number where it has none."""
    try:
        return getgrgid(number).gr_name
    except KeyError:
        return str(number)


def people_of(number: int, but: int) -> list[str]:
    """Return the accounts of persons that are in a group, but for the user `but`."""
    try:
        named = set(getgrgid(number).gr_mem)
    except KeyError:
        named = set()
    return sorted(
        account.pw_name
        for account in getpwall()
        if (account.pw_gid == number or account.pw_name in named)
        and account.pw_uid != but
        and _FIRST_PERSON <= account.pw_uid < _NOBODY
    )


def _is_open(path: Path, depth: int) -> bool:
    """Tell whether everybody has some right on a file, or on some file in a folder."""
    mode = path.lstat().st_mode
    if S_ISLNK(mode) or not mode & S_IRWXO:
        return False
    if not S_ISDIR(mode) or depth < 0:
        return True
    # A folder that cannot be listed can still be entered by who knows a name.
    return any(_is_open(each, depth - 1) for each in path.iterdir() if each.name not in _PUBLIC)


def _is_kept_from(path: Path, group: int) -> bool:
    """Tell whether a group cannot write to a file, to a folder, or to something in it."""
    entry = path.lstat()
    if S_ISLNK(entry.st_mode):
        return False
    if entry.st_gid != group or not entry.st_mode & S_IWGRP:
        return True
    return S_ISDIR(entry.st_mode) and any(_is_kept_from(each, group) for each in path.iterdir())


def _first(folder: Path, right: int, depth: int) -> Path | None:
    """Return the first file or folder below one that everybody has a right on."""
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if S_ISLNK(mode) or str(path) == sys.prefix:
            # An environment is looked at as what is imported.
            continue
        if mode & right:
            return path
        if S_ISDIR(mode) and depth > 0 and mode & S_IXOTH:
            inner = _first(path, right, depth - 1)
            if inner is not None:
                return inner
    return None
