"""Fills the folder of recorded training runs with those of the instructor's own notebook.

The lesson's comparisons are the same in every submission, and so are a right solution's; those of
the most common mistakes (`common_mistakes`) are the same for all who make them. They are trained
once on each machine, by the instructor's notebook, in the same sandbox as submissions;
kernels of submissions find them in a folder that they can only read. A folder serves any number of
assignments and versions, since each run is named by all that decides it.
"""

import hashlib
import logging
import os
import platform
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from stat import S_IMODE
from typing import cast

import nbformat
from filelock import FileLock
from nbformat.notebooknode import NotebookNode

from grading.assignment import Assignment
from grading.errors import GradingError
from grading.submission import Run


class NotRecorded(GradingError):
    """The instructor's notebook did not run to its end, so its runs are not all recorded."""


def record(
    notebook: Path,
    files: Sequence[Path],
    assignment: Assignment,
    data: Path | None,
    folder: Path,
    run: Callable[[NotebookNode], Run],
    log: logging.Logger,
) -> None:
    """Make sure that the runs of the instructor's notebook are recorded in `folder`.

    Args:
        notebook: the instructor's notebook, with solutions.
        files: what lies beside it, whose code decides how a run goes.
        assignment: which forms of the notebook are run, and with which packages.
        data: the folder of data that the notebook is shown.
        folder: where runs are recorded; it is made where it is missing.
        run: executes a notebook in a sandbox that may write to `folder`.
        log: is told what takes so long.

    Raises:
        NotRecorded: the notebook did not run to its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    variants = _variants(notebook, notebook.stat().st_mtime_ns, cast(Hashable, assignment))
    if not variants:
        return
    done = folder / f"recorded-{_version(variants, files, assignment, data)}"
    if done in _not_recorded:
        # It would fail again, for every submission; the next command tries once more.
        raise NotRecorded(_not_recorded[done])
    if done.exists():
        return
    # The umask decides; a group that shares the course can take it then.
    with FileLock(folder / ".lock", mode=0o660):
        if done.exists():
            return
        log.info("Recording the training runs of %s, once on this machine", notebook)
        for variant in variants:
            result = run(nbformat.reads(variant, as_version=4))
            if not result.complete:
                ended = result.died if result.broke is None else result.broke
                reason = result.limit or f"its kernel died in cell {ended}"
                _not_recorded[done] = (
                    f"{notebook} should run to its end in the sandbox, and did not: {reason}."
                )
                raise NotRecorded(_not_recorded[done])
        done.touch()
        # The sandbox writes with a umask of its own, which keeps a group from what it shares.
        for path in folder.iterdir():
            if path.suffix and os.geteuid() in (0, path.lstat().st_uid):
                path.chmod(S_IMODE(done.stat().st_mode))


_not_recorded: dict[Path, str] = {}
"""What could not be recorded in this process, and why."""


@cache
def _variants(notebook: Path, changed: int, assignment: Hashable) -> list[str]:
    """Return what is to be run of a notebook that was changed at a time, as JSON."""
    source = nbformat.read(notebook, as_version=4)
    return [nbformat.writes(variant) for variant in cast(Assignment, assignment).variants(source)]


def _version(
    variants: Sequence[str], files: Sequence[Path], assignment: Assignment, data: Path | None
) -> str:
    """Return a hash of what the instructor's runs depend on, as far as it may change here."""
    hashed = hashlib.sha256(f"{platform.node()} {platform.python_version()} {data}".encode())
    for content in (*map(str.encode, variants), *(path.read_bytes() for path in files)):
        hashed.update(hashlib.sha256(content).digest())
    for package in assignment.VERSIONS:
        # Not imported for this: that would take seconds.
        hashed.update(version(package).encode())
    return hashed.hexdigest()[:16]
