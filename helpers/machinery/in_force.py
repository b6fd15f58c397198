"""Tells what a training is that would run now: the code in force, and what its first steps give.

The text of files says how training was meant. Any cell of a notebook can change how it goes: a
setting, a method of an optimizer, a function of PyTorch's. What is told here decides the figures,
so that a run is looked up only where training would give the same (`recorded`).
"""

import copy
import dis
import random
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, partialmethod
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import training
from ..training import Batches
from . import progress

Train = Callable[[nn.Module, Batches, str, int], list[float]]
Accuracy = Callable[[nn.Module, Batches], float]

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)
_HOOKED = ("torch.nn.modules.module", "torch.optim.optimizer")
# What the loop in `training.train` passes through. Names in it may be bound to something else.
_MODULES = (
    "torch",
    "torch._C",
    "torch._C._nn",
    "torch._tensor",
    "torch.autograd",
    "torch.autograd.graph",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.modules.module",
    "torch.optim",
    "torch.optim.adam",
    "torch.optim.optimizer",
    "torch.random",
)
_CLASSES = (torch.Tensor, torch.optim.Adam, torch.optim.Optimizer, torch.Generator)
_HELPERS = "helpers"
_TRAINING = ("training", "comparison", "machinery.progress", "machinery.side_by_side")
# Where code lies that no notebook has written: Python's and PyTorch's, and these helpers'.
_INSTALLED = (
    str(Path(torch.__file__).parents[1]),
    sysconfig.get_path("stdlib"),
    str(Path(__file__).parents[1]),
    "<",
)
_PACKAGES = {"torch", "torchvision", "numpy", "tqdm", "typing_extensions", _HELPERS}
_STEPS = 2  # Adam's second moment shows from the second step on
_SIMPLE = (int, float, complex, str, bytes, bool, type(None))


def circumstances(batches: Batches, train: Train, accuracy: Accuracy) -> list[str] | None:
    """Describe code and settings that decide a training, or return None where that cannot be said.

    It cannot where something from outside of PyTorch and these helpers takes part.

    Args:
        batches: what is trained on.
        train: what trains a model.
        accuracy: what measures it.
    """
    hooks = [vars(sys.modules[name]) for name in _HOOKED]
    if any(value for names in hooks for key, value in names.items() if _is_hooks(key)):
        return None
    if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
        return None
    used = (train, accuracy, *_parts_of(type(batches)))
    foreign = _Foreign()
    if any(map(foreign, (*used, *_names_in_force()))):
        return None
    own = [value for value in used if isinstance(value, FunctionType)]
    own += [value for value in vars(training).values() if isinstance(value, FunctionType)]
    own += [vars(progress)["progress"]]
    constants = {key: value for key, value in vars(training).items() if key.isupper()}
    return [*map(_function, own), repr(constants), *_settings()]


def structure(model: nn.Module) -> str | None:
    """Describe a model's modules and their code; None where something acts from outside them."""
    described = []
    foreign = _Foreign()
    for name, module in model.named_modules():
        overridden = {key for key in vars(module) if callable(getattr(type(module), key, None))}
        if overridden or any(getattr(module, hooks, None) for hooks in _HOOKS):
            return None
        kind = type(module)
        described.append(f"{name} {kind.__module__} {kind.__qualname__} {module.extra_repr()}")
        for ancestor in kind.__mro__:
            if not ancestor.__module__.startswith("torch."):
                functions = [v for v in vars(ancestor).values() if isinstance(v, FunctionType)]
                outside = [_outside(function, set()) for function in functions]
                if None in outside:
                    return None
                described += [*map(_function, functions), str(outside)]
            elif any(map(foreign, vars(ancestor).values())):
                return None
        described += [
            f"{key} {value.requires_grad} {value.device}"
            for key, value in module.named_parameters(recurse=False)
        ]
    if any(parameter.device.type != "cpu" for parameter in model.parameters()):
        # On a GPU the order of additions may differ from run to run.
        return None
    return "\n".join(described)


