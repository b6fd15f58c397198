"""Asks for what was computed before, where somebody keeps it; elsewhere everything is computed."""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

VARIABLE = "RECALL_MODULE"
"""Names the module that is asked. Whoever grades sets it; on a student's machine there is none."""

Result = TypeVar("Result")


def recalled(kind: str, compute: Callable[[], Result], **decisive: Any) -> Result:
    """Return what `compute` returns, to the last bit.

    Args:
        kind: what is computed, "training" or "figure": the function of the module that is asked.
        compute: computes it.
        decisive: everything that decides what it gives.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return compute()
    result: Result = getattr(import_module(name), kind)(compute, **decisive)
    return result
