"""What is open to more people on the machine than it should be, and the command to close it."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os import stat_result
from pathlib import Path
from stat import S_ISDIR, S_ISVTX, S_IWOTH, S_IXOTH

from grading.words import say


@dataclass(frozen=True)
class Opening:
    """Something that is open.

    Attributes:
        key: its sentence's name in the table `check` of the words.
        command: a line for a shell that closes it; whoever owns the file can run it.
        values: what stands in the sentence's braces.
        runs_code: others could have their code run by whoever grades.
    """

    key: str
    command: str
    values: Mapping[str, object] = field(default_factory=dict)
    runs_code: bool = False

    def sentence(self, language: str = "en") -> str:
        """Return what is open, as a sentence."""
        return say(language, f"check.{self.key}", **self.values)


def change_mode(change: str, paths: Iterable[Path], *, below: bool = False) -> str:
    """Return the command that changes modes, of folders with all in them if `below`."""
    names = " ".join(shlex.quote(str(path)) for path in paths)
    return f"chmod {'-R ' if below else ''}{change} {names}"


def status(path: Path) -> stat_result | None:
    """Return a file's status; None where there is none, or none that we can see."""
    try:
        return path.stat()
    except OSError:
        return None


def others_reach(path: Path) -> bool:
    """Tell whether everybody can come as far as `path`: may pass every folder above it."""
    return all(
        (entry := status(folder)) is not None and entry.st_mode & S_IXOTH
        for folder in path.absolute().parents
    )


def replaceable(path: Path) -> Iterator[Path]:
    """Yield the folders above `path` in which everybody can put another in its place.

    Not so in a folder with the sticky bit, such as /tmp, where an entry is its owner's to move.
    """
    for folder in path.absolute().parents:
        entry = status(folder)
        if entry is not None and entry.st_mode & S_IWOTH and not entry.st_mode & S_ISVTX:
            yield folder


def writable_by_all(path: Path) -> Iterator[Path]:
    """Yield `path` if everybody can write to it, and the folders above it that make it so."""
    entry = status(path)
    if entry is not None:
        if entry.st_mode & S_IWOTH and (not S_ISDIR(entry.st_mode) or entry.st_mode & S_IXOTH):
            yield path
        yield from replaceable(path)