def first_steps(
    model: nn.Module,
    train: Train,
    accuracy: Accuracy,
    batches: tuple[Batches, Batches],
    seed: int,
) -> list[np.ndarray] | None:
    """Return what the first steps of training make of a copy of `model`, or None if they fail.

    They show what a description may miss: another setting of the optimizer, say, or a value that
    `forward` takes from elsewhere.

    Args:
        model: before training.
        train: what trains a model.
        accuracy: what measures it.
        batches: what to train on, and what to measure on.
        seed: seeds PyTorch's generator.

    Returns:
        Losses, shape (steps,), accuracy, shape (1,), and the arrays of the model's state.
    """
    model = copy.deepcopy(model)
    try:
        with _generators_kept(), progress.hidden():
            losses = train(model, _first(batches[0], _STEPS), "", seed)
            reached = accuracy(model, _first(batches[1], 1))
            return [
                np.array(losses, dtype=np.float64),
                np.array([reached], dtype=np.float64),
                *(value.detach().numpy() for value in model.state_dict().values()),
            ]
    except Exception:
        # It is raised again where it is seen: in training.
        return None


@contextmanager
def _generators_kept() -> Iterator[None]:
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def _first(batches: Batches, number: int) -> Batches:
    """Return the first so many batches."""
    few = copy.copy(batches)
    few.orders = [batches.orders[0][:number]]
    return few


def _is_hooks(name: str) -> bool:
    return name.startswith("_global_") and name.endswith("_hooks")


def _settings() -> list[str]:
    tiny = torch.full((1,), 1e-40)
    return [
        f"{torch.get_default_dtype()} {torch.get_float32_matmul_precision()}",
        f"{torch.is_grad_enabled()} {torch.is_inference_mode_enabled()}",
        f"{torch.is_autocast_enabled('cpu')} {torch.backends.mkldnn.enabled}",
        str(torch.are_deterministic_algorithms_enabled()),
        # Whether numbers this small count as 0.
        str((tiny * 1).item()),
    ]


def _parts_of(kind: type) -> list[object]:
    return [value for ancestor in kind.__mro__ for value in vars(ancestor).values()]


def _names_in_force() -> Iterator[object]:
    """Yield what stands under the names that training passes through."""
    loaded = [*_MODULES, *(f"{_HELPERS}.{name}" for name in _TRAINING)]
    for name in loaded:
        if name in sys.modules:
            # No code reaches a name that is none, such as those that pytest gives to modules.
            bound = vars(sys.modules[name]).items()
            yield from (value for key, value in bound if key.isidentifier())
    for kind in _CLASSES:
        yield from vars(kind).values()


class _Foreign:
    """Tells whether a thing is code from neither PyTorch, Python nor these helpers."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, thing: Any) -> bool:
        if id(thing) in self._seen:
            return False
        self._seen.add(id(thing))
        match thing:
            case FunctionType():
                inner = [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
                return (
                    not _is_installed(thing.__globals__.get("__name__"))
                    or not thing.__code__.co_filename.startswith(_INSTALLED)
                    or any(self(part) for part in inner if callable(part))
                )
            case type():
                return not _is_installed(thing.__module__)
            case staticmethod() | classmethod() | MethodType():
                return self(thing.__func__)
            case property():
                return any(map(self, (thing.fget, thing.fset)))
            case partial() | partialmethod():
                return self(thing.func)
            case ModuleType():
                return not _is_installed(thing.__name__)
        return callable(thing) and not _is_installed(type(thing).__module__)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _is_installed(module: object) -> bool:
    package = str(module).partition(".")[0]
    return (
        package in _PACKAGES
        or (package in sys.stdlib_module_names and package != "unittest")
        or package.startswith("namedtuple_")
    )


def _outside(function: FunctionType, seen: set[object]) -> str | None:
    """Describe what a notebook's function reads from outside; None where that may change."""
    if function in seen:
        return ""
    seen.add(function)
    if any(step.opname == "STORE_GLOBAL" for step in dis.get_instructions(function)):
        return None
    described = []
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType) and not _is_installed(value.__module__):
            inner = _outside(value, seen)
            if inner is None:
                return None
            described.append(f"{name} {_function(value)} {inner}")
        elif isinstance(value, _SIMPLE):
            described.append(f"{name} {value!r}")
        elif isinstance(value, list | dict | set | Tensor | np.ndarray):
            return None
    return "\n".join(described)


def _function(function: FunctionType) -> str:
    defaults = (function.__defaults__, function.__kwdefaults__)
    return f"{function.__qualname__} {_code(function.__code__)} {defaults!r}"


def _code(code: CodeType) -> str:
    """Describe what code does, without where it stands."""
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {_constants(code.co_consts)}"


def _constants(values: tuple[object, ...]) -> list[str]:
    return [
        _code(value)
        if isinstance(value, CodeType)
        # The order of a set of texts differs from process to process.
        else str(sorted(map(repr, value)))
        if isinstance(value, frozenset)
        else repr(value)
        for value in values
    ]
