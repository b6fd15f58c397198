"""What goes wrong with hidden tests and their observations, by name."""


class HiddenTestError(Exception):
    """Something is wrong with a hidden test or with what it observed; the message says what."""


class UnknownCriterion(HiddenTestError, ValueError):
    """No criterion has this grade id."""


class ObservationError(HiddenTestError, ValueError):
    """An observation is not as its format says."""


class CriterionFailed(HiddenTestError, AssertionError):
    """A submission does not meet a criterion; the message says what was found."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback: no frame of the grader's.
        return [str(self)]
