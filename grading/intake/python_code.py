"""Parses what may be Python, of a student's: no more of it than somebody writes into a cell."""

import ast

# Where garbage is collected while Python makes the tree, and a finalizer parses something, Python
# 3.11 takes the depth that it counts for wrong (issue 106905 of CPython).
_TRIES = 3
_LONGEST = 100_000  # characters; what parsing makes of a text takes a hundred times its memory


def statements(source: str) -> list[ast.stmt] | None:
    """Return the statements of a cell; None where it is no Python, or too long to be looked at."""
    if len(source) > _LONGEST:
        return None
    for _ in range(_TRIES):
        try:
            return ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        except SystemError:
            continue
    return None


def says_something(source: str) -> bool:
    """Tell whether a code cell holds words and computes nothing: comments, or text to print."""
    # Lines for IPython are no words.
    lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
    parsed = statements("\n".join(lines))
    return any(map(str.strip, lines)) and (parsed is None or all(map(_is_text, parsed)))


def _is_text(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    parts = value.args if isinstance(value, ast.Call) else [value]
    return bool(parts) and all(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in parts
    )
