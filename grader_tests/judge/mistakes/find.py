"""Names the most likely misconception behind an observation, with the figures that show it.

A mistake is a message of the catalogues' MISTAKES: an explanation and a hint. It decides on no
points. Where nothing more particular fits, a general one says what was found.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec.structs import replace

from ..criteria.layers import partly_untouched, repeated, titles, untouched
from ..criteria.weights import read_layers
from ..records import FunctionObservation, Parameter
from ..statistics.moments import Layer
from ..verdict import Finding, Message, message
from .in_code import draws_and_sets, explain_error, explain_idleness
from .in_weights import explain_constant

STOPPED = ("stopped", "stopped_at")
"""The messages of a function that stopped before there was anything to judge."""

Explain = Callable[[FunctionObservation, Finding], Message | None]

# Where more weights are kept than chance explains; the judge's own level is as good as any.
_LEVEL = 1e-10
_CORRELATED = 0.1


def find_mistake(
    seen: FunctionObservation, finding: Finding, asks_about: str, explain: Explain
) -> Message | None:
    """Name what is behind a criterion that is not met, or None where the finding says it all.

    `asks_about` is "weight" or "bias", and `explain` the criterion's own explanation, for a
    function that ran and wrote values.
    """
    given = seen.function.type
    # A model can be called as well as a function, but not with a module.
    if not seen.function.callable or (seen.error is not None and given == "Net"):
        if given == "NoneType":
            return message("none_for_a_function")
        return message("name_taken", type=given)
    if seen.stopped is not None and finding.messages[0].key in STOPPED:
        return explain_error(seen, seen.stopped)
    bias_written = any(bias.changed for _, bias in seen.parameters("bias"))
    # The criterion for the bias asks about the bias, where that was written.
    asks_about_weights = asks_about == "weight" or not bias_written
    all_kept = all(layer.state == "kept" for layer in seen.linear)
    if asks_about_weights and all_kept and len(untouched(seen)) == len(seen.linear):
        return explain_idleness(seen, bias_written=bias_written)
    return explain(seen, finding)


# By the finding's first message.
_DEFAULT = {
    "no_model": "default_missing",
    "no_model_to_compare": "default_missing",
    "not_a_net": "default_other_network",
    "other_layers": "default_other_network",
    "other_modules": "default_other_network",
    "computes_otherwise": "default_other_network",
    "model_not_finite": "default_not_finite",
    "no_comparison": "comparison_missing",
    "not_a_comparison": "comparison_of_another_kind",
    "no_runs": "comparison_empty",
    "other_models": "default_not_compared",
    "too_few_batches": "comparison_too_short",
    "losses_not_finite": "comparison_not_learned",
    "not_learned": "comparison_not_learned",
}


def explain_default(_: object, finding: Finding) -> Message | None:
    """Name what is behind a finding on the second exercise; None for one that is correct."""
    key = finding.messages[0].key
    if key in ("model_equal", "model_too_far", "model_not_uniform"):
        zero = finding.figures.get("biases") == "zero"
        return message("default_initialized" if zero else "default_trained")
    return message(_DEFAULT[key]) if key in _DEFAULT else None


def _in_objects(
    seen: FunctionObservation, names: Sequence[str] = ("weight", "bias")
) -> Message | None:
    """Name what was done to the layers and parameters as objects, apart from their values."""
    for module in seen.linear:
        if module.state in ("replaced", "removed"):
            return message("layers_replaced")
        if module.state == "resized":
            return message("sizes_changed", layer=module.title)
    mistakes = (
        _in_parameter(name, value)
        for module in seen.linear
        for name, value in module.parameters.items()
        if name in names and value.changed
    )
    return next(filter(None, mistakes), None)


def _in_parameter(name: str, value: Parameter) -> Message | None:
    if value.gone:
        return message("weight_removed") if name == "weight" else None
    match value.flaw:
        case "shape":
            shapes = {"shape": value.shape, "expected": value.shape_before}
            return message("wrong_shape", parameter=name, **shapes)
        case "dtype" if value.dtype:
            return message("wrong_dtype", parameter=name, dtype=value.dtype[1])
        case "kind" | "gradient":
            return message("not_trainable", parameter=name)
    return None


def explain_layers(seen: FunctionObservation, _: Finding) -> Message | None:
    """Name what is behind a finding on what the function did to modules."""
    if mistake := _in_objects(seen):
        return mistake
    # Only the small networks' weights are sent.
    sent = [layer for layer in seen.linear if layer.parameters["weight"].values is not None]
    layers = read_layers(replace(seen, modules=tuple(sent)))
    if isinstance(layers, Finding) and (mistake := _unreadable(layers)):
        return mistake
    if kept := untouched(seen):
        return message("layers_skipped", layers=titles(kept))
    if partly_untouched(seen, _LEVEL):
        return message("partly_written")
    if seen.others:
        return message("other_modules_touched", modules=titles(seen.others))
    if any(layer.diverted for layer in seen.linear):
        return message("output_changed")
    if "gradients" in seen.settings:
        return message("gradients_left_off")
    if "dtype" in seen.settings:
        return message("dtype_left_changed")
    if any("nference tensor" in run.error.message for run in seen.runs if run.error):
        return message("inference_tensor")
    if any(bias.gone for _, bias in seen.parameters("bias")):
        return message("bias_removed")
    if any(run.stage == "done" and not run.finite for run in seen.runs):
        return message("not_finite")
    if not repeated(seen) or isinstance(layers, Finding):
        return None
    constant = explain_constant(layers, repeated=True)
    zeroed = _zeroed(seen) if constant else None
    return zeroed or constant or _old_weights(seen) or message("fixed_seed")


def _old_weights(seen: FunctionObservation) -> Message | None:
    """Tell whether the new weights still depend on the old ones.

    The correlation of N independent pairs has the standard error 1/sqrt(N); the mean over some
    layers of 2,000 weights and more does not come near the bound.
    """
    found = [weight.like_before for _, weight in seen.parameters("weight") if weight.count >= 2000]
    if len(found) < 2 or abs(mean := float(np.mean(found))) < _CORRELATED:
        return None
    return message("old_weights_kept", correlation=mean)


def _bias_missed(seen: FunctionObservation) -> Message:
    """Name why no bias is other than it was."""
    if mistake := _zeroed(seen):
        return mistake
    if seen.layers_error is not None:
        return explain_error(seen, seen.layers_error)
    if seen.method_assigned:
        return message("method_assigned", line=seen.method_assigned)
    return message("bias_forgotten")


def _zeroed(seen: FunctionObservation) -> Message | None:
    """Tell whether weights were drawn, and then set to 0 where the bias was meant.

    The correlation with what was there is exactly 0 for constants alone.
    """
    weights = [weight for _, weight in seen.parameters("weight")]
    kept = all(bias.unchanged == bias.count for _, bias in seen.parameters("bias"))
    constant = all(weight.changed and weight.like_before == 0 for weight in weights)
    zero = not any(weight.values is not None and weight.values.any() for weight in weights)
    drawn_and_set = draws_and_sets(seen.function.names)
    return message("weights_zeroed") if kept and constant and zero and drawn_and_set else None


def _unreadable(finding: Finding) -> Message | None:
    return message("not_finite") if finding.messages[0].key == "weights_not_finite" else None


def from_weights(
    explain: Callable[[Sequence[Layer], Sequence[str]], Message | None],
) -> Explain:
    """Return how a criterion is explained that looks at the weights themselves.

    `explain` takes the layers, none of them constant, and the names of the tests that failed, the
    clearest first.
    """

    def explanation(seen: FunctionObservation, finding: Finding) -> Message | None:
        if mistake := _in_objects(seen, ("weight",)):
            return mistake
        layers = read_layers(seen)
        if isinstance(layers, Finding):
            return _unreadable(layers)
        rejected = finding.figures.get("rejected", [])
        return (
            _old_weights(seen)
            or _zeroed(seen)
            or explain_constant(layers, repeated=bool(repeated(seen)))
            or explain(layers, rejected if isinstance(rejected, list) else [])
        )

    return explanation


def explain_bias(seen: FunctionObservation, _: Finding) -> Message | None:
    """Name what is behind a finding on biases."""
    if mistake := _in_objects(seen, ("bias",)):
        return mistake
    biases = [bias for _, bias in seen.parameters("bias")]
    if any(bias.gone for bias in biases):
        return message("bias_removed")
    values = [bias.values for bias in biases if bias.values is not None]
    if not all(np.isfinite(value).all() for value in values):
        return message("not_finite")
    if all(bias.unchanged == bias.count for bias in biases):
        return _bias_missed(seen)
    different = [float(value[0]) for value in values if value.any()]
    if all((value == value[0]).all() for value in values):
        return message("bias_constant", values=different)
    skipped = [module for module in seen.linear if not module.changed]
    if abs(np.mean([bias.like_before for bias in biases if bias.unchanged == 0] or [0])) > 0.5:
        return message("bias_not_reset")
    if any(0 < (bias.unchanged or 0) < bias.count for bias in biases):
        return message("bias_partly_written")
    if any(bias.unchanged == bias.count for bias in biases):
        return message("bias_partly_forgotten", skipped=titles(skipped))
    return message("bias_drawn")
