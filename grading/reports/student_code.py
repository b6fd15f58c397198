"""Reads what students wrote as Python, as far as it is that and no longer than an exercise."""

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence

_LONGEST = 20_000
"""Characters of a cell that is read; the exercises take a hundredth of that."""


def parse(source: str) -> ast.Module:
    """Return the code as a syntax tree; an empty one where it is no Python, or too much of it."""
    try:
        if len(source) <= _LONGEST:
            return ast.parse(source)
    # SyntaxError, ValueError for bytes that no source has, RecursionError and MemoryError for what
    # is nested too deep: which of them changes from one Python to the next.
    except Exception:
        return _nothing()
    return _nothing()


def unparse(node: ast.AST) -> str:
    """Return a piece of code as Python writes it; "" for what it can read and not write.

    That is a sum of a thousand terms, say, a number of thousands of digits, or a text within a
    text with all kinds of quotes.
    """
    try:
        return ast.unparse(node)
    except Exception:
        return ""


def first_function(cells: Sequence[str]) -> str:
    """Return the first function of a solution, without comments and docstring: nobody's name."""
    for cell in cells:
        for node in parse(cell).body:
            if isinstance(node, ast.FunctionDef):
                if ast.get_docstring(node) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
                return unparse(node)
    return ""


def comments(source: str) -> Iterator[str]:
    """Yield the comments, up to where it is no Python any more."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source[:_LONGEST]).readline):
            if token.type == tokenize.COMMENT and (said := " ".join(token.string[1:].split())):
                yield said
    except (tokenize.TokenError, SyntaxError):
        # What comes before the fault has been seen.
        return


def _nothing() -> ast.Module:
    return ast.Module(body=[], type_ignores=[])
