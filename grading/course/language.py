"""Which language an assignment's edition is in: what its file `language.txt` says."""

from pathlib import Path

from grading.words import LANGUAGES

LANGUAGE_FILE = "language.txt"
"""The same file tells `helpers` which language to speak; without it the language is English."""

DEFAULT = "en"


def read_language(folder: Path) -> str:
    """Return the language of the edition in `folder`; `DEFAULT` where no file names another."""
    path = folder / LANGUAGE_FILE
    said = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return said.strip() if said.strip() in LANGUAGES else DEFAULT
