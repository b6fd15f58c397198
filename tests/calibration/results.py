"""Keeps what was measured, part by part, so that one part can be measured again alone."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

PARTS = ("false_alarms", "power", "corpus", "time")


def save(folder: Path, part: str, measured: Mapping[str, object]) -> None:
    """Write one part, with today's date."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**measured, "date": date.today().isoformat()})
    (folder / f"{part}.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> dict[str, Any]:
    """Return the parts that were measured."""
    files = {part: folder / f"{part}.json" for part in PARTS}
    return {
        part: json.loads(path.read_text(encoding="utf-8"))
        for part, path in files.items()
        if path.is_file()
    }
