"""What the self-check finds in a layer or an error, and what there is to think about."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .language import translate

# How many standard errors a figure may lie off. A correct function draws five layers and has up to
# six figures for each; beyond 6 standard errors lies less than one in 20 million of such checks.
_TOLERANCE = 6.0
# With fewer weights the kurtosis is no longer near a normal distribution of its own.
_MANY = 10_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at in one place, and what to think about where it is not right."""

    place: str
    found: str
    right: bool
    hint: str


def is_same(one: Tensor, other: object) -> bool:
    """Tell whether a tensor is another one in type, shape and every entry."""
    return (
        isinstance(other, Tensor)
        and (one.dtype, one.shape) == (other.dtype, other.shape)
        and torch.equal(one, other)
    )


def look_at_layer(layer: nn.Linear, old: nn.Linear) -> Iterator[Finding]:
    """Compare a layer, whose weights are not those of `old`, with the rule."""
    place = f"Linear({old.in_features}, {old.out_features})"
    wrong = [finding for name in ("weight", "bias") for finding in _form(place, name, layer, old)]
    yield from wrong
    if not wrong:
        if not _computes(layer):
            found = translate("its output is not weights times inputs plus bias")
            hint = translate("Which line of yours does more than set the numbers of one layer?")
            yield Finding(place, found, False, hint)
        yield from _figures(place, layer, old.in_features, old.out_features)


def _form(place: str, name: str, layer: nn.Linear, old: nn.Linear) -> Iterator[Finding]:
    """Find what makes a parameter another one than before, apart from its values."""
    value, before = getattr(layer, name, None), getattr(old, name)
    if value is None:
        hint = translate("A bias of 0 is still a bias.")
        yield Finding(place, translate("the {name} is gone", name=name), False, hint)
        return
    if (value.shape, value.dtype) != (before.shape, before.dtype):
        found = translate(
            "{name} of shape {shape} and type {kind}, expected {wanted} and {type}",
            name=name,
            shape=tuple(value.shape),
            kind=str(value.dtype).removeprefix("torch."),
            wanted=tuple(before.shape),
            type=str(before.dtype).removeprefix("torch."),
        )
        hint = translate("A layer's new weights keep its shape and its type.")
        yield Finding(place, found, False, hint)
    elif not _is_trainable(value):
        found = translate("the {name} can no longer be trained", name=name)
        hint = translate("Can new values be put into the parameter that is there?")
        yield Finding(place, found, False, hint)


def _is_trainable(value: Tensor) -> bool:
    return isinstance(value, nn.Parameter) and value.requires_grad and not value.is_inference()


def _computes(layer: nn.Linear) -> bool:
    with torch.no_grad():
        weight = layer.weight
        if (layer.out_features, layer.in_features) != weight.shape:
            return False
        inputs = torch.linspace(-1.0, 1.0, weight.shape[1], dtype=weight.dtype).unsqueeze(0)
        expected = nn.functional.linear(inputs, weight, layer.bias)
        try:
            outputs = layer(inputs)
        except Exception:  # a hook or a `forward` of the student's may raise anything
            return False
        return torch.allclose(outputs, expected, rtol=1e-3, atol=1e-4, equal_nan=True)


def _figures(place: str, layer: nn.Linear, fan_in: int, fan_out: int) -> Iterator[Finding]:
    """Compare a layer's values with the rule.

    For N normal weights of deviation s: SE(mean) = s/sqrt(N), SE(std) = s/sqrt(2N), and
    SE(kurtosis) = sqrt(24/N) (Kendall and Stuart, The Advanced Theory of Statistics, vol. 1).
    """
    weights = layer.weight.detach().double()
    deviation, count = fan_in**-0.5, weights.numel()
    mean, std = weights.mean().item(), weights.std().item()
    right_mean = abs(mean) <= _TOLERANCE * max(deviation, std) / count**0.5
    right_std = abs(std - deviation) <= _TOLERANCE * deviation / (2 * count) ** 0.5
    one_sided = std > 0 and bool((weights >= 0).all() or (weights <= 0).all())
    sign = translate("All values have one sign. What does a normal distribution look like?")
    arguments = translate("The arguments of a normal distribution are its mean and its deviation.")
    found = translate("mean {mean:.4f}, expected about 0", mean=mean)
    yield Finding(place, found, right_mean, sign if one_sided else arguments)
    found = translate(
        "standard deviation {std:.4g}, expected about {expected:.4g}", std=std, expected=deviation
    )
    hint = sign if one_sided else _hint_at_deviation(weights, fan_in, fan_out)
    yield Finding(place, found, right_std, hint)
    bias = layer.bias.detach()
    span = {"low": bias.min().item(), "high": bias.max().item()}
    right_bias = not bias.any().item()
    found = translate("biases from {low:.4g} to {high:.4g}, expected 0", **span)
    yield Finding(
        place,
        translate("biases all 0") if right_bias else found,
        right_bias,
        translate("The bias of a new layer is not 0 by itself."),
    )
    if right_mean and right_std:
        yield from _spread(place, weights, deviation)


def _spread(place: str, weights: Tensor, deviation: float) -> Iterator[Finding]:
    """Look at the form of the distribution, and at whether each weight has a value of its own.

    Means of n independent values have the deviation s/sqrt(n); among m of them it is known with
    the standard error 1/sqrt(2m) of it. Of 50,000 float32 values some ten coincide.
    """
    hint = translate("Do the values come from a normal distribution, one value for each weight?")
    distinct = weights.unique().numel()
    rows, columns = weights.mean(dim=1), weights.mean(dim=0)
    dependent = any(
        means.std().item() * others**0.5 > deviation * (1 + _TOLERANCE / (2 * len(means)) ** 0.5)
        for means, others in ((rows, len(columns)), (columns, len(rows)))
    )
    if distinct < 0.99 * weights.numel() or dependent:
        yield Finding(place, translate("values that depend on each other"), False, hint)
    elif weights.numel() >= _MANY:
        kurtosis = ((weights - weights.mean()) / weights.std()).pow(4).mean().item()
        if abs(kurtosis - 3) > _TOLERANCE * (24 / weights.numel()) ** 0.5:
            found = translate("values not spread as a normal distribution's")
            yield Finding(place, found, False, hint)


def _hint_at_deviation(weights: Tensor, fan_in: int, fan_out: int) -> str:
    """Return what to think about where the standard deviation is wrong."""
    std = weights.std().item()
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


def hint_at_error(function: Callable[[nn.Module], object], error: Exception, module: str) -> str:
    """Return what to think about where a function stopped, called with a module of a type."""
    if isinstance(error, TypeError) and not _takes_one(function):
        return translate("model.apply calls the function with one argument, the module.")
    if isinstance(error, NameError):
        return translate("Where should that name get its value, and is it spelt the same there?")
    if module != "Linear":
        return translate(
            "model.apply calls the function with every module of a model, the model itself "
            "included. Which of them have weights to draw?"
        )
    said = str(error)
    if isinstance(error, AttributeError):
        return translate(
            "Compare that name letter by letter with the lesson's. Methods that change a tensor in "
            "place end in an underscore."
        )
    if "leaf" in said or "requires grad" in said or "as parameter" in said:
        return translate(
            "The lesson's own functions write new values into m.weight too. How do they do it?"
        )
    return translate(
        "Call the function with one layer, nn.Linear(4, 3), and look at the line that stops."
    )


def _takes_one(function: Callable[[nn.Module], object]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        # It has none to be looked at.
        return True
    return True
