"""Looks at the machine and says what is open: `python -m grading check`, in the course's folder.

For each opening it prints a sentence and the command that closes it, then who may read what. It
changes nothing. Every grading runs the quick part by itself.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from pwd import getpwuid
from stat import S_IRGRP, S_IROTH, S_ISDIR, S_IWGRP, S_IWOTH, S_IXGRP, S_IXOTH

from traitlets.config import Configurable

from grading import sandbox
from grading.assignment import Assignments
from grading.course.names import listed
from grading.course.openings import Opening, status
from grading.course.settings import course_settings
from grading.running.sandboxed_execute import SandboxedExecute
from grading.site_check import course_files, imported_folders, machine
from grading.site_check.quick import Site, quick_check, site_of
from grading.words import LANGUAGES, say


def check(site: Site, parent: Configurable, database: str) -> list[Opening]:
    """Return all that is open, each command once.

    Args:
        site: of the course.
        parent: has the course's settings.
        database: the gradebook's address.
    """
    found = {opening.command: opening for opening in _openings(site, parent, database)}
    return list(found.values())


def _openings(site: Site, parent: Configurable, database: str) -> Iterator[Opening]:
    execute, assignments = SandboxedExecute(parent=parent), Assignments(parent=parent)
    yield from machine.sandboxes(execute.allow_unsandboxed)
    yield from quick_check(site)
    yield from imported_folders.files_within([sys.base_prefix, sys.prefix, *sys.path])
    yield from course_files.code(site.root, whole=True)
    yield from course_files.private(site.root, site.private, whole=True)
    yield from course_files.group(site.root, [*site.private, site.runs], site.shared)
    for module in filter(None, map(assignments.of, assignments.modules)):
        yield from machine.data(execute.data_folder(module), module.DATA_FOLDER)
    yield from machine.settings(site.root, database)
    yield from machine.keys()


def _who_may(path: Path, language: str) -> str:
    """Return a line on who may do what with a file or folder."""
    entry = path.stat()
    try:
        owner = getpwuid(entry.st_uid).pw_name
    except KeyError:
        owner = str(entry.st_uid)

    def may(read: int, write: int, enter: int) -> str:
        if entry.st_mode & write:
            return say(language, "check.may_write")
        if entry.st_mode & read:
            return say(language, "check.may_read")
        entered = S_ISDIR(entry.st_mode) and entry.st_mode & enter
        return say(language, f"check.{'may_enter' if entered else 'may_nothing'}")

    group = course_files.group_name(entry.st_gid)
    if people := course_files.people_of(entry.st_gid, but=entry.st_uid):
        group += f" ({listed(people)})"
    return say(
        language,
        "check.who",
        path=path,
        owner=owner,
        group=group,
        group_may=may(S_IRGRP, S_IWGRP, S_IXGRP),
        all_may=may(S_IROTH, S_IWOTH, S_IXOTH),
    )


def main(arguments: Sequence[str]) -> int:
    """Print what is open; return the exit code: 0 if nothing is, else 1."""
    parser = argparse.ArgumentParser(prog="python -m grading check", description=__doc__)
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="default: en")
    options = parser.parse_args(arguments)
    app = course_settings()
    site = site_of(app.coursedir, app)
    openings = check(site, app, app.coursedir.db_url)
    for number, opening in enumerate(openings, 1):
        print(f"{number}. {opening.sentence(options.language)}\n     {opening.command}")
    count = {"course": site.root, "count": len(openings)}
    print(say(options.language, f"check.{'summary' if openings else 'nothing_open'}", **count))
    if not any(opening.key in ("no_sandbox", "unsandboxed") for opening in openings):
        print(say(options.language, "check.sandbox", program=sandbox.program_in_use()))
    print(say(options.language, "check.rights"))
    place = site.exchange / site.course_id
    folders = [site.exchange, place, place / "inbound", place / "outbound", place / "feedback"]
    for path in (site.root, *site.private, *folders):
        if status(path) is not None and os.access(path.parent, os.X_OK):
            print(f"  {_who_may(path, options.language)}")
    return int(bool(openings))
