"""Reads what students wrote as Python, as far as it is that and no longer than an exercise."""

import ast

_LONGEST = 20_000
"""Characters of a cell that is read; the exercises take a hundredth of that."""


def first_function(source: str) -> str:
    """Return the first function of a cell, without comments and docstring: nobody's name.

    It is "" where there is none, where the cell is no Python or too much of it, and where Python
    cannot write what it has read: a sum of a thousand terms, say, or a number of thousands of
    digits.
    """
    if len(source) > _LONGEST:
        return ""
    try:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                if ast.get_docstring(node) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
                return ast.unparse(node)
    # SyntaxError, ValueError for bytes that no source has, RecursionError and MemoryError for what
    # is nested too deep: which of them changes from one Python to the next.
    except Exception:
        return ""
    return ""
