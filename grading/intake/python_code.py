"""Parses what may be Python, of a student's: no more of it than somebody writes into a cell."""

import ast

_LONGEST = 100_000  # characters; what parsing makes of a text takes a hundred times its memory


def statements(source: str) -> list[ast.stmt] | None:
    """Return the statements of a cell; None where it is no Python, or too long to be looked at."""
    if len(source) > _LONGEST:
        return None
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
