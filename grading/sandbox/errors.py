"""What the sandbox raises."""

from grading.errors import GradingError


class SandboxUnavailable(GradingError):
    """bubblewrap is missing, or may not run here."""


class SandboxFailed(GradingError):
    """The sandbox broke down before or beside the student's code: a fault of the machine."""
