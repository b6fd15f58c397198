"""What the probe saw of the second exercise, as typed records; nothing in it is trusted."""

from math import prod
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from ..observation import ObservationError
from .records import Head, Shape, Size, Text, Texts


class Values(Struct, frozen=True):
    """A parameter of the student's model; `values` may be an evenly spread part of it."""

    shape: Shape
    largest: float
    values: np.ndarray

    def __post_init__(self) -> None:
        count = prod(self.shape)
        if self.values.ndim != 1 or not min(count, 1) <= self.values.size <= count:
            raise ObservationError("A parameter's values do not fit its shape.")


class Layer(Struct, frozen=True):
    """A layer of the student's model; a parameter that could not be read is None."""

    name: Text
    type: Text
    parameters: dict[Text, Values | None]
    fan_in: Size | None = None
    fan_out: Size | None = None

    def __post_init__(self) -> None:
        if self.type == "Linear" and None in self.parameters.values():
            raise ObservationError("A linear layer's parameters should be readable.")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of a linear layer's parameters; none for other layers."""
        return {
            key: value.shape
            for key, value in self.parameters.items()
            if value is not None and self.type == "Linear"
        }


Digest = Annotated[str, Meta(min_length=64, max_length=64)]


class Model(Struct, frozen=True):
    """The student's model: its class and that one's bases, then its values or digests of them.

    `others` are its modules without parameters, as PyTorch writes them.
    """

    classes: Texts
    is_module: bool
    others: Annotated[tuple[Text, ...], Meta(max_length=20)] = ()
    layers: Annotated[tuple[Layer, ...], Meta(max_length=20)] = ()
    digests: dict[Text, Digest] | None = None


class Run(Struct, frozen=True):
    """A run of a comparison; what could not be read is None."""

    label: Text = ""
    losses: Any = None
    training_loss: float | None = None
    validation_accuracy: float | None = None
    initial_weights: dict[Text, Digest] | None = None


Indices = Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(min_length=1, max_length=60_000)]


class Images(Struct, frozen=True):
    """Images of batches: a part of the data set, and for each batch the indices of its images."""

    part: Text
    batches: Annotated[tuple[Indices, ...], Meta(min_length=1, max_length=60_000)]

    @property
    def indices(self) -> list[int]:
        """The images of all batches, in order."""
        return [index for batch in self.batches for index in batch]


class Claim(Struct, frozen=True):
    """What it takes to repeat a run: both ends of its training, and what it was trained on.

    `training` has the first batches alone.
    """

    seed: int
    initial: dict[Text, np.ndarray]
    final: dict[Text, np.ndarray]
    training: Images
    validation: Images

    def __post_init__(self) -> None:
        # What torch.manual_seed takes.
        if not -(2**63) <= self.seed < 2**64:
            raise ObservationError("A seed should be a number of 64 bits.")


class Comparison(Struct, frozen=True):
    """The student's comparison; `runs` is None where it has no list of them.

    `claim` is of the run that started from the student's model, None where that cannot be told.
    """

    type: Text
    runs: Annotated[tuple[Run, ...], Meta(max_length=50)] | None = None
    claim: Claim | None = None


class DefaultObservation(Head, frozen=True):
    """What the probe saw of the second exercise.

    Attributes:
        model: the student's.
        comparison: theirs.
        late: whether the model was made only after its own test, in the comparison's cell.
        named: what they call the model, where it is not `model_default`; else "".
        comparison_named: the same of the comparison; "shown" where they show it without a name.
        outputs: what the model gives for the probe's images, shape (16, 10), without dropout.
        dropped: the same with it.
    """

    model: Model | None = None
    comparison: Comparison | None = None
    late: Any = False
    named: Text = ""
    comparison_named: Text = ""
    outputs: np.ndarray | None = None
    dropped: np.ndarray | None = None
