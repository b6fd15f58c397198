"""The machine and its settings: the sandbox, the data, files with settings, passwords and keys."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IROTH, S_IRWXG, S_IRWXO, S_IWOTH

import dask
from jupyter_core.paths import jupyter_config_path, jupyter_runtime_dir
from sqlalchemy.engine import make_url

from grading import sandbox
from grading.course.openings import Opening, change_mode, status, writable_by_all
from grading.sandbox import bubblewrap

_SETTINGS = (
    "nbgrader_config.py",
    "nbgrader_config.json",
    "jupyter*_config.py",
    "jupyter*_config.json",
    "jupyter*_config.d/*.json",
)
# Settings of the kernel that forbid user namespaces by a value, and a value that allows them.
_USER_NAMESPACES = {
    "kernel.unprivileged_userns_clone": ("0", "1"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),
    "user.max_user_namespaces": ("0", "10000"),
}


def sandboxes(allowed: bool) -> Iterator[Opening]:
    """Yield that student code cannot be shut in here, or need not be by the settings.

    Args:
        allowed: whether settings allow student code to run without a sandbox.
    """
    try:
        sandbox.check_available()
    except sandbox.SandboxUnavailable as error:
        key = "unsandboxed" if allowed else "no_sandbox"
        yield Opening(key, _what_allows_it(), {"why": error}, runs_code=allowed)


def _what_allows_it() -> str:
    """Return the command after which a sandbox may be started, as far as the system tells."""
    try:
        bubblewrap.find()
    except sandbox.SandboxUnavailable:
        return "apt-get install bubblewrap"
    for name, (forbidden, allowed) in _USER_NAMESPACES.items():
        file = Path("/proc/sys", name.replace(".", "/"))
        if file.is_file() and file.read_text().strip() == forbidden:
            return f"sysctl -w {name}={allowed}"
    # What a container is started with decides.
    return "bwrap --unshare-user --ro-bind / / true"


def data(folder: Path | None, within: Path) -> Iterator[Opening]:
    """Yield what everybody can change of the data, and what we cannot read.

    Args:
        folder: of the data; None where there is none.
        within: where in it the files lie.
    """
    if folder is None:
        return
    for path in writable_by_all(folder):
        change = "o-w" if path == folder else "+t"
        yield Opening("data_writable", change_mode(change, [path]), {"path": path})
    files = [folder, *(folder / part for part in within.parents), folder / within]
    files += sorted((folder / within).rglob("*"))
    modes = {path: entry.st_mode for path in files if (entry := status(path))}
    if any(mode & S_IWOTH for path, mode in modes.items() if path != folder):
        command = change_mode("o-w", [folder], below=True)
        yield Opening("data_writable", command, {"path": folder})
    unreadable = [path for path in modes if not os.access(path, os.R_OK)]
    # Where root grades, whose sandbox is another user's, that one is given a copy.
    if unreadable:
        command = change_mode("a+rX", [folder], below=True)
        yield Opening("data_unreadable", command, {"path": unreadable[0]})


def settings(course: Path, database: str) -> Iterator[Opening]:
    """Yield what everybody can change of files with settings, and which show a password.

    Args:
        course: the course's folder.
        database: the gradebook's address.
    """
    folders = [course, *map(Path, jupyter_config_path()), Path(jupyter_runtime_dir())]
    for folder in folders[1:]:
        for path in writable_by_all(folder):
            change = "o-w" if path == folder else "+t"
            command = change_mode(change, [path])
            yield Opening("settings_writable", command, {"path": path}, runs_code=True)
    password = make_url(database).password
    files = [file for folder in folders for name in _SETTINGS for file in folder.glob(name)]
    for file in dict.fromkeys(files):
        entry = status(file)
        if entry is None:
            continue
        if entry.st_mode & S_IWOTH and file.parent != course:
            command = change_mode("o-w", [file])
            yield Opening("settings_writable", command, {"path": file}, runs_code=True)
        if password and entry.st_mode & S_IROTH and _shows(file, str(password)):
            yield Opening("password", change_mode("o-rwx", [file]), {"path": file})


def keys() -> Iterator[Opening]:
    """Yield the keys for a cluster that others than their owner can read."""
    for file in sorted(_key_files(dask.config.get("distributed.comm.tls", {}))):
        entry = status(file)
        if entry is not None and entry.st_mode & (S_IRWXO | S_IRWXG):
            yield Opening("key", change_mode("600", [file]), {"path": file}, runs_code=True)


def _key_files(settings: object) -> set[Path]:
    """Return the files that Dask's settings of scheduler, workers and clients name as keys."""
    if not isinstance(settings, dict):
        return set()
    own = {Path(str(settings["key"]))} if settings.get("key") else set()
    return own.union(*map(_key_files, settings.values()))


def _shows(file: Path, password: str) -> bool:
    try:
        return password in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
