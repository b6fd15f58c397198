"""Looks for what the second exercise asks for under other names than those it gives.

Only cells count that ran after the first exercise and after the given cells that follow it: a model
with which somebody tried something before is no answer, and no more is the lesson's own, which has
PyTorch's weights where the function of the first exercise does nothing.
"""

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

from IPython.core.getipython import get_ipython
from torch import nn

from grader_kit.observing.probing import TEXT, attempt

BEFORE = (
    'grader_tests.check("test_normal_bias"',
    "model_normal_rule = Net()",
    "def weights_init_uniform_wide(m):",
)
"""What stands in the given cells between the exercises, the first one's last test included."""

_LAYERS = ("fc1", "fc2", "fc3")
_ROUNDING = 1 + 1e-6


def model_elsewhere(comparison: object = None) -> tuple[nn.Module | None, str]:
    """Return the last model with PyTorch's own weights that a cell has bound, and its name.

    With a comparison, one that it holds comes first.
    """
    found = [
        (value, name)
        for name, value in _bound()
        if isinstance(value, nn.Module) and attempt(partial(_has_default_weights, value))
    ]
    compared = [pair for pair in found if attempt(partial(_holds, comparison, pair[0]))]
    return (compared or found)[-1] if found else (None, "")


def comparison_elsewhere() -> tuple[object, str]:
    """Return the last comparison that a cell has bound or shown, and its name, "" for shown."""
    shell: Any = get_ipython()
    shown = attempt(lambda: list(shell.user_ns["_oh"].items())) or []
    first = _first_cell()
    found = [(value, "") for number, value in shown if number >= first]
    found += [(value, name) for name, value in _bound()]
    return next(((v, name) for v, name in reversed(found) if _is_comparison(v)), (None, ""))


def _is_comparison(value: object) -> bool:
    return any(kind.__name__ == "Comparison" for kind in type(value).__mro__)


def _holds(comparison: Any, model: nn.Module) -> bool:
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    return any(
        run.initial_weights.keys() == state.keys()
        and all((run.initial_weights[name] == values).all() for name, values in state.items())
        for run in comparison.runs
    )


def _has_default_weights(model: nn.Module) -> bool:
    """Tell whether a network of the lesson's layers is as PyTorch made it, by its range."""
    layers = map(model.get_submodule, _LAYERS)
    return all(isinstance(layer, nn.Linear) and _untouched(layer) for layer in layers)


def _untouched(layer: nn.Linear) -> bool:
    bound = layer.in_features**-0.5 * _ROUNDING
    most = max(float(layer.weight.abs().max()), float(layer.bias.abs().max()))
    return most <= bound and float(layer.bias.abs().max()) > 0


def _bound() -> Iterator[tuple[str, object]]:
    """Yield the names that cells after the first exercise bind, in order, with their values."""
    shell: Any = get_ipython()
    cells = attempt(lambda: list(shell.user_ns["In"])[_first_cell() : -1]) or []
    for cell in cells:
        tree = attempt(partial(ast.parse, cell))
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                value = shell.user_ns.get(node.id)
                if value is not None:
                    yield node.id[:TEXT], value


def _first_cell() -> int:
    shell: Any = get_ipython()
    cells = attempt(lambda: [str(cell) for cell in shell.user_ns["In"]]) or []
    given = [n for n, cell in enumerate(cells) if any(mark in cell for mark in BEFORE)]
    return given[-1] + 1 if given else 0
