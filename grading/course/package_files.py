"""What lies beside an assignment's notebooks: its source's files, and the packages they import."""

import shutil
from collections.abc import Sequence
from pathlib import Path


def source_files(root: Path, source: Path, packages: Sequence[str]) -> dict[Path, Path]:
    """Return where the files lie that a release has beside its notebooks, by their names in it.

    Args:
        root: the course's folder, with the packages.
        source: the assignment's, in its source form.
        packages: folders in the course root that every release holds a copy of.
    """
    files = _files(source, source)
    for package in packages:
        files |= _files(root / package, root)
    return files


def copy_packages(root: Path, target: Path, packages: Sequence[str]) -> None:
    """Put the packages beside an assignment's notebooks, in the folder `target`."""
    for package in packages:
        for name, path in _files(root / package, root).items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


def _files(folder: Path, base: Path) -> dict[Path, Path]:
    return {
        path.relative_to(base): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".ipynb", ".pyc")
    }
