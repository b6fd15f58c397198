"""Keeps the folders of nbgrader's exchange, which everybody may write to, closed and ours.

nbgrader 0.9.6 makes the exchange with mode 777, in which a student can rename the course's folder
and put up another; and where a course is shared by a group, it neither looks whose a folder is nor
gives it to that group.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE, S_IROTH, S_ISVTX, S_IWOTH
from typing import Any

from nbgrader.exchange.default import ExchangeReleaseAssignment
from nbgrader.exchange.default.exchange import Exchange

from grading.course.openings import Opening, change_mode, replaceable, status


def openings(root: Path, course_id: str, course: Path, shared: bool) -> Iterator[Opening]:
    """Yield what is open in an exchange.

    Args:
        root: of the exchange.
        course_id: the name of the course's folder there.
        course: the course's own folder, whose owner and, if `shared`, group are its instructors.
        shared: whether the course is shared by a group.
    """
    entry = status(root)
    if entry is None:
        return
    if entry.st_mode & S_IWOTH and not entry.st_mode & S_ISVTX:
        mode = f"{S_IMODE(entry.st_mode):o}"
        command = change_mode("1777", [root])
        yield Opening("exchange_root", command, {"path": root, "mode": mode})
    for folder in replaceable(root):
        yield Opening("exchange_above", change_mode("+t", [folder]), {"path": folder})
    place = root / course_id
    if not course_id or not place.exists():
        return
    if not _is_instructors(place, course, shared):
        aside = root / f"{course_id}.not-ours"
        command = f"mv {shlex.quote(str(place))} {shlex.quote(str(aside))}"
        yield Opening("exchange_owner", command, {"path": place, "user": place.stat().st_uid})
        return
    yield from _within(place)


def _within(place: Path) -> Iterator[Opening]:
    """Yield what is open in the course's folder."""
    for path in (place, place / "outbound", place / "feedback"):
        entry = status(path)
        if entry is not None and entry.st_mode & S_IWOTH:
            yield Opening("exchange_writable", change_mode("o-w", [path]), {"path": path})
    written = [
        path
        for path in (place / "outbound").rglob("*")
        if (entry := status(path)) is not None and entry.st_mode & S_IWOTH
    ]
    if written:
        command = change_mode("o-w", [place / "outbound"], below=True)
        yield Opening("exchange_writable", command, {"path": written[0]})
    entry = status(place / "feedback")
    if entry is not None and entry.st_mode & S_IROTH:
        command = change_mode("o-r", [place / "feedback"])
        yield Opening("exchange_feedback", command, {"path": place / "feedback"})
    entry = status(place / "inbound")
    if entry is not None and entry.st_mode & S_IROTH:
        command = change_mode("o-r", [place / "inbound"])
        yield Opening("exchange_listed", command, {"path": place / "inbound"})
    if entry is not None and entry.st_mode & S_IWOTH and not entry.st_mode & S_ISVTX:
        command = change_mode("+t", [place / "inbound"])
        yield Opening("exchange_inbound", command, {"path": place / "inbound"})


def _is_instructors(place: Path, course: Path, shared: bool) -> bool:
    """Tell whether an instructor made a folder; only members give one to their group."""
    entry, ours = place.lstat(), course.stat()
    if place.is_symlink() or entry.st_uid in (0, os.geteuid(), ours.st_uid):
        return not place.is_symlink()
    return shared and entry.st_gid == ours.st_gid


class KeptExchange(Exchange):
    """What the course's classes of the exchange share: they keep its folders closed.

    A folder of the course that no instructor has made is refused; modes that are too wide are
    narrowed where the folder is ours, else named with the command.
    """

    def init_dest(self) -> None:
        """Look at the exchange before anything is written into it, and after its folders are made.

        Raises:
            ExchangeError: the course's folder there is somebody else's.
        """
        self._close()
        super().init_dest()
        self._close()

    def ensure_directory(self, path: str, mode: int) -> None:
        """Make a folder as nbgrader does, and give it to the instructors' group if they share."""
        fresh = not os.path.isdir(path)
        super().ensure_directory(path, mode)
        if fresh and self.coursedir.groupshared:
            os.chown(path, -1, os.stat(self.coursedir.root).st_gid)
            # To change the group takes the setgid bit away.
            os.chmod(path, mode)

    def _close(self) -> None:
        course = Path(self.coursedir.root)
        shared, name = self.coursedir.groupshared, self.coursedir.course_id
        for opening in openings(Path(self.root), name, course, shared):
            if opening.key == "exchange_owner":
                self.fail(f"{opening.sentence()} {opening.command}")
            _narrow(opening, Path(str(opening.values["path"])), self.log)


def _narrow(opening: Opening, path: Path, log: Any) -> None:
    """Close an opening if the folder is ours; say how if it is not."""
    mode = S_IMODE(path.stat().st_mode)
    narrower = {
        "exchange_root": mode | S_ISVTX,
        "exchange_inbound": mode | S_ISVTX,
        "exchange_listed": mode & ~S_IROTH,
        "exchange_feedback": mode & ~S_IROTH,
    }
    if opening.key in narrower and path.stat().st_uid == os.geteuid():
        path.chmod(narrower[opening.key])
        log.info("%s was open: %s", path, opening.command)
    else:
        log.error("%s %s", opening.sentence(), opening.command)


class CourseReleaseAssignment(KeptExchange, ExchangeReleaseAssignment):
    """nbgrader's release_assignment, into an exchange that is kept closed."""
