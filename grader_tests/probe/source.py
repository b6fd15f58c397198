"""Reads the text of a student's function, for slips that leave no trace in any value."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from torch import Tensor

from grader_kit.observing.probing import TEXT, attempt

from .lines import code_of


def early_return(function: object) -> str:
    """Return the first `return` with statements after it in its block, which never run, or "".

    Python does not compile such statements, so that following the lines does not show them.
    """
    tree = attempt(lambda: _tree(function))
    return "" if tree is None else next(_early_returns(tree), "")[:TEXT]


def method_assigned(function: object) -> str:
    """Return the first line that gives a value to the name of a method, where it is to be called.

    Such a line only puts an attribute into an object of a moment; or "".
    """
    tree = attempt(lambda: _tree(function))
    return "" if tree is None else next(_assigned_methods(tree), "")[:TEXT]


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


def _tree(function: object) -> ast.Module | None:
    code = code_of(function)
    return None if code is None else ast.parse(textwrap.dedent(inspect.getsource(code)))


def _early_returns(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if not isinstance(statements, list):
                continue
            for statement in statements[:-1]:
                if isinstance(statement, ast.Return):
                    yield ast.unparse(statement)


def _assigned_methods(tree: ast.Module) -> Iterator[str]:
    """Yield assignments to an attribute that is a method of every tensor."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Attribute) and callable(getattr(Tensor, target.attr, None)):
                yield ast.unparse(node)
