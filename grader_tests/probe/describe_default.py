"""Describes the second exercise as JSON: a model, and a comparison of runs of training."""

import copy
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader_kit.observing.arrays import encode_array
from grader_kit.observing.format import Record
from grader_kit.observing.probing import TEXT, attempt, type_name

from ..blueprint import probe_images
from ..observation import REPEATED_BATCHES
from .describe import NAMES, size

# Entries of a model that go into an observation; beyond, an evenly spread part of them does. The
# lesson's network has 235,146.
_MODEL_ENTRIES = 1_000_000
_LAYERS = 20
_RUNS = 50
_LOSSES = 50_000


def describe_model(model: object, with_values: bool) -> Record | None:
    """Describe a student's model by the values of its parameters, or by digests of them."""
    if model is None:
        return None
    record: Record = {
        "classes": [kind.__name__[:TEXT] for kind in type(model).__mro__[:_LAYERS]],
        "is_module": isinstance(model, nn.Module),
    }
    if not isinstance(model, nn.Module):
        return record
    if not with_values:
        return {**record, "digests": attempt(lambda: _digests(model.state_dict()))}
    count = sum(parameter.numel() for parameter in model.parameters())
    step = max(1, -(-count // _MODEL_ENTRIES))
    record["others"] = attempt(lambda: _without_parameters(model)) or []
    record["layers"] = [
        {
            "name": name[:TEXT],
            "type": type_name(module),
            **size(module),
            "parameters": {
                key: attempt(partial(_describe_values, parameter, step))
                for key, parameter in module.named_parameters(recurse=False)
            },
        }
        for name, module in model.named_modules()
        if list(module.parameters(recurse=False))
    ][:_LAYERS]
    return record


def outputs_of(model: object, rng: np.random.Generator) -> Record:
    """Return what a model gives for images of random pixels, without dropout and with it."""
    if not isinstance(model, nn.Module):
        return {}
    images = torch.from_numpy(probe_images(rng)).view(-1, 1, 28, 28)
    answered: Record = {}
    with torch.no_grad():
        for name, training in (("outputs", False), ("dropped", True)):
            answered[name] = attempt(partial(_outputs, model, images, training))
    return answered


def _without_parameters(model: nn.Module) -> list[str]:
    return [
        f"{type_name(module)}({module.extra_repr()})"[:TEXT]
        for module in model.modules()
        if not list(module.children()) and not list(module.parameters(recurse=False))
    ][:_LAYERS]


def _outputs(model: nn.Module, images: Tensor, training: bool) -> Record:
    scores = (
        copy.deepcopy(model)
        .train(training)(images)
        .detach()
        .to("cpu", torch.float32)
        .contiguous()
        .numpy()
    )
    return encode_array(scores.copy())


def _describe_values(tensor: Tensor, step: int) -> Record:
    values = tensor.detach().to("cpu", torch.float32).contiguous().flatten().numpy()
    return {
        "shape": list(tensor.shape),
        "largest": float(np.abs(values).max(initial=0)),
        "values": encode_array(values[::step].copy()),
    }


def _digests(weights: object) -> dict[str, str]:
    """Return a digest of each array by name: of its float32 values and its shape."""
    digests = {}
    if not isinstance(weights, Mapping):
        raise TypeError("weights come by name")
    for name, value in list(weights.items())[:NAMES]:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        array = np.ascontiguousarray(array, dtype="<f4")
        text = repr(array.shape).encode() + array.tobytes()
        digests[str(name)[:TEXT]] = hashlib.sha256(text).hexdigest()
    return digests


def describe_comparison(comparison: Any, model: object) -> Record | None:
    """Describe a comparison's runs: losses, accuracy, and digests of the weights at the start.

    Of the run that started from `model`, it also tells what it takes to repeat it.
    """
    if comparison is None:
        return None
    runs = attempt(lambda: list(comparison.runs)[:_RUNS])
    if runs is None:
        return {"type": type_name(comparison), "runs": None}
    described = [_describe_run(run) for run in runs]
    wanted = attempt(lambda: _digests(model.state_dict())) if isinstance(model, nn.Module) else None
    of_the_model = (i for i, run in enumerate(described) if run["initial_weights"] == wanted)
    place = next(of_the_model, None) if wanted else None
    claim = None if place is None else attempt(lambda: _claim(comparison, runs[place]))
    return {"type": type_name(comparison), "runs": described, "claim": claim}


def _claim(comparison: Any, run: Any) -> Record:
    training, validation = comparison.images
    return {
        "seed": int(comparison.seed),
        "initial": {str(name): encode_array(a) for name, a in run.initial_weights.items()},
        "final": {str(name): encode_array(a) for name, a in run.final_weights.items()},
        "training": _images(training, REPEATED_BATCHES),
        "validation": _images(validation, None),
    }


def _images(images: Any, number: int | None) -> Record:
    batches = [[int(index) for index in batch] for batch in images.batches[:number]]
    return {"part": str(images.part)[:TEXT], "batches": batches}


def _describe_run(run: Any) -> Record:
    losses = attempt(lambda: np.array(run.losses, dtype=np.float32).ravel()[:_LOSSES])
    return {
        "label": (attempt(lambda: str(run.label)) or "")[:TEXT],
        "losses": None if losses is None else encode_array(losses),
        "training_loss": attempt(lambda: float(run.training_loss)),
        "validation_accuracy": attempt(lambda: float(run.validation_accuracy)),
        "initial_weights": attempt(lambda: _digests(run.initial_weights)),
    }
