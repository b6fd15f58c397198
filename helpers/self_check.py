"""The public self-check: tells a student how `weights_init_normal` does on a few layers.

It tells three outcomes apart: correct, incorrect and not attempted. The grader uses other tests,
on other networks.
"""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from .machinery.errors import HelperError
from .machinery.language import translate
from .seed import generators_kept

# How many standard errors a figure may lie off. A correct function draws three layers and has
# three figures for each; beyond 6 standard errors lies less than one in 50 million of such checks.
_TOLERANCE = 6.0
# (fan-in, fan-out): wider than tall and the other way round, so that the two cannot be mistaken.
_LAYERS = [(300, 90), (60, 400), (500, 120)]


class SelfCheckFailed(HelperError):
    """Raised while nbgrader validates, so that its Validate button tells what the cell tells."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback.
        return [str(self)]


@dataclass(frozen=True)
class _Finding:
    """One thing looked at in one place, and what to think about where it is not right."""

    place: str
    found: str
    right: bool
    hint: str


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
    _tell("\n".join(lines), failed=outcome != "correct")


def is_attempted(function: Callable[[nn.Module], None]) -> bool:
    """Tell whether `function` changes the weights of a linear layer; print a sentence if not."""
    with generators_kept():
        layers = [nn.Linear(20, 30), nn.Linear(30, 10)]
        before = [layer.weight.detach().clone() for layer in layers]
        nn.Sequential(layers[0], nn.ReLU(), layers[1]).apply(function)
    if all(torch.equal(old, layer.weight) for old, layer in zip(before, layers, strict=True)):
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


def check_made(name: str, value: object) -> None:
    """Say whether the student has made `name` by now.

    Args:
        name: the name that the exercise asks for.
        value: what it stands for; None counts as missing.

    Raises:
        SelfCheckFailed: it is missing, and nbgrader's Validate is running.
    """
    if value is None:
        message = translate(
            "`{name}` does not exist yet. Fill in the exercise that makes it, run that cell, then "
            "run this one again."
        )
    else:
        message = translate("There is a `{name}`. The hidden test looks at what it is.")
    _tell(message.format(name=name), failed=value is None)


def nbgrader_is_running() -> bool:
    """Tell whether nbgrader runs the notebook, to validate or grade it; print a sentence if so.

    A cell that takes long and counts for nothing can then be passed over: nobody watches.
    """
    running = "NBGRADER_EXECUTION" in os.environ
    if running:
        print(translate("Passed over while nbgrader runs this notebook; nothing here is graded."))
    return running


def _tell(message: str, failed: bool) -> None:
    if failed and os.environ.get("NBGRADER_EXECUTION") == "validate":
        raise SelfCheckFailed(message)
    print(message)


def _judge(function: Callable[[nn.Module], None]) -> tuple[str, list[_Finding]]:
    """Apply the function to a small network; return the outcome and what speaks for it."""
    layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in _LAYERS]
    others: list[nn.Module] = [nn.Conv2d(3, 8, 5), nn.BatchNorm1d(40), nn.Dropout(0.2)]
    old_layers, old_others = copy.deepcopy((layers, others))
    try:
        nn.Sequential(*others, nn.ReLU(), nn.Sequential(*layers)).apply(function)
    except Exception as error:
        kind = type(error).__name__
        stopped = translate("it stopped with {kind}: {error}", kind=kind, error=error)
        hint = translate(
            "model.apply calls the function with every module of a model, the model itself "
            "included. Which of them have weights to draw?"
        )
        return "incorrect", [_Finding(translate("on a small network"), stopped, False, hint)]
    findings = []
    attempted = False
    for layer, old in zip(layers, old_layers, strict=True):
        name = f"Linear({old.in_features}, {old.out_features})"
        if torch.equal(old.weight, layer.weight):
            hint = translate(
                "Does the condition at the top of the function let linear layers through? And does "
                "what follows write into the layer's own weights?"
            )
            findings.append(_Finding(name, translate("its weights are as they were"), False, hint))
        else:
            attempted = True
            findings += [_Finding(name, *figures) for figures in _look_at(layer, old)]
    if not attempted:
        return "not attempted", findings
    touched = [
        type(module).__name__
        for module, old_module in zip(others, old_others, strict=True)
        for name, value in module.named_parameters(recurse=False)
        if not torch.equal(getattr(old_module, name), value)
    ]
    for name in dict.fromkeys(touched):
        changed = translate("changed, but only linear layers should be")
        hint = translate("Which modules does the condition at the top of the function let through?")
        findings.append(_Finding(name, changed, False, hint))
    outcome = "correct" if all(finding.right for finding in findings) else "incorrect"
    return outcome, findings


def _look_at(layer: nn.Linear, old: nn.Linear) -> list[tuple[str, bool, str]]:
    """Compare a layer with the rule: what is found, whether it is right, and a hint if not."""
    fan_in, fan_out = old.in_features, old.out_features
    if layer.weight.shape != old.weight.shape or layer.weight.dtype != torch.float32:
        shape, kind = tuple(layer.weight.shape), layer.weight.dtype
        found = translate("weights of shape {shape} and type {kind}", shape=shape, kind=kind)
        return [(found, False, translate("A layer's new weights keep its shape and its type."))]
    if layer.bias is None:
        return [(translate("the bias is gone"), False, translate("A bias of 0 is still a bias."))]
    weights = layer.weight.detach().double()
    deviation, count = fan_in**-0.5, weights.numel()
    mean, std = weights.mean().item(), weights.std().item()
    # For N normal weights of deviation s: SE(mean) = s/sqrt(N), SE(std) = s/sqrt(2N), and
    # SE(kurtosis) = sqrt(24/N) (Kendall and Stuart, The Advanced Theory of Statistics, vol. 1).
    right_mean = abs(mean) <= _TOLERANCE * max(deviation, std) / count**0.5
    right_std = abs(std - deviation) <= _TOLERANCE * deviation / (2 * count) ** 0.5
    kurtosis = (((weights - mean) / std) ** 4).mean().item() if std > 0 else 0.0
    right_shape = abs(kurtosis - 3) <= _TOLERANCE * (24 / count) ** 0.5
    right_bias = not layer.bias.detach().any().item()
    figures = [
        (
            translate("mean {mean:.4f}, expected about 0", mean=mean),
            right_mean,
            translate("The arguments of a normal distribution are its mean and its deviation."),
        ),
        (
            translate("standard deviation {std:.4f}, expected about {expected:.4f}").format(
                std=std, expected=deviation
            ),
            right_std,
            _hint_at_deviation(std, fan_in, fan_out),
        ),
        (
            translate("biases all 0") if right_bias else translate("biases not all 0, expected 0"),
            right_bias,
            translate("The bias of a new layer is not 0 by itself."),
        ),
    ]
    if right_mean and right_std and not right_shape:
        found = translate("values not spread as a normal distribution's")
        hint = translate(
            "Do the values come from a normal distribution, one value for each weight?"
        )
        figures.append((found, False, hint))
    return figures


def _hint_at_deviation(std: float, fan_in: int, fan_out: int) -> str:
    """Return what to think about where the standard deviation is wrong."""
    mistakes = [
        (fan_in**-1.0, translate("1/n would be the variance. The deviation is its square root.")),
        (fan_out**-0.5, translate("Which of the layer's two sizes is n?")),
        (
            (3 * fan_in) ** -0.5,
            translate("That is the deviation of a uniform distribution on [-y, y)."),
        ),
        (1.0, translate("The rule scales the deviation of each layer by its own n.")),
    ]
    if std == 0:
        return translate("Does every weight get a value of its own?")
    for deviation, text in mistakes:
        # Within 5 %: near enough to recognize a mistake, far from every other one in this list.
        if abs(std / deviation - 1) < 0.05:
            return text
    return translate("The rule is 1/sqrt(n). What is n, and where does the deviation go?")
