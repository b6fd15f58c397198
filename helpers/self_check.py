"""The public self-check: tells a student how `weights_init_normal` does on a few layers.

It tells three outcomes apart: correct, incorrect and not attempted. The grader uses other tests,
on other networks.
"""

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from .machinery.errors import HelperError
from .machinery.language import translate
from .machinery.layer_findings import Finding, hint_at_error, is_same, look_at_layer
from .seed import generators_kept

# (fan-in, fan-out): wider than tall and the other way round, so that the two cannot be mistaken;
# one with so few inputs that n tells from n + 1, and one as small as the lesson's own last layer.
_LAYERS = [(300, 90), (60, 400), (500, 120), (6, 3000), (40, 10)]


class SelfCheckFailed(HelperError):
    """Raised while nbgrader validates, so that its Validate button tells what the cell tells."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback.
        return [str(self)]


def check(function: Callable[[nn.Module], None], hint: bool = False) -> None:
    """Say whether an initialization function draws normal weights by the general rule.

    Prints correct, incorrect or not attempted and, for each layer, what was expected and what
    was found. Random number generators are afterwards as they were.

    Args:
        function: takes a module; it will be applied to small networks made for the check.
        hint: also print what to think about.

    Raises:
        SelfCheckFailed: the outcome is not "correct", and nbgrader's Validate is running.
    """
    with generators_kept():
        outcome, findings = _judge(function)
    name = _name_of(function)
    lines = [translate("Self-check of {name}: {outcome}", name=name, outcome=translate(outcome))]
    for place, there in groupby(findings, key=lambda finding: finding.place):
        lines.append(f"  {place}")
        lines += [f"    {'✓' if finding.right else '✗'} {finding.found}" for finding in there]
    hints = dict.fromkeys(finding.hint for finding in findings if not finding.right)
    if hint:
        lines += [translate("  Hint: {text}", text=text) for text in hints]
    elif hints:
        lines.append(translate("  For a hint, call helpers.check({name}, hint=True).", name=name))
    tell("\n".join(lines), failed=outcome != "correct")


def is_attempted(function: Callable[[nn.Module], None]) -> bool:
    """Tell whether `function` changes the weights of a linear layer; print a sentence if not."""
    with generators_kept():
        layers = [nn.Linear(20, 30), nn.Linear(30, 10)]
        before = [layer.weight.detach().clone() for layer in layers]
        nn.Sequential(layers[0], nn.ReLU(), layers[1]).apply(function)
    if all(
        is_same(old, getattr(layer, "weight", None))
        for old, layer in zip(before, layers, strict=True)
    ):
        print(
            translate(
                "{name} leaves the weights as they are, so there is nothing to compare yet. Fill "
                "in the exercise above, then run this cell again."
            ).format(name=_name_of(function))
        )
        return False
    return True


def _name_of(function: object) -> str:
    return getattr(function, "__name__", translate("your function"))


def nbgrader_is_running() -> bool:
    """Tell whether nbgrader runs the notebook, to validate or grade it; print a sentence if so.

    A cell that takes long and counts for nothing can then be passed over: nobody watches.
    """
    running = "NBGRADER_EXECUTION" in os.environ
    if running:
        print(translate("Passed over while nbgrader runs this notebook; nothing here is graded."))
    return running


def tell(message: str, failed: bool) -> None:
    """Print what a check says; while nbgrader validates, raise it where the check failed.

    Raises:
        SelfCheckFailed: `failed`, and nbgrader's Validate is running.
    """
    if failed and os.environ.get("NBGRADER_EXECUTION") == "validate":
        raise SelfCheckFailed(message)
    print(message)


def _judge(function: Callable[[nn.Module], None]) -> tuple[str, list[Finding]]:
    """Apply the function to a small network, and again; return the outcome and what tells it."""
    network = _network()
    untouched, twin = copy.deepcopy(network), copy.deepcopy(network)
    places = dict(network.named_modules())
    stopped = _apply(function, network)
    left = list(_settings_left())
    if stopped is not None:
        # As the grader does: one slip does not hide what happens to linear layers alone.
        network = copy.deepcopy(untouched)
        places = dict(network.named_modules())
        stopped = _apply_to_layers(function, network) or stopped
        if isinstance(stopped.error, NotImplementedError):
            return "not attempted", [stopped.finding(function)]
    else:
        _apply(function, twin)
    findings = [] if stopped is None else [stopped.finding(function)]
    drawn, layers = 0, []
    for old, layer, again in zip(*map(_linear, (untouched, network, twin)), strict=True):
        place = f"Linear({old.in_features}, {old.out_features})"
        if is_same(old.weight, getattr(layer, "weight", None)):
            if stopped is None:
                found = translate("its weights are as they were")
                layers.append(Finding(place, found, False, translate(_NOT_WRITTEN)))
            continue
        drawn += 1
        layers += look_at_layer(layer, old)
        weight = getattr(layer, "weight", None)
        if (
            stopped is None
            and weight is not None
            and is_same(weight, getattr(again, "weight", None))
        ):
            found = translate("the same weights at a second application")
            hint = translate("Where should a seed be set, so that it is set once?")
            layers.append(Finding(place, found, False, hint))
    if not drawn and stopped is None:
        return "not attempted", layers
    findings += [*layers, *_others_touched(untouched, network, places), *left]
    return "correct" if all(finding.right for finding in findings) else "incorrect", findings


_NOT_WRITTEN = (
    "Does the condition at the top of the function let linear layers through? And does what "
    "follows write into the layer's own weights?"
)


def _network() -> nn.Sequential:
    """Return a network of linear layers and others, one within another."""
    others = (nn.Conv2d(3, 8, 5), nn.BatchNorm1d(40), nn.LayerNorm(7), nn.Embedding(9, 4))
    for module in others:
        for parameter in module.parameters():
            # No default, so that a reset to the default shows.
            nn.init.uniform_(parameter, 0.25, 0.75)
    layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in _LAYERS]
    return nn.Sequential(*others, nn.Dropout(0.2), nn.ReLU(), nn.Sequential(*layers))


def _linear(network: nn.Module) -> list[nn.Linear]:
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


@dataclass(frozen=True)
class _Stopped:
    """An error of the function's, and the type of the module that it was called with."""

    error: Exception
    module: str

    def finding(self, function: Callable[[nn.Module], None]) -> Finding:
        kind = type(self.error).__name__
        found = translate("it stopped with {kind}: {error}", kind=kind, error=self.error)
        place = translate("called with a module of type {module}", module=self.module)
        return Finding(place, found, False, hint_at_error(function, self.error, self.module))


