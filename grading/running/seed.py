"""The seed of a grading: the same for every regrade, and not to be foreseen by a student.

Hidden tests may look at random things, in settings drawn at random. Were their seed fixed,
a student could prepare for it; were it new each time, a regrade could give another score. So it
is derived from a secret of the course, the student, the assignment and all that was handed in: who
prepares for a seed that a notebook has printed hands in something else, and meets another.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from grading.errors import GradingError

_SECRET_BYTES = 32  # as long as SHA-256's output; a longer key adds nothing to an HMAC
_SEED_BYTES = 8


class UnusableSecret(GradingError):
    """The course secret exists but cannot be used."""


def course_secret(path: Path, shared: bool = False) -> bytes:
    """Return the course's secret, drawing it on first use.

    The file is made with mode 600 and holds 64 hexadecimal digits. Two processes that meet on
    first use agree: the file appears whole under its name, and whoever comes second reads it.

    Args:
        path: the file.
        shared: let the file's group have it, too: the other instructors of a shared course.

    Raises:
        UnusableSecret: the file holds something else than 64 hexadecimal digits.
        OSError: the file can be neither read nor made.
    """
    try:
        text = _read(path)
    except FileNotFoundError:
        text = _draw_secret(path)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise UnusableSecret(
            f"{path} should hold {2 * _SECRET_BYTES} hexadecimal digits, and does not. Restore it "
            "from a backup, or delete it to have a new one drawn; regrades then use other seeds."
        )
    if shared and path.stat().st_uid == os.geteuid():
        path.chmod(0o660)
    return secret


def grading_seed(secret: bytes, student: str, assignment: str, work: str = "") -> int:
    """Return the seed for one student's submission, an integer in [0, 2**64).

    HMAC-SHA256 (RFC 2104, FIPS 180-4) of the three under the course's secret. They are joined by a
    zero byte, which none can contain, so that no two run together.

    Args:
        secret: the course's.
        student: the name.
        assignment: the name.
        work: a digest of what was handed in.
    """
    message = "\0".join((student, assignment, work)).encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big")


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip()


def _draw_secret(path: Path) -> str:
    text = secrets.token_hex(_SECRET_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
        try:
            # A link, not a rename: it fails where another process came first, and keeps theirs.
            os.link(draft, path)
        except FileExistsError:
            return _read(path)
    finally:
        draft.unlink()
    return text
