"""Hidden tests of an exercise on dropout: the student writes `dropout(x, p, training)`."""

from .observation import FORMAT


def check(criterion: str, function: object) -> None:
    """Observe a student's function for one criterion; judge it where that is possible."""
    from .probe import observe

    FORMAT.report(observe(criterion, function))
