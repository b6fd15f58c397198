"""Shows names and messages that others have written, without doing what they say."""

import re
from collections.abc import Sequence
from pathlib import Path

_LONGEST = 300  # characters of a value; what a student named or broke may have any length
_LISTED = 5
# Unicode's categories Cc, Zl and Zp, which it has closed.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def shown(text: str) -> str:
    """Return a text with signs that steer a terminal, or that no text has, as escapes."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def steers(text: str) -> bool:
    """Tell whether a text has signs that steer a terminal or break a line."""
    return _STEERING.search(text) is not None


def readable(value: object) -> str:
    """Return a value as any file can hold it: no halves of characters, and not too long."""
    text = re.sub(r"[\x00-\x1f]", "", str(value).encode("utf-8", "replace").decode())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def listed(names: Sequence[Path | str]) -> str:
    """Return names in a row, the first few of them."""
    told = ", ".join(readable(name)[: _LONGEST // (_LISTED + 1)] for name in names[:_LISTED])
    more = len(names) - _LISTED
    return f"{told}, … (+{more})" if more > 0 else told
