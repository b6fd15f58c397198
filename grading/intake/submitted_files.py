"""Finds the files of a submission: what is ordinary, as many as belong to one, however deep.

Somebody may hand in a whole environment, or folders without end. Links are never followed: one
would show the notebook a file of this machine's.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import accumulate, islice
from pathlib import Path

MOST_FILES = 1000
"""Files beside a notebook that are taken."""
_DEEPEST = 20  # folders within each other
_MOST_ENTRIES = 20_000  # files and folders that are looked at
# Bytes of a path within a submission. A system takes 4,096 for a whole one, and a copy lies deeper.
_LONGEST = 1000


@dataclass(frozen=True)
class FoundFiles:
    """The files of a folder.

    Attributes:
        names: relative to it; those nearest to the top first, then by name.
        is_whole: whether there are no more.
        closed: what cannot be read as a file or a folder: links, pipes, what modes forbid.
    """

    names: tuple[Path, ...]
    is_whole: bool
    closed: tuple[Path, ...] = ()


def find_files(folder: Path, ignored: Sequence[str] = (), first: Sequence[str] = ()) -> FoundFiles:
    """Return the regular files of a folder, as many as a submission may have.

    Left out are what is hidden, which tools keep and no notebook reads, and what Python compiled.

    Args:
        folder: where to look.
        ignored: patterns of names of files and folders that are passed over.
        first: names in the folder itself that come before all others.
    """
    names = [Path(name) for name in first if _is_regular(folder / name)]
    closed: list[Path] = []
    waiting = deque([Path()])
    left = _MOST_ENTRIES
    is_whole = True
    while waiting and len(names) <= MOST_FILES:
        place = waiting.popleft()
        entries = list(_looked_at(folder / place, left))
        left -= len(entries)
        files, folders, others = _sorted(entries, ignored)
        closed += [place / name for name in others if fits(place / name)]
        paths = [place / name for name in files if place.parts or name not in first]
        names += filter(fits, paths)
        is_end = left <= 0 or len(place.parts) >= _DEEPEST
        inner = [] if is_end else [place / name for name in folders if fits(place / name)]
        waiting.extend(inner)
        are_all = len(inner) == len(folders) and all(map(fits, paths))
        is_whole = is_whole and left > 0 and are_all
    is_whole = is_whole and len(names) <= MOST_FILES
    return FoundFiles(tuple(names[:MOST_FILES]), is_whole, tuple(closed))


def fits(name: Path) -> bool:
    """Tell whether a file's path within a submission is short enough to be copied anywhere."""
    return len(os.fsencode(name)) <= _LONGEST


def _sorted(
    entries: Iterable[os.DirEntry[str]], ignored: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the names of files, of folders, and of what cannot be read as either, in order."""
    files, folders, others = [], [], []
    for entry in entries:
        if entry.name.startswith((".", "__pycache__")):
            continue
        if any(fnmatch(entry.name, pattern) for pattern in ignored):
            continue
        if entry.is_dir(follow_symlinks=False) and os.access(entry.path, os.R_OK | os.X_OK):
            folders.append(entry.name)
        elif entry.is_file(follow_symlinks=False) and os.access(entry.path, os.R_OK):
            files.append(entry.name)
        else:
            others.append(entry.name)
    return sorted(files), sorted(folders), sorted(others)


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)


def _looked_at(folder: Path, most: int) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from islice(entries, most)
    except OSError:
        # A folder that cannot be read has nothing to read in it.
        return


def too_large(folder: Path, names: Sequence[Path], mebibytes: int) -> list[Path]:
    """Return which files beside a notebook are left out lest a submission be too large.

    The smallest are kept, as long as they have `mebibytes` together.
    """
    sizes = sorted((_size(folder / name), name) for name in names if name.suffix != ".ipynb")
    together = accumulate(size for size, _ in sizes)
    return [
        name for (_, name), total in zip(sizes, together, strict=True) if total > mebibytes * 2**20
    ]


def _size(path: Path) -> int:
    return path.stat(follow_symlinks=False).st_size
