"""Explains functions that stop with an exception, and functions that change no weights."""

import re
from collections.abc import Iterable
from itertools import pairwise, takewhile

from ..records import FunctionObservation, Problem
from ..verdict import Message, message

# Methods of a tensor whose form that works in place ends in an underscore.
_IN_PLACE = frozenset(
    ["normal", "uniform", "fill", "zero", "copy", "mul", "div", "add", "sub", "random", "cauchy"]
)
# Parts of names that draw random values.
_DRAWS = ("normal", "rand", "uniform", "gauss", "kaiming", "xavier", "sample", "rvs", "init")
_SETS = ("zero", "fill", "constant", "full")
_CONDITION = ("if ", "elif ", "while ", "for ", "case ", "match ", "if(", "while(", "elif(")
_LESSONS_LAYERS = re.compile(r"fc\d")
_NO_ATTRIBUTE = re.compile(
    r"(?:type object |module )?'([^']*)'(?: object)? has no attribute '([^']*)'"
)
_FIND_AS_TRUTH = re.compile(r"\.find\([^()]*\)\s*(?::|\band\b|\bor\b)")
_OTHER_LAYERS = re.compile(
    r"\b(?:Lazy)?(?:Conv|BatchNorm|LayerNorm|GroupNorm|InstanceNorm|Norm|Embedding|ReLU|Dropout|"
    r"Sequential|LSTM|GRU|RNN|MaxPool|AvgPool)\w*"
)
_NAME = re.compile(r"'([^']*)'")
_BY_TYPE = {
    "SystemExit": "exits",
    "GeneratorExit": "exits",
    "NotImplementedError": "not_implemented",
    "RecursionError": "recursion",
    "ZeroDivisionError": "division_by_zero",
}
# The first that occurs in the message names the mistake.
_BY_MESSAGE = {
    r"(?s)leaf.*in-place|in-place.*leaf|requires grad": "leaf_changed_in_place",
    r"has to be a tensor, but got \w*\.?ndarray|cannot assign 'numpy\.|"
    r"must be Tensor, not numpy|can't assign a numpy": "array_for_tensor",
    r"as parameter|Parameter or None": "tensor_for_parameter",
    r"std >= 0|scale < 0|negative dev": "negative_deviation",
    r"size of tensor|shape mismatch|could not broadcast|expanded size|size mismatch|"
    r"broadcastable|broadcast together|is invalid for input of size|cannot reshape|"
    r"shapes cannot be multiplied|doesn't match the broadcast shape|"
    r"expected shape": "sizes_do_not_fit",
}
_ARGUMENTS = re.compile(
    r"invalid combination of arguments|expected np.ndarray|unexpected keyword|positional argument|"
    r"must be |required argument|multiple values for argument|required keyword"
)


def explain_error(seen: FunctionObservation, error: Problem) -> Message:
    """Explain what the function raised, in the lesson's terms."""
    if error.type == "TypeError" and not seen.takes_module:
        return message("wrong_signature")
    if error.type in ("NameError", "UnboundLocalError"):
        name = _NAME.search(error.message)
        return message("unknown_name", name=name.group(1) if name else "?")
    if error.type in _BY_TYPE:
        return message(_BY_TYPE[error.type])
    if mistake := _by_attribute(seen, error) or _by_message(error):
        return mistake
    # Where a module is no linear layer, it may lack a dimension or a parameter.
    lacks = error.type in ("IndexError", "ValueError") or "NoneType" in error.message
    if lacks and error.module not in ("", "Linear"):
        return _treats_others(seen, error)
    return message("exception")


def _by_attribute(seen: FunctionObservation, error: Problem) -> Message | None:
    """Explain that a thing lacks what the function looks for in it."""
    found = _NO_ATTRIBUTE.search(error.message)
    if error.type != "AttributeError" or found is None:
        return None
    owner, name = found.groups()
    if _LESSONS_LAYERS.fullmatch(name):
        return message("whole_model_expected", name=name)
    if owner == "numpy.ndarray":
        return message("array_for_tensor")
    if owner in ("Tensor", "Parameter"):
        if name in _IN_PLACE:
            return message("underscore_missing", name=name)
        return message("attribute_misspelt", type=owner, name=name)
    if owner == error.module and owner != "Linear":
        return _treats_others(seen, error)
    return message("attribute_misspelt", type=owner, name=name)


def _by_message(error: Problem) -> Message | None:
    for pattern, mistake in _BY_MESSAGE.items():
        if re.search(pattern, error.message):
            return message(mistake)
    if error.type == "TypeError" and _ARGUMENTS.search(error.message):
        return message("wrong_arguments")
    return None


def _treats_others(seen: FunctionObservation, error: Problem) -> Message:
    if any(_FIND_AS_TRUTH.search(line.text) for line in seen.lines):
        return message("find_as_truth")
    if any(line.text.startswith(_CONDITION[:2]) for line in seen.lines):
        return message("guard_lets_others_in", module=error.module)
    return message("no_guard", module=error.module)


def explain_idleness(seen: FunctionObservation, *, bias_written: bool) -> Message:
    """Explain why no linear layer got new weights."""
    if seen.function.blank:
        return message("blank")
    if seen.function.deferred:
        return message("never_run")
    if seen.method_assigned:
        return message("method_assigned", line=seen.method_assigned)
    guard = _guard(seen)
    if guard.startswith(_CONDITION):
        if others := _types_in_conditions(seen):
            return message("no_branch_for_linear", types=others)
        return message("guard_never_true", line=guard)
    if guard and any(line.text.startswith("except") and line.ran for line in seen.lines):
        return message("error_swallowed", line=guard)
    if seen.early_return:
        return message("returns_early", line=seen.early_return)
    if any(_draws(name) for name in seen.function.names):
        return message("result_not_stored")
    if bias_written:
        return message("only_bias_written")
    return message("nothing_written" if seen.function.calculates else "nothing_computed")


def _types_in_conditions(seen: FunctionObservation) -> list[str]:
    """Return the types of layers that the conditions name, if none of them is a linear layer."""
    conditions = [line.text for line in seen.lines if line.text.startswith(_CONDITION)]
    named = [name for text in conditions for name in _OTHER_LAYERS.findall(text)]
    linear = any("lin" in text.lower() for text in conditions)
    return [] if linear else list(dict.fromkeys(named))


def draws_and_sets(names: Iterable[str]) -> bool:
    """Tell whether code mentions both what draws values and what sets them to a constant."""
    return any(part in name for name in names for part in _DRAWS[:4]) and any(
        name.startswith(_SETS) for name in names
    )


def _draws(text: str) -> bool:
    return any(part in text.lower() for part in _DRAWS)


def _writes(text: str) -> bool:
    return "weight" in text or "bias" in text or _draws(text)


def _guard(seen: FunctionObservation) -> str:
    """Return the line after which lines that would write weights do not run, or "".

    Of several such lines the last condition, else the first.
    """
    guards = []
    for place, (line, following) in enumerate(pairwise(seen.lines), start=1):
        if line.ran and not following.ran:
            skipped = takewhile(lambda later: not later.ran, seen.lines[place:])
            if any(_writes(later.text) for later in skipped):
                guards.append(line.text)
    conditions = [text for text in guards if text.startswith(_CONDITION)]
    return conditions[-1] if conditions else guards[0] if guards else ""
