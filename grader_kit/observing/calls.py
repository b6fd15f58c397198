"""Observes a student's function from tensors to tensors, by calls that a plan makes from a seed."""

import torch

from .arrays import encode_array
from .format import Format, Record
from .plan import Plan
from .probing import attempt, call, observing, type_name


def observe_calls(
    form: Format, plan: Plan, criterion: str, function: object, *, gradients: bool = False
) -> Record:
    """Return what the function makes of each planned call; the first that raises ends it.

    Args:
        form: names the observation.
        plan: the calls; all outputs together may have `ENTRY_LIMIT` entries.
        criterion: one of the form's.
        function: the student's.
        gradients: whether x requires a gradient, and that of the output's sum is reported.

    Raises:
        UnknownCriterion: there is no such criterion.
        KeyboardInterrupt: the kernel was interrupted. Whatever else student code raises is part
            of the observation.
    """
    with observing(form, criterion) as (rng, head):
        seen = {**head, "type": type_name(function), "callable": callable(function)}
        results: list[Record] = []
        if not callable(function):
            return {**seen, "results": results}
        for planned in plan(rng, criterion):
            x = torch.from_numpy(planned.x.copy()).requires_grad_(gradients)
            # A leaf must not be written to in place; what comes out of a layer may be.
            passed = x * 1
            output, error = call(function, passed, *planned.given.values())
            if error:
                return {**seen, "error": error}
            results.append(_describe(passed, x, output))
        return {**seen, "results": results}


def _describe(passed: torch.Tensor, x: torch.Tensor, output: object) -> Record:
    changed = not torch.equal(passed.detach(), x.detach())
    record: Record = {"type": type_name(output), "changed": changed}
    if isinstance(output, torch.Tensor):
        record["output"] = attempt(lambda: encode_array(output.detach().float().numpy()))
        if x.requires_grad:
            attempt(lambda: output.sum().backward())
            gradient = x.grad
            record["gradient"] = None if gradient is None else encode_array(gradient.numpy())
    return record
