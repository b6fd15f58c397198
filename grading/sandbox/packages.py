"""Chooses the folders of installed packages that submissions may import from.

What is installed beside this Python, and what comes through PYTHONPATH, a .pth file or a user's own
site, as far as it holds nothing but packages: a folder with anything of the course, or one that no
installer has written to, stays outside.
"""

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from grading.sandbox.errors import SandboxUnavailable

INSIDE = "/packages"
"""Where the folders are inside, by number."""

# What the sandbox itself needs.
_NEEDED = ("IPython", "ipykernel", "jupyter_client", "matplotlib", "nbclient", "nbformat", "zmq")
# What installation leaves among the packages of where the course and others lie, and what is seen
# instead.
_TELLING = ("__editable__*", "*.dist-info/direct_url.json", "*.pth")
_ENGINE = Path(__file__).resolve().parents[1]
_NOTHING = _ENGINE / "sandbox" / "inside" / "__init__.py"


def paths() -> list[str]:
    """Return the folders as they are called inside, in the order in which Python looks."""
    return [f"{INSIDE}/{number}" for number in range(len(_folders()))]


def mounts() -> list[str]:
    """Return the arguments of bubblewrap that show the folders.

    Not the virtual environment but its packages alone: without its .pth files, which make this
    course importable, and without its path, which may name a person.
    """
    arguments = ["--perms", "0755", "--dir", INSIDE]
    for inside, folder in zip(paths(), _folders(), strict=True):
        arguments += ["--ro-bind", str(folder), inside]
        for installed in {path for kind in _TELLING for path in folder.glob(kind)}:
            if installed.is_file():
                hidden = installed.relative_to(folder)
                arguments += ["--ro-bind", str(_NOTHING), f"{inside}/{hidden}"]
    return arguments


def require(modules: Iterable[str] = ()) -> None:
    """Make sure that what is imported here is importable inside as well.

    Args:
        modules: what to look for besides what the sandbox itself needs.

    Raises:
        SandboxUnavailable: something is imported from a folder that submissions are not shown.
    """
    shown = [*_folders(), Path(sys.base_prefix).resolve(), Path("/usr")]
    for name in dict.fromkeys(module.partition(".")[0] for module in (*_NEEDED, *modules)):
        spec = find_spec(name)
        if spec is None or not spec.origin or not Path(spec.origin).is_absolute():
            continue
        origin = Path(spec.origin).resolve()
        if not any(origin.is_relative_to(folder) for folder in shown):
            raise SandboxUnavailable(
                f"Submissions cannot import {name}, which lies in {origin.parent}: they are shown "
                "no folder that holds something of the course, or that no packages were installed "
                f"into. Install {name} beside this Python: {sys.executable} -m pip install {name}"
            )


def _folders() -> list[Path]:
    return list(dict.fromkeys(_in_order()))


def _in_order() -> Iterator[Path]:
    own = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    kept = (_ENGINE, Path.cwd())
    for folder in (Path(entry or ".").resolve() for entry in sys.path):
        holds_course = any(path.is_relative_to(folder) for path in kept)
        if folder in own or (not holds_course and _holds_packages(folder)):
            yield folder
    # Where a program was started without them.
    yield from own


def _holds_packages(folder: Path) -> bool:
    return folder.is_dir() and next(folder.glob("*.dist-info"), None) is not None
