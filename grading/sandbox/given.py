"""The cells that many submissions begin with, alike to the last sign, and all that decides on them.

A sandbox runs such cells once (`inside/starting_point.py`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from grading.submission import Limits


@dataclass(frozen=True)
class Given:
    """Cells that are run once for many submissions.

    Attributes:
        digest: tells them, and what they are run with, from all others.
        order: what process 1 of a sandbox is told, as JSON has it.
    """

    digest: str
    order: dict[str, Any]

    @classmethod
    def of(
        cls,
        notebook: NotebookNode,
        number: int,
        files: Path,
        environment: Mapping[str, str],
        own: Mapping[str, str],
        limits: Limits,
    ) -> "Given | None":
        """Return the first code cells of a notebook; None where there are none.

        Args:
            notebook: the submission.
            number: how many of its code cells are given.
            files: the folder with what lies beside it.
            environment: variables that all submissions have.
            own: variables of which each has its own value.
            limits: what a submission may use.
        """
        cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"][:number]
        if not cells:
            return None
        order = {"cells": cells, "environment": dict(environment), "own": sorted(own)}
        hashed = hashlib.sha256(json.dumps([order, asdict(limits)]).encode())
        for path in sorted(path for path in files.rglob("*") if path.is_file()):
            for part in (str(path.relative_to(files)).encode(), path.read_bytes()):
                hashed.update(hashlib.sha256(part).digest())
        return cls(hashed.hexdigest(), order)
