"""Applies student code to networks it has not seen, and reports what happened.

The probe runs beside the student's code, where nothing can be trusted, so it passes no judgement:
it builds networks from a recorded seed, applies the function, looks, and returns an observation.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from grader_kit.observing.format import Record, seed_in
from grader_kit.observing.probing import attempt, own_settings, reset_settings, type_name

from ..blueprint import CLASSES, streams
from ..observation import OBSERVED, SEED_VARIABLE, VERSION, Observed
from .describe import Before, describe_error, describe_function, describe_module
from .describe_default import describe_comparison, describe_model, outputs_of
from .elsewhere import comparison_elsewhere, model_elsewhere
from .lines import call_with, follow_lines
from .networks import Classifier, large_network, small_networks
from .source import early_return, method_assigned, takes_module


def observe(criterion: str, thing: object) -> Record:
    """Return what can be observed of `thing` for one criterion.

    Args:
        criterion: one of `grader_tests.observation.CRITERIA`.
        thing: what `OBSERVED` names: the student's function; their model; or the pair of their
            model and their comparison. None stands for what is not there.

    Returns:
        A JSON object, mostly at most about 3 MB long. The same seed gives the same networks and, if
        student code draws from the global generators, the same weights.

    Raises:
        UnknownCriterion: there is no such criterion.
        ValueError: the environment's seed is not such a number.
        KeyboardInterrupt: the kernel was interrupted. Whatever else student code raises is part
            of the observation.
    """
    seed = seed_in(SEED_VARIABLE)
    head = {"version": VERSION, "criterion": criterion, "seed": str(seed)}
    rng, theirs = streams(seed, criterion)
    with own_settings(theirs):
        look = OBSERVED[criterion]
        if look.subject == "function":
            return {**head, **_observe_function(look, thing, rng)}
        if look.subject == "model":
            model, name = (thing, "") if thing is not None else model_elsewhere()
            _missed.add(criterion) if model is None else _missed.discard(criterion)
            return {
                **head,
                "model": describe_model(model, with_values=True),
                "named": name,
                **outputs_of(model, rng),
            }
        model, comparison = thing if isinstance(thing, tuple) else (None, thing)
        observed = {**head, **_observe_comparison(model, comparison)}
    if observed["model"] and _MODEL in _missed:
        # Made in the comparison's cell, after its own test.
        observed["late"] = {**observe(_MODEL, model), "late": True}
    return observed


_MODEL = "test_default_model"
_missed: set[str] = set()
"""The criterion of the model, where its test found none."""


def _observe_comparison(model: object, comparison: object) -> Record:
    shown = name = model_name = ""
    if comparison is None:
        comparison, name = comparison_elsewhere()
        shown = "" if comparison is None or name else "shown"
    if model is None and comparison is not None:
        model, model_name = model_elsewhere(comparison)
    return {
        "model": describe_model(model, with_values=False),
        "comparison": describe_comparison(comparison, model),
        "named": model_name,
        "comparison_named": name or shown,
    }


def _observe_function(look: Observed, function: object, rng: np.random.Generator) -> Record:
    seen: Record = {"function": describe_function(function), "error": None, "modules": []}
    if not callable(function):
        return seen
    seen["takes_module"] = attempt(lambda: takes_module(function)) is not False
    seen["method_assigned"] = method_assigned(function)
    small = look.networks == "all"
    modules: list[Record] = []
    runs: list[Record] = []
    left: set[str] = set()
    # The large one too, lest a function treat layers differently by their size.
    networks = [*small_networks(rng), large_network(rng)] if small else [large_network(rng)]
    for index, network in enumerate(networks):
        sent = look.values if isinstance(network, Classifier) or not small else ""
        spare = copy.deepcopy(network)
        before = {name: Before(module) for name, module in network.named_modules()}
        twin = copy.deepcopy(network) if look.twice else None
        error = _apply(function, network) or (twin and _apply(function, twin))
        left |= reset_settings()
        if error:
            seen |= {"error": error, "lines": _lines(function)}
            if small:
                return seen
            # What it does to linear layers alone: on a network that it did not stop in.
            network, twin = spare, copy.deepcopy(spare) if look.twice else None
            before = {name: Before(module) for name, module in network.named_modules()}
            seen["layers_error"] = _apply_to_layers(function, network)
            if twin is not None:
                _apply_to_layers(function, twin)
            left |= reset_settings()
        after = dict(network.named_modules())
        again = dict(twin.named_modules()) if twin is not None else {}
        modules += [
            describe_module(f"{index}.{name}", old, after.get(name), again.get(name), sent)
            for name, old in before.items()
        ]
        modules += [
            {"name": f"{index}.{name}", "state": "added", "type": type_name(module)}
            for name, module in after.items()
            if name not in before
        ]
        if isinstance(network, Classifier):
            runs.append(_train(network))
    seen |= {"modules": modules, "runs": runs, "settings": sorted(left)}
    if not any(map(_new_weights, modules)):
        seen |= {"lines": _lines(function), "early_return": early_return(function)}
        reset_settings()
    return seen


def _lines(function: Callable[[nn.Module], object]) -> list[Record]:
    return attempt(lambda: follow_lines(function)) or []


def _new_weights(module: Record) -> bool:
    """Tell whether a module was linear and its weight is no longer as it was."""
    if not module.get("linear"):
        return False
    parameters: Any = module.get("parameters", [])
    return any(
        parameter["name"] == "weight"
        and parameter.get("unchanged") != math.prod(parameter["shape_before"])
        for parameter in parameters
    )


def _apply(function: Callable[[nn.Module], object], network: nn.Module) -> Record | None:
    """Apply the function to every module of `network`; return what it raised, if it did."""
    current = ""

    def visit(module: nn.Module) -> None:
        nonlocal current
        current = type_name(module)
        call_with(function, module)

    try:
        network.apply(visit)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {**describe_error(error), "module": current}
    return None


def _apply_to_layers(function: Callable[[nn.Module], object], network: nn.Module) -> Record | None:
    """Call the function with each linear layer alone; return what it raised first, if it did."""
    first = None
    for layer in [module for module in network.modules() if isinstance(module, nn.Linear)]:
        error = _apply(function, layer)
        first = first or error
    return first


def _train(network: Classifier) -> Record:
    """Run a network forward and backward in training mode, and take one step downhill."""
    record: Record = {"stage": "forward", "error": None}
    try:
        network.train()
        inputs = network.example()
        labels = torch.randint(CLASSES, (len(inputs),))
        loss = F.cross_entropy(network(inputs), labels)
        record["stage"] = "backward"
        loss.backward()
        record["stage"] = "step"
        # By hand: torch.optim takes a second to import where nothing has used it yet.
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.01 * parameter.grad)
        record["finite"] = all(
            bool(torch.isfinite(parameter).all()) for parameter in network.parameters()
        )
        record["without_gradient"] = [
            f"{name}.{key}"
            for name, module in network.named_modules()
            if isinstance(module, nn.Linear)
            for key, parameter in module.named_parameters(recurse=False)
            if parameter.grad is None
        ]
        record["stage"] = "done"
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        record["error"] = describe_error(error)
    return record
