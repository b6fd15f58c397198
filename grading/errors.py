"""The base of the engine's errors, each of which says what is wrong and what to do about it."""


class GradingError(Exception):
    """Something that a person can put right; a command prints it, and no traceback."""
