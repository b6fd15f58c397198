"""Reads an observation of a student's function into typed records, and trusts none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ..observation import ENTRY_LIMIT, VERSION, ObservationError, decode_array
from .fields import correlation, flag, items, mapping, pair, shape, size, text, texts, up_to

_MODULES = 200
_PARAMETERS = 20


@dataclass(frozen=True)
class Problem:
    """What student code raised: type, message, the student's own line and function.

    `module` is the class of the module that the function was called with, where that is known.
    """

    type: str
    message: str
    line: str
    function: str
    module: str

    @property
    def said(self) -> str:
        """The type and the message on one line, without a full stop."""
        message = " ".join(self.message.split()).rstrip(".")
        return f"{self.type}: {message}" if message else self.type


@dataclass(frozen=True)
class Parameter:
    """A parameter or buffer after the function, beside what it was before.

    Attributes:
        kind: "Parameter", "Tensor" or another class; "None" or "missing" where it is gone.
        shape_before: its shape before.
        shape: its shape now; None where it could not be seen.
        dtype: before and now.
        device: before and now.
        trainable: whether it is a leaf that requires a gradient.
        unchanged: number of entries that hold what they held before; None if shapes differ.
        like_before: the correlation of its entries with those before.
        repeated: number of entries that are the same after an application to a copy.
        values: its values as float32, where the criterion looks at them.
    """

    kind: str
    shape_before: tuple[int, ...]
    shape: tuple[int, ...] | None
    dtype: tuple[str, ...]
    device: tuple[str, ...]
    trainable: bool
    unchanged: int | None
    like_before: float
    repeated: int | None
    values: np.ndarray | None

    @property
    def count(self) -> int:
        """The number of entries before."""
        return prod(self.shape_before)

    @property
    def changed(self) -> bool:
        """Whether its values are not what they were."""
        return self.kind in ("None", "missing") or self.unchanged != self.count

    @property
    def converted(self) -> bool:
        """Whether its type, its device or its part in training is not what it was."""
        moved = len({*self.dtype}) > 1 or len({*self.device}) > 1
        return moved or (self.kind == "Parameter" and not self.trainable)


@dataclass(frozen=True)
class Module:
    """A module of a probe network: "kept", "resized", "replaced", "removed" or "added".

    `reset` tells whether a setting of it was changed, such as a dropout's probability; `diverted`
    whether a linear layer computes something else than weight times input plus bias.
    """

    name: str
    type: str
    state: str
    reset: bool
    diverted: bool
    linear: bool
    fan_in: int
    fan_out: int
    parameters: Mapping[str, Parameter]

    @property
    def title(self) -> str:
        """The module as PyTorch writes it, such as Linear(300, 40)."""
        return f"{self.type}({self.fan_in}, {self.fan_out})" if self.linear else self.type

    @property
    def changed(self) -> bool:
        """Whether the function changed anything in it."""
        return (
            self.state != "kept"
            or self.reset
            or self.diverted
            or any(value.changed or value.converted for value in self.parameters.values())
        )


@dataclass(frozen=True)
class Training:
    """How one step of training went: stage reached, what was raised, what has no gradient."""

    stage: str
    error: Problem | None
    finite: bool
    without_gradient: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A line of the student's function, and whether it ran on a small network."""

    text: str
    ran: bool


@dataclass(frozen=True)
class FunctionObservation:
    """What the probe saw of a student's function.

    Attributes:
        seed: what it was made under.
        type: the class of what was handed in, mostly "function".
        callable: whether it can be called.
        blank: whether its body does nothing at all.
        deferred: whether it is a generator or a coroutine, whose body a call does not run.
        names: names that its code mentions: attributes, methods, globals.
        texts: texts that its code mentions.
        lines: its lines, where it failed or changed no weights.
        early_return: a `return` before other lines, where it changed no weights.
        settings: PyTorch's settings that it left altered: "gradients", "dtype".
        error: what it raised when it was applied.
        modules: every module of every network; empty where it raised.
        runs: one step of training per network, for the criterion that asks for it.
    """

    seed: int
    type: str
    callable: bool
    blank: bool
    deferred: bool
    names: tuple[str, ...]
    texts: tuple[str, ...]
    lines: tuple[Line, ...]
    early_return: str
    settings: tuple[str, ...]
    error: Problem | None
    modules: tuple[Module, ...]
    runs: tuple[Training, ...]

    @property
    def linear(self) -> list[Module]:
        """The linear layers that were there before."""
        return [module for module in self.modules if module.linear]


