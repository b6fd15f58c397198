"""Runs beside student code and only observes; of the hidden tests the sandbox sees this folder."""

from .probe import SEED_VARIABLE, observe

__all__ = ["SEED_VARIABLE", "observe"]
