"""Lets one grader alone serve a course: a second one says so and leaves."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grading.errors import GradingError

FILE = ".serve.lock"
"""Its name in the course root; it says by which process it is held."""


class AlreadyServed(GradingError):
    """Another process serves the course."""


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a file's lock, which ends with the process, however that ends.

    A lock of fcntl(2), because a child does not inherit it: one that outlives a killed grader by a
    moment keeps nobody out. NFS has these locks as well.

    Raises:
        AlreadyServed: somebody else holds it.
    """
    with path.open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip() or "another process"
            raise AlreadyServed(
                f"This course is served already, by {who}. Two graders would be in each other's "
                "way, so this one leaves. python -m grading serve --status tells what it does."
            ) from None
        with suppress(OSError):  # a full disk: the lock holds all the same
            file.truncate(0)
            file.write(f"process {os.getpid()} on {os.uname().nodename}")
            file.flush()
        yield
