"""An observation as typed records. It comes from a kernel of a student's, so nothing is trusted.

msgspec checks types and lengths; what has to fit together is checked where a record is made.
"""

from functools import cached_property
from math import prod
from typing import Annotated, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct

from grader_kit.judging import records
from grader_kit.judging.records import Head as Head
from grader_kit.judging.records import Problem as Problem
from grader_kit.judging.records import Text as Text

from ..observation import VERSION, ObservationError

Texts = Annotated[tuple[Text, ...], Meta(max_length=400)]
Count = Annotated[int, Meta(ge=0)]
Size = Annotated[int, Meta(ge=1, le=100_000)]
Shape = Annotated[tuple[Count, ...], Meta(max_length=64)]
BeforeAndNow = Annotated[tuple[Text, ...], Meta(max_length=2)]
"""Two texts; none where they could not be seen."""
# Rounding may carry a correlation a little beyond 1.
Correlation = Annotated[float, Meta(ge=-1.001, le=1.001)]


class Parameter(Struct, frozen=True):
    """A parameter or buffer after the function, beside what it was before.

    Attributes:
        name: "weight", "bias" or another.
        kind: "Parameter", "Tensor" or another class; "None" or "missing" where it is gone.
        shape_before: its shape before.
        shape: its shape now; None where it could not be seen.
        dtype: before and now.
        device: before and now.
        trainable: whether it is a leaf that requires a gradient.
        unchanged: number of entries that hold what they held before; None if shapes differ.
        like_before: the correlation of its entries with those before; 0 where it has no meaning.
        repeated: number of entries that are the same after an application to a copy.
        values: its values as float32, where the criterion looks at them.
    """

    name: Text
    kind: Text
    shape_before: Shape
    shape: Shape | None = None
    dtype: BeforeAndNow = ()
    device: BeforeAndNow = ()
    trainable: bool | None = None
    unchanged: Count | None = None
    like_before: Correlation = 0.0
    repeated: Count | None = None
    values: np.ndarray | None = None

    def __post_init__(self) -> None:
        if 1 in (len(self.dtype), len(self.device)):
            raise ObservationError("A type or device should be given before and after.")
        if (self.unchanged or 0) > self.count or (self.repeated or 0) > prod(self.shape or ()):
            raise ObservationError("A number of entries should not exceed the entries there are.")
        if self.values is not None and self.values.shape != self.shape:
            raise ObservationError("A parameter's values do not fit its shape.")

    @property
    def count(self) -> int:
        """The number of entries before."""
        return prod(self.shape_before)

    @property
    def gone(self) -> bool:
        """Whether the module no longer has it."""
        return self.kind in ("None", "missing")

    @property
    def changed(self) -> bool:
        """Whether its values are not what they were."""
        return self.gone or self.unchanged != self.count

    @property
    def flaw(self) -> str:
        """What makes it another parameter than before: "kind", "shape" and so on, or ""."""
        flaws = {
            "kind": self.kind != "Parameter",
            "shape": self.shape != self.shape_before,
            "dtype": len({*self.dtype}) != 1,
            "device": len({*self.device}) != 1,
            "gradient": not self.trainable,
        }
        return next((name for name, there in flaws.items() if there), "")

    @property
    def converted(self) -> bool:
        """Whether its type, its device or its part in training is not what it was."""
        moved = len({*self.dtype}) > 1 or len({*self.device}) > 1
        return moved or (self.kind == "Parameter" and not self.trainable)


