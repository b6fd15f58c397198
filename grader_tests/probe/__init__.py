"""Runs beside student code and only observes; of the hidden tests the sandbox sees this folder."""

from ..observation import SEED_VARIABLE
from .probe import observe

__all__ = ["SEED_VARIABLE", "observe"]
