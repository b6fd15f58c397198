"""Mends the course's `.venv` after the course's folder was moved or copied; `make` runs it.

An environment's commands name the Python in it by its full path, and so does the link to the
course's own package: `nbgrader` is then "not found", or is another folder's.
"""

import re
import sys
import venv
from pathlib import Path
from urllib.parse import quote

_MADE_BY = re.compile(r"^command = .* -m venv (?:--\S+ )*(?P<folder>/.*)$", re.MULTILINE)
_SHEBANG = re.compile(rb"\A#!(?P<python>/.*)\n")


def mend(environment: Path) -> Path | None:
    """Let an environment name the folder in which it lies.

    Args:
        environment: the environment, which this Python is of.

    Returns:
        The course's folder that it named before; None where it was this one, or it says none.
    """
    made = _MADE_BY.search((environment / "pyvenv.cfg").read_text(encoding="utf-8"))
    if made is None or _is_same(Path(made["folder"]), environment) or _is_borrowed(environment):
        return None
    before, now = Path(made["folder"]).parent, environment.parent
    of_course = [
        *environment.glob("lib/python3*/site-packages/__editable__*"),
        *environment.glob("lib/python3*/site-packages/*.dist-info/direct_url.json"),
    ]
    for file in (*(environment / "bin").iterdir(), *of_course):
        if file.is_file() and not file.is_symlink():
            _rename(file, before, now)
    # Last, because it writes down the new folder: what was interrupted is begun again.
    venv.create(environment, symlinks=True)
    return before


def _is_same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and one.samefile(other))


def _is_borrowed(environment: Path) -> bool:
    """Tell whether links lead to an environment, or to what it is made of: others use that, too."""
    return any((environment / name).is_symlink() for name in ("", "bin", "lib", "pyvenv.cfg"))


def _rename(file: Path, before: Path, now: Path) -> None:
    text = old = file.read_bytes()
    for was, is_now in ((str(before), str(now)), (quote(str(before)), quote(str(now)))):
        # Not where it begins the name of another folder.
        pattern = re.escape(was.encode()) + rb"(?![\w.-])"
        text = re.sub(pattern, is_now.encode().replace(b"\\", rb"\\"), text)
    if text != old:
        # The system reads a shebang to the first space; pip writes this in its place, too.
        file.write_bytes(
            _SHEBANG.sub(rb"""#!/bin/sh\n'''exec' "\g<python>" "$0" "$@"\n' '''\n""", text)
        )


def main() -> None:
    """Mend the environment that this Python is of, and say so."""
    if before := mend(Path.cwd() / ".venv"):
        print(
            f"This folder was {before} before: what .venv/bin starts is from here now. In a shell "
            "where it was active: source .venv/bin/activate",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
