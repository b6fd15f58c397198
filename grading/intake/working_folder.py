"""Chooses the files beside a notebook: the release's, and a student's that take nobody's place.

The folder is where Python imports from first. So of what the release holds the release's files are
used, nothing else lies in its packages, and no file of a student's hides an installed module.
"""

import sys
import sysconfig
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from grading.assignment import Assignment
from grading.course.language import LANGUAGE_FILE
from grading.course.names import listed, steers
from grading.course.timestamps import FILE as TIMESTAMP
from grading.intake.submitted_files import MOST_FILES, find_files, too_large
from grading.submission import Message, remark

_CODE = (".py", ".pyc", ".so", ".pth", ".pyd")
# Modules that Python itself or the sandbox imports, and that no folder of packages need hold.
_OURS = ("grader_kit", "grader_tests", "sandbox_inside", "sitecustomize", "usercustomize")
_COMPARED = 2**20  # bytes; no file of a release that a student may have changed is larger
# nbgrader's feedback takes any page for its own.
_PAGES = (".html", ".htm")


@dataclass(frozen=True)
class Selection:
    """Which files of a submission lie beside its notebook.

    Attributes:
        names: of those that do, relative to the submission.
        left_out: of the others, as far as they were looked at.
        remarks: sentences on what a student would miss.
    """

    names: tuple[Path, ...]
    left_out: tuple[Path, ...]
    remarks: tuple[Message, ...]


def reserved_names(assignment: Assignment | None) -> tuple[Path, ...]:
    """Return names that the course's code looks for, and that a release need not hold."""
    if assignment is None:
        return (Path(LANGUAGE_FILE),)
    data = [Path("data", folder) for folder in assignment.DATA_FOLDER.parts[:1]]
    # What hidden tests import must not be found beside the notebook first.
    tests = {Path(path.parent.name, "__init__.py") for path in assignment.INSIDE}
    return (Path(LANGUAGE_FILE), *data, *sorted(tests))


def select_files(
    submission: Path,
    release: Path,
    mebibytes: int,
    ignored: Sequence[str] = (),
    reserved: Sequence[Path] = (),
    changeable: Collection[Path] = (),
) -> Selection:
    """Choose from a student's files; notebooks are not among them.

    Args:
        submission: the folder that was handed in.
        release: the folder that the student got.
        mebibytes: what the files may have together.
        ignored: patterns of names that never travel with an assignment.
        reserved: names that are not the student's to give (`reserved_names`).
        changeable: names of the release's files that are the student's to change.
    """
    found = find_files(submission, [*ignored, "*.ipynb"], first=(TIMESTAMP,))
    given = _released(release)
    places = {_compared(name) for name in (*given, *reserved)}
    course = {name for name in found.names if _is_courses(name, places)} - set(changeable)
    modules = {name for name in found.names if _hides_module(name)} - course
    # Also a folder that is called like a page: where the page is to lie, none can be then.
    pages = {name for name in found.names if _suffixes(name) & {*_PAGES}}
    # Every tool prints the names of files, nbgrader's own commands among them.
    steering = {name for name in found.names if steers(str(name))} - course - modules
    rest = [name for name in found.names if name not in course | modules | pages | steering]
    large = too_large(submission, rest, mebibytes)
    remarks: list[Message] = []
    if changed := [name for name in sorted(course) if _differs(name, submission, release, given)]:
        remarks.append(remark("course_files", names=listed(changed)))
    if modules:
        remarks.append(remark("module_files", names=listed(sorted(modules))))
    if steering:
        remarks.append(remark("steering_files", names=listed(sorted(steering))))
    if found.closed:
        remarks.append(remark("closed_files", names=listed(found.closed)))
    if large:
        remarks.append(remark("large_files", names=listed(large), most=mebibytes))
    if not found.is_whole:
        remarks.append(remark("many_files", most=f"{MOST_FILES:,}"))
    left_out = course | modules | pages | steering | set(large)
    taken = [name for name in found.names if name not in left_out]
    return Selection(tuple(taken), tuple(sorted(left_out)), tuple(remarks))


def working_files(
    submission: Path,
    release: Path,
    mebibytes: int,
    reserved: Sequence[Path] = (),
    changeable: Collection[Path] = (),
) -> dict[str, bytes]:
    """Return the content of all files beside the notebook, by relative path.

    Args:
        submission: the folder with the student's.
        release: the folder that the student got; its files are all there.
        mebibytes: what the student's may have together.
        reserved: names that are not the student's to give.
        changeable: names of the release's files that are the student's to change.
    """
    chosen = select_files(
        submission, release, mebibytes, reserved=reserved, changeable=changeable
    ).names
    files = {str(name): (submission / name).read_bytes() for name in chosen}
    for name in _released(release):
        if name not in changeable or name not in chosen:
            files[str(name)] = (release / name).read_bytes()
    return files


def _released(release: Path) -> list[Path]:
    """Return the names of a release's files, but for notebooks."""
    return [
        path.relative_to(release)
        for path in sorted(release.rglob("*"))
        if path.is_file() and path.suffix != ".ipynb" and "__pycache__" not in path.parts
    ]


def _is_courses(name: Path, given: Collection[tuple[str, ...]]) -> bool:
    """Tell whether a name stands where the course's own files are, or are looked for.

    Args:
        name: of a student's file.
        given: the release's, as `_compared` returns them.
    """
    parts = _compared(name)
    # A file in the place of a folder counts too, and a folder in that of a file.
    if any(parts[: len(other)] == other[: len(parts)] for other in given):
        return True
    packages = {other[0].partition(".")[0] for other in given if other[-1].endswith(".py")}
    return parts[0] in packages or (_is_code(name) and parts[0].partition(".")[0] in packages)


def _compared(name: Path) -> tuple[str, ...]:
    """Return a name as file systems compare it that tell neither capitals nor forms apart."""
    return tuple(unicodedata.normalize("NFKC", part).casefold() for part in name.parts)


def _suffixes(name: Path) -> set[str]:
    return {Path(part).suffix.lower() for part in name.parts}


def _hides_module(name: Path) -> bool:
    return _is_code(name) and _is_installed(name.parts[0].partition(".")[0])


def _is_code(name: Path) -> bool:
    return name.suffix.lower() in _CODE


@cache
def _is_installed(module: str) -> bool:
    """Tell whether a notebook would find a module of this name without a file of a student's."""
    if module in sys.stdlib_module_names or module in _OURS:
        return True
    # Neither this course's root nor its settings count, which a notebook does not see.
    packages = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    try:
        spec = PathFinder.find_spec(module, packages) if module.isidentifier() else None
    except (ImportError, ValueError):
        return True
    return spec is not None and spec.origin is not None


def _differs(name: Path, submission: Path, release: Path, given: Collection[Path]) -> bool:
    """Tell whether a student's file is other than the release's, apart from line ends."""
    if name not in given:
        return True
    mine, theirs = submission / name, release / name
    if max(mine.stat().st_size, theirs.stat().st_size) > _COMPARED:
        return mine.stat().st_size != theirs.stat().st_size
    return mine.read_bytes().splitlines() != theirs.read_bytes().splitlines()
