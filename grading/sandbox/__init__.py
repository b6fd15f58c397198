"""The sandbox that shuts student code in: its host side."""

from grading.sandbox.bubblewrap import program_in_use
from grading.sandbox.errors import SandboxFailed, SandboxUnavailable
from grading.sandbox.isolation import check_available
from grading.sandbox.pool import close, execute, stop

__all__ = [
    "SandboxFailed",
    "SandboxUnavailable",
    "check_available",
    "close",
    "execute",
    "program_in_use",
    "stop",
]
