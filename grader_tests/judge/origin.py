"""Tells whether an observation is of this grading: made under its seed, of the networks it gives.

An observation of somebody else's function, recorded elsewhere, is as sound as any. But it is of
other networks: the seed of a grading is not known before it.
"""

from ..blueprint import Planned, plan
from ..observation import ObservationError
from .records import FunctionObservation, Head, Module, read


class ForeignObservation(ObservationError):
    """An observation is sound, and not of this grading."""


def require_seed(criterion: str, observation: object, seed: int | None) -> None:
    """Refuse an observation under another seed than the grading's; None stands for any.

    Raises:
        ForeignObservation: it was made under another seed.
        ObservationError: it is not as the probe writes it.
    """
    made_under = read(criterion, observation, Head).seed
    if seed is not None and made_under != str(seed):
        raise ForeignObservation("It was made under another seed.")


def require_networks(seen: FunctionObservation) -> None:
    """Refuse an observation of other networks than the probe makes under its seed.

    What a function added to them, replaced or removed is not the networks' own.

    Raises:
        ForeignObservation: a module is missing, or is not what the seed gives.
    """
    planned = plan(int(seen.seed), seen.criterion)
    observed = [module for module in seen.modules if module.state != "added"]
    if len(observed) != len(planned) or not all(map(_is_of, observed, planned)):
        raise ForeignObservation("It is of other networks than its seed gives.")


def _is_of(module: Module, planned: Planned) -> bool:
    same = all(
        getattr(module, name) == getattr(planned, name)
        for name in ("name", "type", "fan_in", "fan_out")
    )
    shapes = {name: value.shape_before for name, value in module.parameters.items()}
    # One that was replaced or removed is not described further.
    described = shapes == planned.shapes or not module.in_place
    return same and described and module.linear == (planned.type == "Linear")
