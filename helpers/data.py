"""Finds Fashion-MNIST: a folder you name, the local `data/`, a download, or a drawn stand-in.

`torchvision.datasets.FashionMNIST` does the loading. This module only answers where the files
are, and makes sure that they are what they claim to be.
"""

import gzip
import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from stat import S_ISDIR

from torchvision.datasets import FashionMNIST

from .machinery import stand_in
from .machinery.download import DownloadError, download
from .machinery.language import TranslatedError, translate

RAW = Path("FashionMNIST") / "raw"

# MD5 of the four official files, unpacked. torchvision lists those of the packed ones, as does
# https://github.com/zalandoresearch/fashion-mnist.
FILES = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
PACKED = dict(FashionMNIST.resources)


class DataError(TranslatedError):
    """The data files are missing, damaged or truncated."""


def find_data() -> str:
    """Find the data set and say in one line which it is.

    Looked for in this order: the folder that the environment variable `FASHION_MNIST` names; a
    folder `data` here or in the course's root; a download into `data`; and, where none of these
    can be had, the stand-in, ten garment shapes drawn by this package.

    Returns:
        The folder to hand to `torchvision.datasets.FashionMNIST` as `root`.

    Raises:
        DataError: the files of the named or the local folder are incomplete or damaged.
    """
    folder, remark = _locate()
    if stand_in.is_stand_in(folder):
        print(f"{remark}{translate(stand_in.ANNOUNCEMENT)}")
    else:
        print(translate("Data: Fashion-MNIST, 60,000 training and 10,000 test images."))
    return str(folder)


def _locate() -> tuple[Path, str]:
    """Return the data folder and what to say of the sources that failed."""
    named = os.environ.get("FASHION_MNIST")
    if named:
        folder = Path(named).expanduser()
        if stand_in.is_stand_in(folder):
            return folder, ""
        if not _files_in(folder):
            raise DataError(
                "FASHION_MNIST names {folder}, but there is no file of Fashion-MNIST in {raw}. "
                "Name a folder that holds FashionMNIST/raw, or unset the variable.",
                folder=folder,
                raw=folder / RAW,
            )
        return _ready(folder), ""

    local = Path.cwd() / "data"
    places = [local, *_course_data()]
    for folder in places:
        if _files_in(folder):
            return _ready(folder), ""
    for folder in places:
        if stand_in.is_stand_in(folder / stand_in.FOLDER):
            return folder / stand_in.FOLDER, ""

    try:
        download(local / RAW, PACKED)
    except DownloadError as error:
        folder = local / stand_in.FOLDER
        stand_in.write(folder)
        return folder, f"{error}\n"
    _unpack(local, local)
    return local, ""


def _course_data() -> list[Path]:
    """Return the course's own `data`, if this notebook lies in an nbgrader course.

    Submissions of a whole class then share one copy, instead of each having its own.
    """
    here = Path.cwd()
    roots = [folder for folder in here.parents if (folder / "nbgrader_config.py").is_file()]
    return [folder / "data" for folder in roots[:1]]


def _files_in(folder: Path) -> dict[str, Path]:
    """Map the name of each data file that is in `folder`, packed or not, to its path."""
    raw = folder / RAW
    # Of a file that is there in both forms, the second counts.
    return {
        name: path for name in FILES for path in (raw / f"{name}.gz", raw / name) if path.is_file()
    }


def _ready(folder: Path) -> Path:
    """Check the files in `folder`; return a folder that holds them checked and unpacked."""
    found = _files_in(folder)
    missing = sorted(set(FILES) - set(found))
    if missing:
        raise DataError(
            "{raw} holds only {found} of the 4 files of Fashion-MNIST; missing: {missing} (or "
            "the same with .gz). Copy the missing files there, or remove the folder to have "
            "them downloaded.",
            raw=folder / RAW,
            found=len(found),
            missing=", ".join(missing),
        )
    for path in found.values():
        _check(path, {**FILES, **PACKED}[path.name])
    if all(path.suffix != ".gz" for path in found.values()):
        return folder
    unpacked = _cache()
    _unpack(folder, unpacked)
    return unpacked


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _check(path: Path, expected: str) -> None:
    if (found := _md5(path)) != expected:
        raise DataError(
            "{path} is damaged: its MD5 is {found}, the official file's is {expected} "
            "({size:,} bytes were found). Delete this file and copy or download it again.",
            path=path,
            found=found,
            expected=expected,
            size=path.stat().st_size,
        )


def _unpack(source: Path, target: Path) -> None:
    """Write the unpacked files of `source` into `target`, leaving those already right there."""
    (target / RAW).mkdir(parents=True, exist_ok=True)
    for name, path in _files_in(source).items():
        destination = target / RAW / name
        if destination.is_file() and _md5(destination) == FILES[name]:
            continue
        # Another notebook may be doing the same: each writes a file of its own and moves it into
        # place in one step.
        with (
            gzip.open(path) if path.suffix == ".gz" else path.open("rb") as packed,
            tempfile.NamedTemporaryFile(dir=destination.parent, delete=False) as partial,
        ):
            shutil.copyfileobj(packed, partial)
        _check(Path(partial.name), FILES[name])
        os.chmod(partial.name, 0o644)
        os.replace(partial.name, destination)


def _cache() -> Path:
    """Return a folder of this user's for unpacked files; the named folder may be read-only."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "weight-initialization"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        entry = folder.lstat()
        if os.name != "posix" or (S_ISDIR(entry.st_mode) and entry.st_uid == os.geteuid()):
            folder.chmod(0o700)
            return folder
    except OSError:
        pass
    # No place, or one that somebody else has made: then this process has one of its own.
    return Path(_own_folder().name)


@cache
def _own_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="weight-initialization-")
