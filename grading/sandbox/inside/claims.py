"""Names what is claimed of a training by a hash: the initial weights, the losses, the accuracy.

An empty file of that name lies beside each recorded run. So whoever is shown figures can tell
whether a run that was recorded gave them, to the last bit, without what made them being repeated.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

SUFFIX = ".claim"


def name_of_claim(initial: Mapping[str, np.ndarray], losses: np.ndarray, accuracy: float) -> str:
    """Return the name of the file that lies beside a recorded run with exactly these figures.

    Args:
        initial: the model's state before training, by name.
        losses: of each batch, shape (batches,).
        accuracy: in per cent.
    """
    hashed = hashlib.sha256()
    arrays = {**initial, "losses": np.asarray(losses, "<f8"), "accuracy": np.array(accuracy, "<f8")}
    for name, values in arrays.items():
        # Each part with its length, so that no two sequences of them run together.
        for part in (f"{name} {values.dtype.str} {values.shape}".encode(), values.tobytes()):
            hashed.update(len(part).to_bytes(8, "little"))
            hashed.update(part)
    return hashed.hexdigest() + SUFFIX
