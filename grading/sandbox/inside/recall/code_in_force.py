"""Tells what a training is that would run now: the code in force, and what its first steps give.

The text of files says how training was meant. Any cell of a notebook can change how it goes: a
setting, a method of an optimizer, a function of PyTorch's. What is told here decides the figures,
so that a training is looked up only where it would give the same (`trainings`).
"""

import copy
import dis
import random
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, partialmethod
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

_HOOKS = tuple(
    f"_{way}_{when}" for way in ("forward", "backward") for when in ("hooks", "pre_hooks")
)
_HOOKED = ("torch.nn.modules.module", "torch.optim.optimizer")
# What a training loop with Adam passes through. Names in it may be bound to something else.
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
# Where code lies that no notebook has written.
_INSTALLED = (str(Path(torch.__file__).parents[1]), sysconfig.get_path("stdlib"), "<")
_PACKAGES = frozenset({"torch", "numpy", "typing_extensions"})
_STEPS = 2  # Adam's second moment shows from the second step on
_SIMPLE = (int, float, complex, str, bytes, bool, type(None))


class Batches(Protocol):
    """What is trained on.

    Attributes:
        orders: for each epoch the batches, each as the indices of its images.
        memory: the images and labels; None if they do not lie in memory.
    """

    orders: list[list[list[int]]]
    memory: tuple[Tensor, Tensor] | None

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Training:
    """What decides a training besides the model.

    Attributes:
        batches: what is trained on, and what is measured on.
        seed: seeds PyTorch's generator.
        train: what trains a model.
        accuracy: what measures it.
        modules: what the training is made of; their package is the lesson's.
        packages: what they import besides PyTorch, NumPy and Python's own.
    """

    batches: tuple[Batches, Batches]
    seed: int
    train: Callable[[nn.Module, Batches, str, int], list[float]]
    accuracy: Callable[[nn.Module, Batches], float]
    modules: Sequence[ModuleType]
    packages: Sequence[str]

    def circumstances(self) -> list[str] | None:
        """Describe code and settings that decide it, or return None where that cannot be said.

        It cannot where something from outside of PyTorch and the lesson's package takes part.
        """
        hooks = [vars(sys.modules[name]) for name in _HOOKED]
        if any(value for names in hooks for key, value in names.items() if _is_hooks(key)):
            return None
        if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
            return None
        used = [self.train, self.accuracy]
        used += [value for kind in type(self.batches[0]).__mro__ for value in vars(kind).values()]
        if any(map(self._foreign(), (*used, *_names_in_force(self.modules)))):
            return None
        names = [item for module in self.modules for item in vars(module).items()]
        functions = [*used, *(value for _, value in names)]
        constants = [item for item in names if item[0].isupper()]
        return [
            *(_function(value) for value in functions if isinstance(value, FunctionType)),
            repr(constants),
            *_settings(),
        ]

    def structure(self, model: nn.Module) -> str | None:
        """Describe a model's modules and code; None where something acts from outside them."""
        described = []
        foreign = self._foreign()
        for name, module in model.named_modules():
            overridden = {key for key in vars(module) if callable(getattr(type(module), key, None))}
            if overridden or any(getattr(module, hooks, None) for hooks in _HOOKS):
                return None
            kind = type(module)
            described.append(f"{name} {kind.__module__} {kind.__qualname__} {module.extra_repr()}")
            for ancestor in kind.__mro__:
                if not ancestor.__module__.startswith("torch."):
                    functions = [v for v in vars(ancestor).values() if isinstance(v, FunctionType)]
                    outside = [foreign.outside(function, set()) for function in functions]
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

    def first_steps(self, model: nn.Module) -> list[np.ndarray] | None:
        """Return what the first steps make of a copy of `model`, or None if they fail.

        Losses, shape (steps,), accuracy, shape (1,), and the arrays of the model's state show what
        a description may miss: another setting of the optimizer, say.
        """
        model = copy.deepcopy(model)
        try:
            with _generators_kept():
                losses = self.train(model, _first(self.batches[0], _STEPS), "", self.seed)
                reached = self.accuracy(model, _first(self.batches[1], 1))
                return [
                    np.array(losses, dtype=np.float64),
                    np.array([reached], dtype=np.float64),
                    *(value.detach().numpy() for value in model.state_dict().values()),
                ]
        except Exception:
            # It is raised again where it is seen: in training.
            return None

    def _foreign(self) -> "_Foreign":
        lesson = {str(module.__name__).partition(".")[0] for module in self.modules}
        folder = str(Path(str(self.modules[0].__file__)).parent)
        return _Foreign(_PACKAGES | lesson | {*self.packages}, (*_INSTALLED, folder))


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


def _names_in_force(modules: Sequence[ModuleType]) -> Iterator[object]:
    """Yield what stands under the names that training passes through."""
    for module in (*(sys.modules[name] for name in _MODULES if name in sys.modules), *modules):
        # No code reaches a name that is none, such as those that pytest gives to modules.
        yield from (value for key, value in vars(module).items() if key.isidentifier())
    for kind in _CLASSES:
        yield from vars(kind).values()


class _Foreign:
    """Tells whether a value is code from neither PyTorch, Python nor the lesson's package.

    Args:
        packages: the names of packages that are not foreign.
        folders: where their code lies.
    """

    def __init__(self, packages: frozenset[str], folders: tuple[str, ...]) -> None:
        self._packages = packages
        self._folders = folders
        self._checked: set[int] = set()

    def __call__(self, value: Any) -> bool:
        if id(value) in self._checked:
            return False
        self._checked.add(id(value))
        match value:
            case FunctionType():
                inner = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
                return (
                    not self._is_installed(value.__globals__.get("__name__"))
                    or not value.__code__.co_filename.startswith(self._folders)
                    or any(self(part) for part in inner if callable(part))
                )
            case type():
                return not self._is_installed(value.__module__)
            case staticmethod() | classmethod() | MethodType():
                return self(value.__func__)
            case property():
                return any(map(self, (value.fget, value.fset)))
            case partial() | partialmethod():
                return self(value.func)
            case ModuleType():
                return not self._is_installed(value.__name__)
        return callable(value) and not self._is_installed(type(value).__module__)

    def outside(self, function: FunctionType, described: set[object]) -> str | None:
        """Describe what a notebook's function reads from outside; None where that may change."""
        if function in described:
            return ""
        described.add(function)
        if any(step.opname == "STORE_GLOBAL" for step in dis.get_instructions(function)):
            return None
        lines = []
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType) and not self._is_installed(value.__module__):
                inner = self.outside(value, described)
                if inner is None:
                    return None
                lines.append(f"{name} {_function(value)} {inner}")
            elif isinstance(value, _SIMPLE):
                lines.append(f"{name} {value!r}")
            elif isinstance(value, list | dict | set | Tensor | np.ndarray):
                return None
        return "\n".join(lines)

    def _is_installed(self, module: object) -> bool:
        package = str(module).partition(".")[0]
        return (
            package in self._packages
            or (package in sys.stdlib_module_names and package != "unittest")
            or package.startswith("namedtuple_")
        )


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


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