def _apply(function: Callable[[nn.Module], None], network: nn.Module) -> _Stopped | None:
    """Apply the function to every module; return what it stopped with, if it did."""
    module = network

    def visit(visited: nn.Module) -> None:
        nonlocal module
        module = visited
        function(visited)

    try:
        network.apply(visit)
    except Exception as error:
        return _Stopped(error, type(module).__name__)
    return None


def _apply_to_layers(function: Callable[[nn.Module], None], network: nn.Module) -> _Stopped | None:
    """Apply the function to the linear layers alone; return what it stopped with first."""
    stops = [_apply(function, layer) for layer in _linear(network)]
    return next(filter(None, stops), None)


def _settings_left() -> Iterator[Finding]:
    """Find settings of PyTorch's that the function left altered, and set them back."""
    place, kind = translate("after the function"), torch.get_default_dtype()
    hint = translate("Which line of yours does more than set the numbers of one layer?")
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        yield Finding(place, translate("gradients are turned off"), False, hint)
    if kind != torch.float32:
        torch.set_default_dtype(torch.float32)
        yield Finding(place, translate("new tensors have another type"), False, hint)


def _others_touched(
    untouched: nn.Module, network: nn.Module, places: dict[str, nn.Module]
) -> Iterator[Finding]:
    """Find what the function changed besides the values of linear layers.

    `places` holds the modules of `network` as they stood before the function.
    """
    hint = translate("Which modules does the condition at the top of the function let through?")
    changed = translate("changed, but only the values of linear layers should be")
    now = dict(network.named_modules())
    types: dict[str, bool] = {}
    for name, old in untouched.named_modules():
        module = now.get(name)
        if module is not places[name] or _settings(module) != _settings(old):
            types[type(old).__name__] = True
        elif not isinstance(old, nn.Linear):
            values: dict[str, torch.Tensor] = dict(module.named_parameters(recurse=False))
            values |= dict(module.named_buffers(recurse=False))
            before = (*old.named_parameters(recurse=False), *old.named_buffers(recurse=False))
            if not all(_is_kept(value, values.get(key)) for key, value in before):
                types[type(old).__name__] = True
    return (Finding(name, changed, False, hint) for name in types)


def _settings(module: nn.Module) -> str:
    """Return such as a dropout's probability; a linear layer's are looked at with its values."""
    return "" if isinstance(module, nn.Linear) else module.extra_repr()


def _is_kept(old: torch.Tensor, now: torch.Tensor | None) -> bool:
    return now is not None and is_same(old, now) and now.requires_grad == old.requires_grad
