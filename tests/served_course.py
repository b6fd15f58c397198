"""A course whose exchange is served, and students who hand in there, for tests and benchmarks."""

import base64
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.utils import notebook_hash

from grading.serving import status
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT, Notebook, ScratchCourse

COURSE = "weight-initialization"
_STAMP = "%Y-%m-%d %H:%M:%S.%f UTC"


class ServedCourse(ScratchCourse):
    """A course with the assignment released into its exchange."""

    def __init__(self, folder: Path, data: str, settings: str = "") -> None:
        super().__init__(folder, data)
        self._site = self._settings / "nbgrader_config.py"
        self._own = self.settings + f"c.Exchange.root = {str(self.exchange)!r}\n"
        self.set(settings)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()

    def set(self, settings: str) -> None:
        """Let the site's settings say this, too."""
        self._site.write_text(
            self._own + "c.ExchangeCollect.check_owner = False\n" + settings, encoding="utf-8"
        )

    @property
    def inbound(self) -> Path:
        """The exchange's folder of submissions."""
        return self.exchange / COURSE / "inbound"

    def release_it(self) -> None:
        """Build the release and put it into the exchange."""
        self.nbgrader("generate_assignment", ASSIGNMENT)
        self.nbgrader("release_assignment", ASSIGNMENT)

    def entry(self, student: str, when: datetime | None = None) -> Path:
        """Return where a submission would lie in the exchange."""
        moment = (when or datetime.now(UTC)).strftime(_STAMP)
        random = base64.urlsafe_b64encode(os.urandom(9)).decode()
        return self.inbound / f"{student}+{ASSIGNMENT}+{moment}+{random}"

    def hand_in(
        self, student: str, notebook: Notebook, when: datetime | None = None, user: int = 0
    ) -> Path:
        """Hand in as `nbgrader submit` does: file by file, then time, secret, and modes.

        Args:
            student: who hands in.
            notebook: what.
            when: now, by default.
            user: the id of the Unix user who does; 0 for this process's own.
        """
        entry = self.entry(student, when)
        files = {
            path.relative_to(self.release): path.read_bytes()
            for path in self.release.rglob("*")
            if path.is_file()
        }
        files[Path(f"{ASSIGNMENT}.ipynb")] = json.dumps(notebook).encode()
        with _acting_as(user):
            _submit(files, entry)
        return entry

    def page(self, entry: Path) -> Path:
        """Return where the page for a submission is to lie."""
        secret = (entry / "submission_secret.txt").read_text()
        return (
            self.exchange
            / COURSE
            / "feedback"
            / f"{notebook_hash(secret=secret, notebook_id=ASSIGNMENT)}.html"
        )

    def serve(self, *more: str, **options: Any) -> "subprocess.Popen[str]":
        """Start serving; what it says can be read from its `stdout`."""
        return subprocess.Popen(
            [sys.executable, "-m", "grading", "serve", ASSIGNMENT, "--workers", "2", *more],
            cwd=self.root,
            env=self.environment | {"PYTHONPATH": str(COURSE_ROOT), "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def status(self) -> dict[str, Any]:
        """Return what the grader tells of itself."""
        return status.read(self.root / status.FILE)


def _submit(files: Mapping[Path, bytes], entry: Path) -> None:
    for path, content in files.items():
        (entry / path).parent.mkdir(parents=True, exist_ok=True)
        (entry / path).write_bytes(content)
    (entry / "timestamp.txt").write_text(entry.name.split("+")[2])
    (entry / "submission_secret.txt").write_text(secrets.token_hex(64))
    for folder, _, names in os.walk(entry):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
        os.chmod(folder, 0o755)
    entry.chmod(0o777)


@contextlib.contextmanager
def _acting_as(user: int) -> Iterator[None]:
    """Do what follows with a user's rights, where one is named."""
    if not user:
        yield
        return
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def wait_for(condition: Any, seconds: float = 300.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not come to.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def points_on(page: Path) -> str:
    """Return the points that a page tells, as it says them."""
    told = re.search(r"[\d.]+ of [\d.]+ points", page.read_text(encoding="utf-8"))
    return told[0] if told else ""
