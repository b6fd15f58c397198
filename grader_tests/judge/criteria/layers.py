"""Judges whether exactly the linear layers are drawn anew, and the network still trains."""

from collections.abc import Iterator

from scipy import stats

from ...observation import ObservationError
from ..records import FunctionObservation, Module, Parameter
from ..verdict import Finding, Message, correct, incorrect, message, not_attempted

# Two float32 values drawn from a normal distribution agree with probability
# sum p_k^2 <= 2^-23 * integral phi(x)^2 |x| dx < 2e-8; one agrees with a given value with
# probability <= 2^-23 * max phi(x) |x| < 3e-8.
COINCIDENCE = 3e-8
"""Bound of the probability that a drawn weight equals another one, or a given value."""

_SAID = 3


def judge_layers(seen: FunctionObservation, level: float) -> Finding:
    """Judge what the function did to networks, which were trained for a step afterwards.

    A correct function fails with probability `level`.

    Raises:
        ObservationError: no training is reported.
    """
    if not any(module.changed for module in seen.modules):
        return not_attempted(message("nothing_changed"))
    if len(seen.runs) < 2:
        raise ObservationError("It should report two runs.")
    problems = [
        *_skipped(seen, level),
        *_altered(seen),
        *_not_trainable(seen),
        *_repeated(seen),
    ]
    if problems:
        # Networks that fail alike are named once.
        said = [item for place, item in enumerate(problems) if item not in problems[:place]]
        return incorrect(*said[:_SAID], figures={"problems": [item.key for item in problems]})
    return correct(message("layers_correct", count=len(seen.linear)))


def untouched(seen: FunctionObservation) -> list[Module]:
    """Return the linear layers that keep all their weights."""
    weights = seen.parameters("weight")
    return [layer for layer, weight in weights if weight.unchanged == weight.count]


def partly_untouched(seen: FunctionObservation, level: float) -> list[tuple[Module, Parameter]]:
    """Return the linear layers that keep more of their weights than chance explains."""
    return [
        (layer, weight)
        for layer, weight in seen.parameters("weight")
        if weight.unchanged
        and weight.unchanged != weight.count
        # The probability of as many coincidences or more.
        and stats.poisson.sf(weight.unchanged - 1, weight.count * COINCIDENCE) < level / 100
    ]


def repeated(seen: FunctionObservation) -> list[Module]:
    """Return the linear layers that got equal weights at two applications to equal networks.

    Single entries may well agree, where values are rounded or clamped; a repeated draw agrees in
    all.
    """
    return [
        layer
        for layer, weight in seen.parameters("weight")
        if weight.changed and weight.repeated == weight.count
    ]


def titles(modules: list[Module]) -> list[str]:
    """Return the modules as PyTorch writes them."""
    return [module.title for module in modules]


def _skipped(seen: FunctionObservation, level: float) -> Iterator[Message]:
    if kept := untouched(seen):
        yield message("layers_kept", count=len(kept), total=len(seen.linear), layers=titles(kept))
    for layer, weight in partly_untouched(seen, level):
        counts = {"unchanged": weight.unchanged, "count": weight.count}
        yield message("layer_partly_kept", layer=layer.title, **counts)


def _altered(seen: FunctionObservation) -> Iterator[Message]:
    """Name other modules that changed, what is no longer as a layer's parameters have to be, and
    settings of PyTorch's that stay altered for everything afterwards. A missing bias is not named:
    the criterion for the bias does that.
    """
    if seen.others:
        yield message("others_changed", modules=titles(seen.others))
    for layer in seen.linear:
        if layer.state != "kept":
            yield message(f"layer_{layer.state}", layer=layer.title)
        if layer.diverted:
            yield message("layer_diverted", layer=layer.title)
        for name, value in layer.parameters.items():
            if value.gone:
                if name == "weight":
                    yield message("weight_gone", layer=layer.title)
            elif problem := _problem(value):
                yield message(problem.key, parameter=name, layer=layer.title, **problem.values)
    if "gradients" in seen.settings:
        yield message("gradients_left")
    if "dtype" in seen.settings:
        yield message("dtype_left")


def _problem(value: Parameter) -> Message | None:
    before, now = value.dtype or ("float32", "?")
    said = {
        "kind": message("not_a_parameter", kind=value.kind),
        "shape": message("shape_changed", shape=value.shape, expected=value.shape_before),
        "dtype": message("dtype_changed", dtype=now, expected=before),
        "device": message("device_changed"),
        "gradient": message("gradient_off"),
    }
    return said.get(value.flaw)


def _not_trainable(seen: FunctionObservation) -> Iterator[Message]:
    for run in seen.runs:
        if run.error is not None:
            stopped = "no_forward" if run.stage == "forward" else "no_backward"
            yield message(stopped, error=run.error.said)
        elif run.stage != "done":
            raise ObservationError("A run should end, or tell what stopped it.")
        elif run.without_gradient:
            yield message("no_gradient", parameters=list(run.without_gradient))
        elif not run.finite:
            yield message("run_not_finite")


def _repeated(seen: FunctionObservation) -> Iterator[Message]:
    """Tell where two applications to equal networks gave equal weights.

    A generator seeded inside the function makes every network start from the same point, and all
    its layers share their draws. It costs the points of this criterion and of no other.
    """
    if layers := repeated(seen):
        yield message("same_twice", layers=titles(layers))
