"""Which language an assignment's edition is in: what its file `language.txt` says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grading.words import LANGUAGES

LANGUAGE_FILE = "language.txt"
"""The same file tells `helpers` which language to speak; without it the language is English."""

DEFAULT = "en"


def read_language(folder: Path) -> str:
    """Return the language of the edition in `folder`; `DEFAULT` where no file names another."""
    path = folder / LANGUAGE_FILE
    said = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return said.strip() if said.strip() in LANGUAGES else DEFAULT


def language_of(resources: Mapping[str, Any]) -> str:
    """Return the language of the notebook that a conversion's resources are of."""
    folder = resources.get("metadata", {}).get("path")
    return read_language(Path(folder)) if folder else DEFAULT