def read_head(criterion: str, observation: object) -> Mapping[str, object]:
    """Check what every observation begins with.

    Raises:
        ObservationError: it is not an object, or it has another version or criterion, or no seed.
    """
    if not isinstance(observation, Mapping):
        raise ObservationError("An observation should be an object.")
    if observation.get("version") != VERSION or observation.get("criterion") != criterion:
        raise ObservationError(f"It should be of version {VERSION} and for {criterion}.")
    seed = observation.get("seed")
    if not isinstance(seed, str) or not seed.isdecimal() or len(seed) > 100:
        raise ObservationError("Its seed should be a decimal number.")
    return observation


def read_function(criterion: str, observation: object) -> FunctionObservation:
    """Read an observation of a student's function.

    Raises:
        ObservationError: it is not as the probe writes it.
    """
    record = read_head(criterion, observation)
    function = mapping(record, "function")
    budget = [ENTRY_LIMIT]
    return FunctionObservation(
        seed=int(str(record["seed"])),
        type=text(function, "type"),
        callable=flag(function, "callable"),
        blank=flag(function, "blank"),
        deferred=flag(function, "deferred"),
        names=texts(function, "names"),
        texts=texts(function, "texts"),
        lines=tuple(map(_line, items(record, "lines", 100, optional=True))),
        early_return=text(record, "early_return") if record.get("early_return") else "",
        settings=_settings(record),
        error=problem(record.get("error")),
        modules=tuple(_module(item, budget) for item in items(record, "modules", _MODULES)),
        runs=tuple(_training(item) for item in items(record, "runs", 10, optional=True)),
    )


def _module(item: object, budget: list[int]) -> Module:
    if not isinstance(item, Mapping):
        raise ObservationError("A module should be an object.")
    state = text(item, "state")
    if state not in ("kept", "resized", "replaced", "removed", "added"):
        raise ObservationError("A module's state is unknown.")
    linear = state != "added" and flag(item, "linear")
    described = state in ("kept", "resized")
    parameters = items(item, "parameters", _PARAMETERS) if described else []
    read = dict(_parameter(parameter, budget) for parameter in parameters)
    fan_in, fan_out = (size(item, "fan_in"), size(item, "fan_out")) if linear else (0, 0)
    if linear and described:
        # A linear layer of the probe's has both, and weights that fit its sizes.
        shapes = {name: value.shape_before for name, value in read.items()}
        if shapes != {"weight": (fan_out, fan_in), "bias": (fan_out,)}:
            raise ObservationError("A linear layer's parameters do not fit its sizes.")
    reset = described and flag(item, "reset")
    diverted = linear and described and item.get("computes") is False
    name, kind = text(item, "name"), text(item, "type")
    return Module(name, kind, state, reset, diverted, linear, fan_in, fan_out, read)


def _parameter(item: object, budget: list[int]) -> tuple[str, Parameter]:
    if not isinstance(item, Mapping):
        raise ObservationError("A parameter should be an object.")
    shape_before = shape(item.get("shape_before"))
    shape_now = None if item.get("shape") is None else shape(item["shape"])
    values = None
    if item.get("values") is not None:
        values = decode_array(item["values"])
        budget[0] -= values.size
        if budget[0] < 0:
            raise ObservationError("The arrays of the observation are too large together.")
        if values.shape != shape_now:
            raise ObservationError("A parameter's values do not fit its shape.")
    count = prod(shape_before)
    parameter = Parameter(
        kind=text(item, "kind"),
        shape_before=shape_before,
        shape=shape_now,
        dtype=pair(item.get("dtype")),
        device=pair(item.get("device")),
        trainable=item.get("trainable") is True,
        unchanged=up_to(count, item.get("unchanged")),
        like_before=correlation(item.get("like_before")),
        repeated=up_to(prod(shape_now or ()), item.get("repeated")),
        values=values,
    )
    return text(item, "name"), parameter


def _settings(record: Mapping[str, object]) -> tuple[str, ...]:
    found = texts(record, "settings", optional=True)
    if not set(found) <= {"gradients", "dtype"}:
        raise ObservationError("A setting is unknown.")
    return found


def _line(item: object) -> Line:
    if not isinstance(item, Mapping):
        raise ObservationError("A line should be an object.")
    return Line(text(item, "text"), flag(item, "ran"))


def _training(item: object) -> Training:
    if not isinstance(item, Mapping):
        raise ObservationError("A run should be an object.")
    return Training(
        stage=text(item, "stage"),
        error=problem(item.get("error")),
        finite=item.get("finite") is True,
        without_gradient=texts(item, "without_gradient", optional=True),
    )


def problem(item: object) -> Problem | None:
    """Read what student code raised."""
    if item is None:
        return None
    if not isinstance(item, Mapping):
        raise ObservationError("An error should be an object.")
    return Problem(
        type=text(item, "type"),
        message=text(item, "message"),
        line=text(item, "line"),
        function=text(item, "function"),
        module=text(item, "module") if "module" in item else "",
    )
