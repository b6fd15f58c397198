"""Judges whether the biases of all linear layers are 0."""

import numpy as np

from ..records import FunctionObservation, Module
from ..verdict import Finding, Message, correct, incorrect, message, not_attempted


def judge_bias(seen: FunctionObservation, _: float) -> Finding:
    """Judge the biases, which is exact; the first layer whose bias is not 0 is named."""
    layers = [layer for layer in seen.linear if layer.changed]
    if not layers:
        return not_attempted(message("bias_untouched"))
    for layer in layers:
        if problem := _problem(layer):
            return incorrect(problem)
    return correct(message("bias_correct"))


def _problem(layer: Module) -> Message | None:
    bias = layer.parameters.get("bias")
    if bias is None:
        return message(f"layer_{layer.state}", layer=layer.title)
    where = {"layer": layer.title, "count": layer.fan_out}
    if bias.values is None:
        return message("bias_missing", found=bias.kind, **where)
    if bias.values.shape != bias.shape_before:
        return message("bias_shape", shape=bias.values.shape, **where)
    span = {"low": float(bias.values.min()), "high": float(bias.values.max())}
    if bias.unchanged == bias.count:
        return message("bias_unchanged", **where, **span)
    nonzero = int(np.count_nonzero(bias.values))
    return message("bias_not_zero", nonzero=nonzero, **where, **span) if nonzero else None
