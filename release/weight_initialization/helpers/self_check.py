"""The public self-check: tells a student how `weights_init_normal` does on a few layers.

It tells three outcomes apart: correct, incorrect and not attempted. The grader uses other tests,
on other networks.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

# How many standard errors a figure may lie off. A correct function draws five layers, so fifteen
# figures; beyond 6 standard errors lies less than one in 30 million of such checks.
_TOLERANCE = 6.0
# (fan-in, fan-out): wider than tall and the other way round, so that the two cannot be mistaken.
_LAYERS = [(300, 90), (60, 400), (500, 120)]


class SelfCheckFailed(Exception):
    """Raised while nbgrader validates, so that its Validate button tells what the cell tells."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows these lines in place of a traceback.
        return [str(self)]


@dataclass(frozen=True)
class _Finding:
    layer: str
    found: str
    right: bool
    hint: str = ""


def check(function: Callable[[nn.Module], None], hint: bool = False) -> None:
    """Say whether an initialization function draws normal weights by the general rule.

    Prints correct, incorrect or not attempted and, for each layer, what was expected and what
    was found.

    Args:
        function: takes a module; it will be applied to small networks made for the check.
        hint: also print what to think about.

    Raises:
        SelfCheckFailed: the outcome is not "correct", and nbgrader's Validate is running.
    """
    outcome, findings = _judge(function)
    lines = [f"Self-check of {getattr(function, '__name__', 'your function')}: {outcome}"]
    lines += [f"  {finding.layer}\n    {finding.found}" for finding in findings]
    if outcome != "correct":
        hints = list(dict.fromkeys(f.hint for f in findings if not f.right and f.hint))
        if hint:
            lines += [f"  Hint: {text}" for text in hints]
        elif hints:
            lines.append("  For a hint, call helpers.check(weights_init_normal, hint=True).")
    _tell("\n".join(lines), failed=outcome != "correct")


def is_attempted(function: Callable[[nn.Module], None]) -> bool:
    """Tell whether `function` changes the weights of a linear layer; print a sentence if not."""
    layers = [nn.Linear(20, 30), nn.Linear(30, 10)]
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1])
    before = [layer.weight.detach().clone() for layer in layers]
    with torch.random.fork_rng():
        model.apply(function)
    if all(torch.equal(old, layer.weight) for old, layer in zip(before, layers, strict=True)):
        print(
            f"{getattr(function, '__name__', 'The function')} leaves the weights as they are, so "
            "there is nothing to compare yet. Fill in the exercise above, then run this cell again."
        )
        return False
    return True


def explain_missing(name: str, value: object) -> bool:
    """Tell whether the student still has to make `name`; print a sentence if so.

    Args:
        name: the name that the exercise asks for.
        value: what it stands for by now; None counts as missing.

    Raises:
        SelfCheckFailed: it is missing, and nbgrader's Validate is running.
    """
    if value is not None:
        return False
    _tell(
        f"`{name}` does not exist yet. Fill in the exercise that makes it, run that cell, "
        "then run this one again.",
        failed=True,
    )
    return True


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
        return "incorrect", [
            _Finding(
                "on a small network",
                f"it stopped with {type(error).__name__}: {error}",
                False,
                "model.apply calls the function with every module of a model, the model itself "
                "included. Which of them have weights to draw?",
            )
        ]
    findings = []
    attempted = False
    for layer, (fan_in, fan_out) in zip(layers, _LAYERS, strict=True):
        name = f"Linear({fan_in}, {fan_out})"
        place = next(key for key, module in model.named_modules() if module is layer)
        if torch.equal(before[f"{place}.weight"], layer.weight.detach()):
            findings.append(_Finding(name, "its weights are as they were", False, _HINT_GUARD))
            continue
        attempted = True
        findings.append(_finding(name, fan_in, layer))
    if not attempted:
        return "not attempted", findings
    touched = [
        type(module).__name__
        for key, module in model.named_modules()
        if module in others
        for parameter, value in module.named_parameters(recurse=False)
        if not torch.equal(before[f"{key}.{parameter}"], value)
    ]
    if touched:
        what = " and ".join(dict.fromkeys(touched))
        findings.append(_Finding(what, "changed, but only linear layers should be", False))
    outcome = "correct" if all(finding.right for finding in findings) else "incorrect"
    return outcome, findings


_HINT_GUARD = "Does the condition at the top of the function let linear layers through?"


def _finding(name: str, fan_in: int, layer: nn.Linear) -> _Finding:
    """Compare a layer's weights and biases with the rule."""
    if layer.weight.shape != (layer.out_features, fan_in) or layer.weight.dtype != torch.float32:
        found = f"weights of shape {tuple(layer.weight.shape)} and type {layer.weight.dtype}"
        return _Finding(name, found, False, "A layer's new weights keep its shape and its type.")
    if layer.bias is None:
        hint = "A bias of 0 is still a bias."
        return _Finding(name, "the bias is gone", False, hint)
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
    found = (
        f"mean {mean:.4f}, expected about 0\n"
        f"    standard deviation {std:.4f}, expected about {deviation:.4f}\n"
        f"    biases {'all 0' if right_bias else 'not all 0, expected 0'}"
    )
    hints = [
        (right_mean, "The arguments of a normal distribution are its mean and its deviation."),
        (right_std, "The rule is 1/sqrt(n). Which of the layer's two sizes is n?"),
        (right_bias, "The bias of a new layer is not 0 by itself."),
        (right_shape, "Do the values come from a normal distribution, one value for each weight?"),
    ]
    if right_mean and right_std and not right_shape:
        found += "\n    values not spread as a normal distribution's"
    right = all(passed for passed, _ in hints)
    return _Finding(name, found, right, next((text for passed, text in hints if not passed), ""))
