"""Tells whether helpers run in a notebook, and shows there what a terminal gets as plain text."""

import sys
from typing import Any


def shell() -> Any | None:
    """Return IPython's shell where a notebook runs this, and None in a script or a terminal."""
    running = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return running if hasattr(running, "kernel") else None


_shown: set[str] = set()


def show_forms(forms: dict[str, str], display_id: str | None, **more: Any) -> None:
    """Show something in a notebook that has several forms, MIME type to content.

    What the same `display_id` was given before is replaced.
    """
    from IPython.display import display

    display(forms, raw=True, display_id=display_id, update=display_id in _shown, **more)
    if display_id is not None:
        _shown.add(display_id)


def show_table(table: object) -> None:
    """Show an object that has a text and an HTML form: the one that fits the place.

    A table in HTML breaks its heads into lines where a page is narrow; text would break its rows.
    """
    if shell() is None:
        print(table)
    else:
        from IPython.display import display

        display(table)
