"""Reads the text of a student's function, for slips that leave no trace in any value."""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType

from torch import Tensor

from grader_kit.observing.probing import TEXT, attempt

from .lines import code_of


def early_return(function: object) -> str:
    """Return the first `return` with statements after it in its block, which never run, or "".

    Python does not compile such statements, so that following the lines does not show them.
    """
    return _first_line(function, _early_returns)


def method_assigned(function: object) -> str:
    """Return the first line that gives a value to the name of a method, where it is to be called.

    Such a line only puts an attribute into an object of a moment; or "".
    """
    return _first_line(function, _assigned_methods)


def takes_module(function: object) -> bool:
    """Tell whether a function can be called with one argument, as `model.apply` does.

    Raises:
        TypeError, ValueError: it has no signature.
    """
    if not callable(function):
        return False
    parameters = inspect.signature(function)
    try:
        parameters.bind(None)
    except TypeError:
        return False
    return True


def _first_line(function: object, statements: Callable[[ast.Module], Iterator[ast.stmt]]) -> str:
    """Return the line on which the first of some statements begins, as it was written, or ""."""

    def line() -> str:
        code = code_of(function)
        source = "" if code is None else textwrap.dedent(_text(code))
        statement = next(statements(ast.parse(source)), None)
        # Of a line, ast counts what Python does; splitlines() breaks at more signs.
        lines = source.split("\n")
        return "" if statement is None else lines[statement.lineno - 1].strip()[:TEXT]

    return attempt(line) or ""


def _text(code: CodeType) -> str:
    """Return the lines of a function, as inspect.getsource does.

    That goes through every module there is to learn which of them the code is from, and does so
    again each time; a cell's code is from none, and a file's name says where its lines are.
    """
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename)
    if not lines:
        # Only a module's loader knows, as with one in an archive.
        return inspect.getsource(code)
    return "".join(inspect.getblock(lines[code.co_firstlineno - 1 :]))


def _early_returns(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if not isinstance(statements, list):
                continue
            for statement in statements[:-1]:
                if isinstance(statement, ast.Return):
                    yield statement


def _assigned_methods(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield assignments to an attribute that is a method of every tensor."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Attribute) and callable(getattr(Tensor, target.attr, None)):
                yield node
