"""Hidden tests: a probe observes what student code does, and criteria judge it elsewhere.

A hidden test cell calls `check`. The observation always goes out as a display message; where the
judging side can be imported, as in the instructor's JupyterLab, the verdict follows at once.

Beside the student's code run the modules that `observation.PROBE_MODULES` names, which need NumPy,
PyTorch and IPython alone. Everything else judges, and stays outside the sandbox.
"""

from grader_kit.observing.errors import CriterionFailed
from grader_kit.observing.format import emit

from .observation import MIME_TYPE, GraderTestsError

__all__ = ["CriterionFailed", "GraderTestsError", "check"]


def check(criterion: str, thing: object) -> None:
    """Observe `thing` for one criterion, and judge it where that is possible.

    Args:
        criterion: the grade id of the hidden test.
        thing: what the criterion looks at: the student's function, their model, or the pair of
            model and comparison. None stands for what a student has not made.

    Raises:
        CriterionFailed: the judging side is here, and the criterion is not met.
    """
    # The judge imports this package too, and does without PyTorch.
    from .probe import observe

    observation = observe(criterion, thing)
    emit(MIME_TYPE, observation)
    try:
        from .judge.verdicts import judge
    except ImportError:
        return
    verdict = judge(criterion, observation)
    if not verdict.passed:
        raise CriterionFailed(verdict.sentence)
    print(verdict.sentence)
