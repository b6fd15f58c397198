"""The public self-check: tells a student how `weights_init_normal` does on a few layers.

It tells three outcomes apart: correct, incorrect and not attempted. The grader uses other tests,
on other networks.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .machinery.errors import HelperError
from .machinery.language import translate

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
    """One thing looked at in one place."""

    place: str
    found: str
    right: bool
    hint: str = ""


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
    with _generators_kept():
        outcome, findings = _judge(function)
    name = getattr(function, "__name__", translate("your function"))
    heading = translate("Self-check of {name}: {outcome}")
    lines = [heading.format(name=name, outcome=translate(outcome))]
    place = ""
    for finding in findings:
        if finding.place != place:
            place = finding.place
            lines.append(f"  {place}")
        lines.append(f"    {'✓' if finding.right else '✗'} {finding.found}")
    if outcome != "correct":
        hints = list(dict.fromkeys(f.hint for f in findings if not f.right and f.hint))
        if hint:
            lines += [translate("  Hint: {text}").format(text=text) for text in hints]
        elif hints:
            lines.append(
                translate("  For a hint, call helpers.check({name}, hint=True).").format(name=name)
            )
    _tell("\n".join(lines), failed=outcome != "correct")


def is_attempted(function: Callable[[nn.Module], None]) -> bool:
    """Tell whether `function` changes the weights of a linear layer; print a sentence if not."""
    with _generators_kept():
        layers = [nn.Linear(20, 30), nn.Linear(30, 10)]
        before = [layer.weight.detach().clone() for layer in layers]
        nn.Sequential(layers[0], nn.ReLU(), layers[1]).apply(function)
    if all(torch.equal(old, layer.weight) for old, layer in zip(before, layers, strict=True)):
        print(
            translate(
                "{name} leaves the weights as they are, so there is nothing to compare yet. Fill "
                "in the exercise above, then run this cell again."
            ).format(name=getattr(function, "__name__", translate("your function")))
        )
        return False
    return True


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


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Let PyTorch's and NumPy's generators be afterwards as they were."""
    state = np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            np.random.set_state(state)


def _tell(message: str, failed: bool) -> None:
    if failed and os.environ.get("NBGRADER_EXECUTION") == "validate":
        raise SelfCheckFailed(message)
    print(message)


def _judge(function: Callable[[nn.Module], None]) -> tuple[str, list[_Finding]]:
    layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in _LAYERS]
    others: list[nn.Module] = [nn.Conv2d(3, 8, 5), nn.BatchNorm1d(40), nn.Dropout(0.2)]
    model = nn.Sequential(*others, nn.ReLU(), nn.Sequential(*layers))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        model.apply(function)
    except Exception as error:
        stopped = translate("it stopped with {kind}: {error}")
        return "incorrect", [
            _Finding(
                translate("on a small network"),
                stopped.format(kind=type(error).__name__, error=error),
                False,
                translate(
                    "model.apply calls the function with every module of a model, the model itself "
                    "included. Which of them have weights to draw?"
                ),
            )
        ]
    findings = []
    attempted = False
    for layer, (fan_in, fan_out) in zip(layers, _LAYERS, strict=True):
        name = f"Linear({fan_in}, {fan_out})"
        place = next(key for key, module in model.named_modules() if module is layer)
        if torch.equal(before[f"{place}.weight"], layer.weight.detach()):
            guard = translate(
                "Does the condition at the top of the function let linear layers through? And does "
                "what follows write into the layer's own weights?"
            )
            unchanged = translate("its weights are as they were")
            findings.append(_Finding(name, unchanged, False, guard))
            continue
        attempted = True
        findings += _look_at(name, fan_in, layer)
    if not attempted:
        return "not attempted", findings
    touched = [
        type(module).__name__
        for key, module in model.named_modules()
        if module in others
        for parameter, value in module.named_parameters(recurse=False)
        if not torch.equal(before[f"{key}.{parameter}"], value)
    ]
    for what in dict.fromkeys(touched):
        changed = translate("changed, but only linear layers should be")
        which = translate(
            "Which modules does the condition at the top of the function let through?"
        )
        findings.append(_Finding(what, changed, False, which))
    outcome = "correct" if all(finding.right for finding in findings) else "incorrect"
    return outcome, findings


def _look_at(name: str, fan_in: int, layer: nn.Linear) -> list[_Finding]:
    """Compare a layer's weights and biases with the rule."""
    if layer.weight.shape != (layer.out_features, fan_in) or layer.weight.dtype != torch.float32:
        found = translate("weights of shape {shape} and type {kind}").format(
            shape=tuple(layer.weight.shape), kind=layer.weight.dtype
        )
        hint = translate("A layer's new weights keep its shape and its type.")
        return [_Finding(name, found, False, hint)]
    if layer.bias is None:
        gone = translate("the bias is gone")
        return [_Finding(name, gone, False, translate("A bias of 0 is still a bias."))]
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
    findings = [
        _Finding(
            name,
            translate("mean {mean:.4f}, expected about 0").format(mean=mean),
            right_mean,
            translate("The arguments of a normal distribution are its mean and its deviation."),
        ),
        _Finding(
            name,
            translate("standard deviation {std:.4f}, expected about {expected:.4f}").format(
                std=std, expected=deviation
            ),
            right_std,
            _hint_at_deviation(std, fan_in, layer.out_features),
        ),
        _Finding(
            name,
            translate("biases all 0") if right_bias else translate("biases not all 0, expected 0"),
            right_bias,
            translate("The bias of a new layer is not 0 by itself."),
        ),
    ]
    if right_mean and right_std and not right_shape:
        findings.append(
            _Finding(
                name,
                translate("values not spread as a normal distribution's"),
                False,
                translate(
                    "Do the values come from a normal distribution, one value for each weight?"
                ),
            )
        )
    return findings


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
