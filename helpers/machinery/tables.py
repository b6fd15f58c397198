"""Lays out tables: as text in columns, and as HTML."""

import html
from collections.abc import Sequence

from .language import columns, pad


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table in columns, the first one to the left and the others to the right."""
    widths = [max(columns(line[i]) for line in (heads, *rows)) for i in range(len(heads))]
    lines = []
    for line in (heads, *rows):
        cells = zip(line, widths, strict=True)
        lines.append("  ".join(pad(cell, width, i > 0) for i, (cell, width) in enumerate(cells)))
    return "\n".join(lines)


def html_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table with a caption in HTML; every text is escaped."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{html.escape(caption.rstrip(':：'))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
