"""Calls a student's dropout on batches that nobody has seen, and reports what came out."""

from grader_kit.observing.calls import observe_calls
from grader_kit.observing.format import Record

from .observation import FORMAT, GRADIENT, plan


def observe(criterion: str, function: object) -> Record:
    """Return what can be observed of a function for one criterion, 1.2 MB of JSON at most."""
    return observe_calls(FORMAT, plan, criterion, function, gradients=criterion == GRADIENT)
