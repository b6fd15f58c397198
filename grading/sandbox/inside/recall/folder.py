"""The folder of what was computed: files named by a hash of everything that decides them."""

import contextlib
import hashlib
import os
import platform
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch

VARIABLE = "RECALL_FOLDER"
"""Names the folder."""


def folder() -> Path | None:
    """Return the folder, or None where there is none."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a hash of texts and contents; no two sequences of them run together."""
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        hashed.update(len(content).to_bytes(8, "little"))
        hashed.update(content)
    return hashed.hexdigest()


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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; a folder that is read-only stays as it is."""
    with contextlib.suppress(OSError):
        descriptor, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            # mkstemp keeps a file to its owner; what is kept here is no secret.
            Path(draft).chmod(0o644)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
