"""Keeps training runs on disk, so that the same run need not be computed again.

With seeds set, a run on the processor is a pure function of the initial weights, the model's code,
the data, the order of the batches, the training in force (`in_force`) and PyTorch itself. A hash of
exactly these names a file in the folder that the environment variable RECORDED_RUNS names. What is
found there is what training gave, to the last bit; what is not there is trained, and written down
where the folder can be written to. Without the variable every run is trained.

A file holds arrays alone, in NumPy's format and read without pickles, so that reading one from a
strange hand runs nothing.
"""

import contextlib
import hashlib
import io
import os
import platform
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..training import Batch, Batches, accuracy, train
from .in_force import Accuracy, Train, circumstances, first_steps, structure

ENVIRONMENT_VARIABLE = "RECORDED_RUNS"
"""Names the folder of recorded runs."""

Outcome = tuple[np.ndarray, np.ndarray]
"""Loss of each batch, shape (models, batches), and accuracy in per cent, shape (models,)."""


class RecordedRuns:
    """The recorded runs on the same batches under the same seed.

    Args:
        train_batches: what models are trained on.
        valid_batches: what they are measured on.
        seed: seeds PyTorch's generator before the training.
        train: what trains a model.
        accuracy: what measures it.
    """

    def __init__(
        self,
        train_batches: Batches,
        valid_batches: Batches,
        seed: int,
        train: Train = train,
        accuracy: Accuracy = accuracy,
    ) -> None:
        folder = os.environ.get(ENVIRONMENT_VARIABLE)
        self._batches = train_batches, valid_batches
        self._train, self._accuracy = train, accuracy
        self._seed = seed
        self._data: list[str] = []
        self._folder = Path(folder or ".")
        train_data, valid_data = train_batches.memory, valid_batches.memory
        if folder and train_data is not None and valid_data is not None:
            trained_on = _hash_of_data(train_data)
            # Mostly both loaders take their images from one data set.
            same = train_data[0] is valid_data[0] and train_data[1] is valid_data[1]
            self._data = [
                machine(),
                trained_on,
                trained_on if same else _hash_of_data(valid_data),
                _hash_of_orders(train_batches),
                _hash_of_orders(valid_batches),
                str(seed),
            ]

    def reuse(self, compute: Callable[[], Outcome], models: Sequence[nn.Module]) -> Outcome:
        """Return what `compute` returns, from the folder if it is there.

        Args:
            compute: trains `models` in place and measures them.
            models: before training.
        """
        name = self._name(models)
        if name is None:
            return compute()
        path = self._folder / f"{name}.npz"
        outcome = _read(path, (len(models), len(self._batches[0])))
        if outcome is None:
            outcome = compute()
            _write(path, outcome)
        return outcome

    def _name(self, models: Sequence[nn.Module]) -> str | None:
        """Return the hash of everything that decides the run, or None if that cannot be said."""
        if not self._data:
            return None
        structures = [structure(model) for model in models]
        training = circumstances(self._batches[0], self._train, self._accuracy)
        if training is None or None in structures:
            return None
        hashed = hashlib.sha256()
        for thing in (*self._data, *training, *structures, torch.get_num_threads()):
            feed(hashed, str(thing).encode())
        for model in models:
            for name, value in model.state_dict().items():
                feed(hashed, f"{name} {value.dtype} {tuple(value.shape)}".encode())
                feed(hashed, value.numpy().tobytes())
            steps = first_steps(model, self._train, self._accuracy, self._batches, self._seed)
            if steps is None:
                return None
            for values in steps:
                feed(hashed, values.tobytes())
        return hashed.hexdigest()


def _hash_of_data(memory: Batch) -> str:
    """Hash images and labels; the same as last time are only compared, which is faster."""
    if not (_last and all(map(torch.equal, memory, _last[1]))):
        _last[:] = [_compute_hash(memory), tuple(values.clone() for values in memory)]
    return str(_last[0])


_last: list[Any] = []  # the hash of the last data and, lest they be changed in place, a copy


def _compute_hash(memory: Batch) -> str:
    hashed = hashlib.sha256()
    for values in memory:
        hashed.update(f"{values.dtype} {tuple(values.shape)}".encode())
        hashed.update(values.cpu().contiguous().numpy().data)
    return hashed.hexdigest()


def _hash_of_orders(batches: Batches) -> str:
    hashed = hashlib.sha256()
    for order in batches.orders:
        # The lengths too, so that no two ways to part the same images run together.
        hashed.update(array("q", [len(order), *map(len, order)]).tobytes())
        for indices in order:
            hashed.update(array("q", indices).tobytes())
    return hashed.hexdigest()


def feed(hashed: "hashlib._Hash", content: bytes) -> None:
    """Add `content` to a hash so that no two sequences of contents run together."""
    hashed.update(len(content).to_bytes(8, "little"))
    hashed.update(content)


@cache
def machine() -> str:
    """Name what decides how sums are rounded: PyTorch's build and the processor."""
    processor = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        # Model and features; the clock rate, which changes, stands in neither.
        processor = "".join(
            dict.fromkeys(line for line in lines if line.startswith(("model name", "flags")))
        )
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{torch.__version__} {torch.__config__.show()} {capability} {processor}"


def _read(path: Path, shape: tuple[int, int]) -> Outcome | None:
    """Return the outcome in the file; None without one, or with one that cannot be it."""
    try:
        # Opened here: np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            losses, accuracies = arrays["losses"], arrays["accuracies"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    kinds = (losses.dtype, accuracies.dtype)
    if losses.shape != shape or accuracies.shape != shape[:1] or kinds != (np.float64,) * 2:
        return None
    return losses, accuracies


def _write(path: Path, outcome: Outcome) -> None:
    losses, accuracies = outcome
    file = io.BytesIO()
    np.savez(file, losses=losses, accuracies=accuracies)
    write_whole(path, file.getvalue())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; a folder that is read-only stays as it is."""
    with contextlib.suppress(OSError):
        descriptor, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            # mkstemp keeps a file to its owner; what is recorded is no secret.
            Path(draft).chmod(0o644)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
