"""Unpacks packed data files once on a machine, so that no submission has to do it again.

Where root grades, submissions run as another user; what that one could not read is copied as well.
"""

import errno
import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from functools import cache
from pathlib import Path

from filelock import FileLock

from grading.course.modes import is_own, private_folder


@cache
def unpacked(data: Path, within: Path) -> Path:
    """Return a folder with the same data, all of it unpacked and to be read by the sandbox's user.

    It is `data` itself if it is so already, else one in the cache of this user
    (XDG_CACHE_HOME, or ~/.cache), made on the first call. What the files hold is not checked:
    the lesson's own code does so, and says what is wrong with them.

    Args:
        data: the folder.
        within: where in it the files lie.
    """
    packed = [
        path for path in sorted((data / within).glob("*.gz")) if not path.with_suffix("").is_file()
    ]
    files = sorted(path for path in (data / within).glob("*") if path.is_file())
    folders = [data / part for part in (within, *within.parents)]
    parts = [path for path in (*folders, *files) if path.exists()]
    closed = any(path.stat().st_mode & 0o004 == 0 for path in parts)
    if not packed and not (closed and os.geteuid() == 0):
        return data
    # Files that are exchanged get a folder of their own.
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    name = hashlib.sha256(repr((str(data), states)).encode()).hexdigest()[:16]
    try:
        folder = _cache() / name
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _unpack(data, within, folder)
        # No secret.
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    except OSError:
        # No place for it: then every submission unpacks for itself.
        return data
    return folder


def _unpack(data: Path, within: Path, target: Path) -> None:
    """Write every file of `data` into `target`, unpacked; all of them or none."""
    draft = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        (draft / within).mkdir(parents=True)
        for path in sorted((data / within).iterdir()):
            if path.suffix == ".gz":
                try:
                    with gzip.open(path) as source, (draft / within / path.stem).open("wb") as file:
                        shutil.copyfileobj(source, file)
                except (OSError, EOFError, zlib.error):
                    # Damaged: as it is, so that the lesson's code finds it and says so.
                    (draft / within / path.stem).unlink(missing_ok=True)
                    shutil.copy(path, draft / within)
            elif path.is_file():
                shutil.copy(path, draft / within)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = private_folder(Path(base) / "course-grading")
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    if not is_own(folder):
        # Somebody else could have put data there, or could now.
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(folder))
    return folder
