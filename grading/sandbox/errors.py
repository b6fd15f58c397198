"""What the sandbox raises."""

from grading.errors import GradingError
from grading.sandbox.progress import Progress
from grading.submission import Run


class SandboxUnavailable(GradingError):
    """bubblewrap is missing, or may not run here."""


class SandboxFailed(GradingError):
    """The sandbox broke down: by a fault of the machine, or by what ran in it.

    Attributes:
        progress: how far the submission came.
        run: the same, as `sandbox.execute` returns it; None where it was not begun.
    """

    run: Run | None = None

    def __init__(self, message: str, progress: Progress | None = None) -> None:
        super().__init__(message)
        self.progress = progress
