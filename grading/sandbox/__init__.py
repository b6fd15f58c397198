"""The sandbox that shuts student code in: its host side; `inside` is all that it sees of ours."""

from .execution import close, execute, stop
from .isolation import SandboxUnavailable, check_available
from .process import SandboxFailed

__all__ = [
    "SandboxFailed",
    "SandboxUnavailable",
    "check_available",
    "close",
    "execute",
    "stop",
]