class Module(Struct, frozen=True, dict=True):
    """A module of a probe network.

    `reset` tells whether a setting of it was changed, such as a dropout's probability; `computes`
    whether a linear layer's output is still weight times input plus bias, None where unknown.
    """

    name: Text
    type: Text
    state: Literal["kept", "resized", "replaced", "removed", "added"]
    linear: bool = False
    fan_in: Size = 0
    fan_out: Size = 0
    reset: bool = False
    computes: bool | None = None
    described: Annotated[tuple[Parameter, ...], Meta(max_length=20)] = msgspec.field(
        default=(), name="parameters"
    )

    def __post_init__(self) -> None:
        if self.state == "added" and self.linear:
            raise ObservationError("What was added is not one of the probe's linear layers.")
        shapes = {name: value.shape_before for name, value in self.parameters.items()}
        wanted = {"weight": (self.fan_out, self.fan_in), "bias": (self.fan_out,)}
        if self.linear and self.in_place and shapes != wanted:
            raise ObservationError("A linear layer's parameters do not fit its sizes.")

    @property
    def in_place(self) -> bool:
        """Whether it is the module that was there before."""
        return self.state in ("kept", "resized")

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Its parameters and buffers by name; none where the module is not in its place."""
        return {value.name: value for value in self.described} if self.in_place else {}

    @property
    def diverted(self) -> bool:
        """Whether a linear layer computes something else than weight times input plus bias."""
        return self.linear and self.computes is False

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
            or any(value.changed or value.converted for value in self.described)
        )


class Training(Struct, frozen=True):
    """How one step of training went: stage reached, what was raised, what has no gradient."""

    stage: Text
    error: Problem | None = None
    finite: bool = False
    without_gradient: Texts = ()


class Line(Struct, frozen=True):
    """A line of the student's function, and whether it ran on a small network."""

    text: Text
    ran: bool


class Function(Struct, frozen=True):
    """What was handed in as the function.

    Attributes:
        type: its class, mostly "function".
        callable: whether it can be called.
        blank: whether its body does nothing, or only what the exercise's own first line does.
        deferred: whether it is a generator or a coroutine, whose body a call does not run.
        names: names that its code mentions: attributes, methods, globals.
        calculates: whether it does arithmetic or takes a root.
    """

    type: Text
    callable: bool
    blank: bool
    deferred: bool
    names: Texts
    calculates: bool = False


class FunctionObservation(Head, frozen=True):
    """What the probe saw of a student's function.

    Attributes:
        function: what it is.
        modules: every module of every network; where it raised, of the large one or none.
        error: what it raised when it was applied.
        lines: its lines, where it failed or changed no weights.
        layers_error: what it raised first when it was called with linear layers alone; `modules`
            are then as it left those.
        takes_module: whether it can be called with one argument.
        early_return: a `return` before other lines, where it changed no weights.
        method_assigned: a line that assigns to a method's name, where it changed no weights.
        settings: PyTorch's settings that it left altered.
        runs: one step of training per network, for the criterion that asks for it.
    """

    function: Function
    modules: Annotated[tuple[Module, ...], Meta(max_length=200)]
    error: Problem | None = None
    lines: Annotated[tuple[Line, ...], Meta(max_length=100)] = ()
    layers_error: Problem | None = None
    takes_module: bool = True
    early_return: Text = ""
    method_assigned: Text = ""
    settings: Annotated[tuple[Literal["gradients", "dtype"], ...], Meta(max_length=2)] = ()
    runs: Annotated[tuple[Training, ...], Meta(max_length=10)] = ()

    @property
    def stopped(self) -> Problem | None:
        """What stopped it: at a linear layer, if it stopped there, else at another module."""
        return self.layers_error or self.error

    @property
    def linear(self) -> list[Module]:
        """The linear layers that were there before."""
        return [module for module in self.modules if module.linear]

    @property
    def others(self) -> list[Module]:
        """The other modules that the function changed."""
        return [module for module in self.modules if module.changed and not module.linear]

    def parameters(self, name: str) -> list[tuple[Module, Parameter]]:
        """Return the linear layers that are in their place, each with its "weight" or "bias"."""
        return [(layer, layer.parameters[name]) for layer in self.linear if layer.in_place]


_Record = TypeVar("_Record", bound=Head)


def read(criterion: str, observation: object, kind: type[_Record]) -> _Record:
    """Read an observation as a kind of record.

    Raises:
        ObservationError: it is not as the probe writes it, or not for this criterion.
    """
    return records.read(criterion, observation, kind, VERSION)
