"""Makes nbgrader keep a course's files private and read timestamp.txt with care, in every command.

nbgrader 0.9.6 has a setting for neither: files are made with the user's umask, and timestamp.txt is
opened whatever it is. What is collected gets its modes in `collect`.
"""

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory

from grading.course import literal_root
from grading.course.modes import umask
from grading.course.names import shown
from grading.course.timestamps import FILE, UnreadableTimestamp, read_timestamp

_load_config = CourseDirectory._load_config
_shared: set[str] = set()
"""The roots of courses that a group shares, by settings that this process has read."""


def install() -> None:
    """Change nbgrader's classes in this process."""
    if shutil.which("alembic") is None:
        # nbgrader calls it by name; it lies beside this Python, active or not.
        beside = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    if CourseDirectory._load_config is not _load_config_privately:
        # The settings are run twice, and the second time nothing that they say is loaded anew.
        os.umask(umask(groupshared=False))
    CourseDirectory._load_config = _load_config_privately
    CourseDirectory.get_existing_timestamp = _existing_timestamp
    literal_root.install()


def _load_config_privately(self: CourseDirectory, *arguments: Any, **options: Any) -> None:
    """Take the settings, and let files be made as `groupshared` among them says."""
    _load_config(self, *arguments, **options)
    literal_root.add(self.root)
    # nbgrader's command and the one within it each read settings, the outer one not all of them.
    if self.groupshared:
        _shared.add(self.root)
    os.umask(umask(self.root in _shared))


def _existing_timestamp(self: CourseDirectory, dest_path: str) -> datetime | None:
    """Return when a submission was handed in; None where that is not known."""
    try:
        return read_timestamp(Path(dest_path))
    except UnreadableTimestamp as error:
        path = shown(os.path.join(dest_path, FILE))
        self.log.warning("%s is not used: %s", path, error)
        return None
