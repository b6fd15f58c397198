"""Says what is missing where the course's autograder would not run and judge a submission."""

from collections.abc import Iterable

from nbgrader.converters import NbGraderException
from traitlets.config import LoggingConfigurable
from traitlets.utils.importstring import import_item

from grading.errors import GradingError


class AutograderNotInForce(GradingError, NbGraderException):
    """Something of the course's autograder is missing; without it nothing is graded."""


def not_in_force(speaker: LoggingConfigurable, why: str) -> AutograderNotInForce:
    """Return the error, and log it: nbgrader's commands show what is logged."""
    text = f"Nothing was graded: {why}."
    speaker.log.error(text)
    return AutograderNotInForce(text)


def what_is_missing(preprocessors: Iterable[str | type]) -> str:
    """Return what keeps these preprocessors from running code in the sandbox and judging it.

    Args:
        preprocessors: classes or their names, as `c.Autograde.autograde_preprocessors` has them.

    Returns:
        The end of a sentence, or "" where nothing is missing.
    """
    try:
        from grading.judging.judge import Judge
        from grading.running.sandboxed_execute import SandboxedExecute

        classes = [import_item(each) if isinstance(each, str) else each for each in preprocessors]
    except ImportError as error:
        return f"this environment cannot import all of the course ({error}); install it with pip"
    absent = [
        needed.__name__
        for needed in (SandboxedExecute, Judge)
        if not any(isinstance(each, type) and issubclass(each, needed) for each in classes)
    ]
    if absent:
        return (
            f"c.Autograde.autograde_preprocessors lacks {' and '.join(absent)}; the list in the "
            "course's nbgrader_config.py has them, so look where it is set anew"
        )
    return ""
