"""The self-check of the second exercise: whether the model and its comparison are there.

It looks at the plain properties that anybody can look up; the tests that give points look more
closely.
"""

from collections.abc import Iterator

from torch import nn

from .machinery.language import translate
from .results import Comparison
from .self_check import tell

# Standard errors that a deviation may lie off: six figures, one in 80 million of such checks.
_TOLERANCE = 6.0
MODEL = "model_default"
COMPARISON = "default_comparison"


def check_made(name: str, value: object) -> None:
    """Say whether the student has made `name` by now, and whether it looks as it should.

    Args:
        name: the name that the exercise asks for.
        value: what it stands for; None counts as missing.

    Raises:
        SelfCheckFailed: it is missing or wrong, and nbgrader's Validate is running.
    """
    if value is None:
        message = translate(
            "`{name}` does not exist yet. Fill in the exercise that makes it, run that cell, then "
            "run this one again."
        )
        tell(message.format(name=name), failed=True)
        return
    look = {MODEL: _look_at_model, COMPARISON: _look_at_comparison}.get(name)
    problem = next(look(value), None) if look else None
    good = translate("There is a `{name}`. The hidden test looks at what it is.")
    message = good if problem is None else translate("There is a `{name}`, but") + f" {problem}"
    tell(message.replace("{name}", name), failed=problem is not None)


def _look_at_model(model: object) -> Iterator[str]:
    """Yield what shows that a model is no `Net` as PyTorch leaves it.

    PyTorch draws a linear layer's weights and biases evenly from -b to b, b = 1/sqrt(inputs):
    their deviation is b/sqrt(3), known from N values with the relative standard error
    sqrt(1/(5 N)).
    """
    if not isinstance(model, nn.Module) or type(model).__name__ != "Net":
        yield translate("it is of type {kind}, and should be a Net.", kind=type(model).__name__)
        return
    for name, layer in model.named_modules():
        if not isinstance(layer, nn.Linear):
            continue
        bound = layer.in_features**-0.5
        for key, values in layer.named_parameters(recurse=False):
            numbers = values.detach().double()
            slack = _TOLERANCE * (5 * numbers.numel()) ** -0.5
            ratio = numbers.std().item() * 3**0.5 / bound if numbers.numel() > 1 else 1.0
            inside = numbers.abs().max().item() <= bound * (1 + 1e-6)
            if not (inside and abs(ratio - 1) <= slack):
                yield translate(
                    "{parameter} does not look as PyTorch draws it in a new Net: were the weights "
                    "set, or the model trained?",
                    parameter=f"{name}.{key}",
                )


def _look_at_comparison(comparison: object) -> Iterator[str]:
    if not isinstance(comparison, Comparison):
        kind = type(comparison).__name__
        yield translate(
            "it is of type {kind}, and should be what helpers.compare_init_weights returns.",
            kind=kind,
        )
    elif not comparison.runs:
        yield translate("no model was compared in it.")
