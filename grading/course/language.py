"""Which language an assignment's edition is in: what its file `language.txt` says."""

from pathlib import Path

LANGUAGE_FILE = "language.txt"
"""The same file tells `helpers` which language to speak; without it the language is English."""


def read_language(folder: Path) -> str:
    """Return the language of the edition in `folder`: "zh" where the file says so, else "en"."""
    path = folder / LANGUAGE_FILE
    said = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return "zh" if said.strip() == "zh" else "en"
