"""Describes functions, exceptions, modules and parameters as JSON, whatever a student made of them.

Odd objects, such as a tensor subclass with methods of its own, must not stop the probe: what does
not let itself be looked at is described as None.
"""

import dis
import inspect
from pathlib import Path
from types import CodeType

import numpy as np
import torch
from torch import Tensor, nn

from grader_kit.observing import probing
from grader_kit.observing.arrays import ENTRY_LIMIT, encode_array
from grader_kit.observing.format import Record
from grader_kit.observing.probing import TEXT, attempt, type_name

from .lines import code_of

NAMES = 100
"""Names of one object that are sent."""

# Of code that a call only makes ready to run: generators and coroutines.
_DEFERRED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# What the body of a function compiles to where it holds a docstring, `pass` or `return`.
_IDLE = ("RESUME", "NOP", "CACHE", "LOAD_CONST", "LOAD_SMALL_INT", "LOAD_FAST", "POP_TOP", "RETURN")
# What the first line of the exercise's original edition compiles to: it names the module's class.
_NAMING = ("LOAD_ATTR", "STORE_FAST")
_GIVEN = {"__class__", "__name__"}
_ROOTS = ("sqrt", "rsqrt", "pow", "power")


def describe_function(function: object) -> Record:
    """Return what a function is, and which names its code mentions."""
    code = attempt(lambda: code_of(function))
    names: list[str] = []
    blank = calculates = False
    if code is not None:
        steps = list(dis.get_instructions(code))
        given = set(code.co_names) <= _GIVEN
        idle = (*_IDLE, *_NAMING) if given else _IDLE
        blank = all(step.opname.startswith(idle) for step in steps)
        calculates = any(step.opname.startswith("BINARY_OP") for step in steps)
        nested = [code]
        for part in nested:
            names += part.co_names
            nested += [inner for inner in part.co_consts if isinstance(inner, CodeType)]
    return {
        "type": type_name(function),
        "callable": callable(function),
        "blank": blank,
        "calculates": calculates or any(name in _ROOTS for name in names),
        "deferred": code is not None and bool(code.co_flags & _DEFERRED),
        "names": [name[:TEXT] for name in names[:NAMES]],
    }


def describe_error(error: BaseException) -> Record:
    """Return an exception's type and message, and the innermost line of the student's."""
    return probing.describe_error(error, (Path("helpers"), Path(__file__).parents[1]))


class Before:
    """A module as it was before the student's function: its size, parameters and buffers."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.size = size(module)
        # A function can change a module's class, as a parametrization does.
        self.type = type_name(module)
        self.linear = isinstance(module, nn.Linear)
        self.settings = attempt(module.extra_repr)
        self.tensors = {
            key: value.detach().clone()
            for key, value in (*module._parameters.items(), *module._buffers.items())
            if value is not None
        }


def size(module: nn.Module) -> Record:
    """Return a linear layer's numbers of inputs and neurons, nothing for other modules."""
    if not isinstance(module, nn.Linear):
        return {}
    return {"fan_in": module.in_features, "fan_out": module.out_features}


def describe_module(
    name: str, before: Before, after: nn.Module | None, again: nn.Module | None, values: str
) -> Record:
    """Compare a module with what it was, and carry its parameter called `values` if it is linear.

    Args:
        name: the module's place in the network.
        before: the module as it was.
        after: what stands in its place now.
        again: what stands in its place in a copy, after another application, if there was one.
        values: "weight", "bias", or "" for neither.
    """
    linear = before.linear
    record: Record = {"name": name, "type": before.type, "linear": linear, **before.size}
    if after is not before.module:
        return {**record, "state": "removed" if after is None else "replaced"}
    record["state"] = "kept" if attempt(lambda: size(after)) == before.size else "resized"
    # Such as a dropout's probability. A linear layer's are its sizes, and whether it has a bias.
    record["reset"] = not linear and attempt(after.extra_repr) != before.settings
    if isinstance(after, nn.Linear):
        record["computes"] = attempt(lambda: _computes_linear(after))
    record["parameters"] = [
        describe_parameter(
            key, _current(after, key), old, _current(again, key), linear and key == values
        )
        for key, old in before.tensors.items()
    ]
    return record


def _computes_linear(layer: nn.Linear) -> bool:
    """Tell whether a layer's output is still weight times input plus bias.

    A hook, or another `forward`, can scale the output instead of the weights.
    """
    with torch.no_grad():
        inputs = torch.linspace(-1.0, 1.0, layer.in_features).unsqueeze(0)
        expected = nn.functional.linear(inputs, layer.weight, layer.bias)
        # The same products in the same order; the tolerance only allows for another order.
        return torch.allclose(layer(inputs), expected, rtol=1e-3, atol=1e-4, equal_nan=True)


def _current(module: nn.Module | None, name: str) -> object:
    """Return a parameter or buffer, or the text "missing" where there is none."""
    try:
        return getattr(module, name)
    except AttributeError:
        return "missing"


def describe_parameter(
    name: str, value: object, old: Tensor, again: object, with_values: bool
) -> Record:
    """Describe a parameter or buffer beside the `old` one, with its entries if asked for.

    `again` is what a copy of the module holds after another application.
    """
    kind = "None" if value is None else "missing" if isinstance(value, str) else type_name(value)
    record: Record = {"name": name, "kind": kind, "shape_before": list(old.shape)}
    if not isinstance(value, Tensor):
        return record
    # A subclass may bring an arithmetic of its own; the entries are what counts.
    with torch._C.DisableTorchFunctionSubclass():
        record["shape"] = attempt(lambda: [int(length) for length in value.shape])
        both = (old, value)
        record["dtype"] = (
            attempt(lambda: [str(each.dtype).removeprefix("torch.") for each in both]) or []
        )
        record["device"] = attempt(lambda: [str(each.device) for each in both]) or []
        record["trainable"] = attempt(lambda: bool(value.requires_grad and value.is_leaf))
        array = attempt(lambda: _array(value))
        if array is not None:
            record["unchanged"] = _equal_entries(array, _array(old))
            record["like_before"] = attempt(lambda: _correlation(array, _array(old))) or 0.0
            if isinstance(again, Tensor):
                record["repeated"] = attempt(lambda: _equal_entries(array, _array(again)))
            if with_values:
                record["values"] = encode_array(array)
    return record


def _array(tensor: Tensor) -> np.ndarray | None:
    """Return a tensor's entries as float32, or None where there are too many to send."""
    if tensor.numel() > ENTRY_LIMIT:
        return None
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy().copy()


def _equal_entries(array: np.ndarray, other: np.ndarray | None) -> int | None:
    if other is None or array.shape != other.shape:
        return None
    return int(np.count_nonzero(array == other))


def _correlation(array: np.ndarray, other: np.ndarray | None) -> float:
    """Return the correlation of two arrays' entries, 0 where it has no meaning."""
    if other is None or array.shape != other.shape or array.size < 2:
        return 0.0
    one, two = (values.ravel() - values.mean(dtype=np.float64) for values in (array, other))
    product = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / product if 0 < product < np.inf else 0.0
