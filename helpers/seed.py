"""Seeds every random number generator a lesson uses, so that running a cell twice agrees."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators.

    Call it at the top of a cell that creates models: new models then start from the same random
    numbers each time the cell runs.

    Args:
        seed: any whole number from 0 to 2**32 - 1 (NumPy's limit).
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Let these generators be afterwards as they were before."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
