"""Keeps trainings on disk, so that the same one need not be computed again.

With seeds set, a training on the processor is a pure function of the initial parameters, the
model's code, the data, the order of the batches, the code in force (`code_in_force`) and PyTorch
itself. A hash of exactly these names a file. What is found there is what training gave, to the last
bit; what is not there is trained, and written down where the folder can be written to. An empty
file beside it is named by what may be claimed of the run (`claims`).

A file holds arrays alone, in NumPy's format and read without pickles, so that reading one from a
strange hand runs nothing.
"""

import hashlib
import io
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..claims import name_of_claim
from .code_in_force import Batches, Training
from .folder import digest, folder, machine, write_whole

Outcome = tuple[np.ndarray, float, dict[str, np.ndarray]]
"""Loss of each batch, shape (batches,), accuracy in per cent, and the model's state at the end."""

_STATE = "state."


def training(compute: Callable[[], Outcome], *, model: nn.Module, **decisive: Any) -> Outcome:
    """Return what `compute` returns, from the folder if it is there.

    Args:
        compute: trains `model` in place and measures it.
        model: before training.
        decisive: the fields of `code_in_force.Training`.
    """
    kept, wanted = folder(), Training(**decisive)
    parts = None if kept is None else _parts(model, wanted)
    if kept is None or parts is None:
        return compute()
    path = kept / f"{digest(parts)}.npz"
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    outcome = _read(path, len(wanted.batches[0]), before)
    if outcome is None:
        outcome = compute()
        _write(path, outcome)
        write_whole(kept / name_of_claim(before, *outcome[:2]), b"")
    return outcome


def _parts(model: nn.Module, wanted: Training) -> list[str | bytes] | None:
    """Return everything that decides the outcome, or None if that cannot be said."""
    memories = [batches.memory for batches in wanted.batches]
    structure, circumstances = wanted.structure(model), wanted.circumstances()
    if None in memories or structure is None or circumstances is None:
        return None
    steps = wanted.first_steps(model)
    if steps is None:
        return None
    parts: list[str | bytes] = [machine(), str(wanted.seed), str(torch.get_num_threads())]
    parts += [_hash_of_data(memory) for memory in memories if memory is not None]
    parts += [_hash_of_orders(batches) for batches in wanted.batches]
    parts += [*circumstances, structure]
    for name, value in model.state_dict().items():
        parts += [f"{name} {value.dtype} {tuple(value.shape)}", value.numpy().tobytes()]
    return parts + [values.tobytes() for values in steps]


def _hash_of_data(memory: tuple[Tensor, Tensor]) -> str:
    """Hash images and labels; the same as last time are only compared, which is faster."""
    if not (_last and all(map(torch.equal, memory, _last[1]))):
        _last[:] = [digest(_arrays(memory)), tuple(values.clone() for values in memory)]
    return str(_last[0])


_last: list[Any] = []  # the hash of the last data and, lest they be changed in place, a copy


def _arrays(memory: tuple[Tensor, Tensor]) -> Iterator[str | bytes]:
    for values in memory:
        yield f"{values.dtype} {tuple(values.shape)}"
        yield values.cpu().contiguous().numpy().tobytes()


def _hash_of_orders(batches: Batches) -> str:
    hashed = hashlib.sha256()
    for order in batches.orders:
        # The lengths too, so that no two ways to part the same images run together.
        hashed.update(array("q", [len(order), *map(len, order)]).tobytes())
        for indices in order:
            hashed.update(array("q", indices).tobytes())
    return hashed.hexdigest()


def _read(path: Path, batches: int, before: Mapping[str, np.ndarray]) -> Outcome | None:
    """Return the outcome in the file; None without one, or with one that cannot be it.

    Args:
        path: the file.
        batches: how many were trained on.
        before: the model's state before, whose names and shapes are those of the state at the end.
    """
    try:
        # Opened here: np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            losses, accuracy = arrays["losses"], arrays["accuracy"]
            state = {name: arrays[_STATE + name] for name in before}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    kinds = (losses.dtype, accuracy.dtype)
    if losses.shape != (batches,) or accuracy.shape != () or kinds != (np.float64,) * 2:
        return None
    if any((v.shape, v.dtype) != (before[k].shape, before[k].dtype) for k, v in state.items()):
        return None
    return losses, accuracy.item(), state


def _write(path: Path, outcome: Outcome) -> None:
    losses, accuracy, state = outcome
    file = io.BytesIO()
    arrays: dict[str, Any] = {_STATE + name: value for name, value in state.items()}
    np.savez(file, losses=losses, accuracy=np.float64(accuracy), **arrays)
    write_whole(path, file.getvalue())
