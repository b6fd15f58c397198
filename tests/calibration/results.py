"""Keeps what was measured, part by part, so that one part can be measured again alone."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

PARTS = ("false_alarms", "power", "corpus", "time")


class NotMeasured(Exception):
    """A part of the calibration has not been measured yet."""


def save(folder: Path, part: str, measured: Mapping[str, object]) -> None:
    """Write one part, with today's date."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**measured, "date": date.today().isoformat()})
    (folder / f"{part}.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """Return all parts.

    Raises:
        NotMeasured: one is missing.
    """
    found = {}
    for part in PARTS:
        path = folder / f"{part}.json"
        if not path.is_file():
            raise NotMeasured(
                f"The part {part} was not measured; run python -m tests.calibration --only {part}."
            )
        found[part] = json.loads(path.read_text(encoding="utf-8"))
    return found
