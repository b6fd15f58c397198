"""Cuts what a student wrote or printed to what a page shows, before anything parses it.

A page takes minutes and gigabytes for what a loop prints in a second. So of each text the beginning
is shown, of all texts together as much as a person may want to read, and the page says so.
"""

from dataclasses import dataclass

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output

from grading.course.language import DEFAULT
from grading.words import say

TEXT = 100_000
"""Characters shown of one text: a cell, an output."""
PAGE = 500_000
"""Characters shown of all texts of a page."""
PICTURES = 20 * 2**20
"""Characters in base64 of all pictures of a page."""
# An empty text costs a page something too.
_LEAST = 200

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Formats of pictures in which nothing can run."""
_PICTURES = (*IMAGES, "image/svg+xml")
_SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", *_PICTURES)


@dataclass
class Allowance:
    """What a page may still show; each text takes something off."""

    language: str = DEFAULT
    text: int = PAGE
    pictures: int = PICTURES

    @property
    def notice(self) -> str:
        """What says that something was cut off."""
        return say(self.language, "feedback.cut_off")

    def shown(self, text: str, most: int = TEXT) -> str:
        """Return as much of a text as is shown."""
        start = text[: max(0, min(most, self.text))]
        self.text -= max(_LEAST, len(start))
        return start

    def has_room_for(self, picture: str) -> bool:
        """Tell whether a picture is shown, and take it off."""
        self.pictures -= len(picture)
        return self.pictures >= 0


def shown_outputs(outputs: list[NotebookNode], allowance: Allowance) -> list[NotebookNode]:
    """Return the outputs of a cell as far as a page shows them, with a notice where it does not."""
    kept: list[NotebookNode] = []
    whole = True
    for output in outputs:
        if allowance.text <= 0:
            whole = False
            break
        start, is_whole = _shown_output(output, allowance)
        kept.append(start)
        whole = whole and is_whole
    if not whole:
        kept.append(new_output("stream", name="stdout", text=f"\n… {allowance.notice}\n"))
    return kept


def _shown_output(output: NotebookNode, allowance: Allowance) -> tuple[NotebookNode, bool]:
    """Return what is shown of an output, and whether that is all."""
    start = NotebookNode(output)
    before = after = 0
    match output.get("output_type"):
        case "stream":
            before = len(text := as_text(output.get("text")))
            start["text"] = allowance.shown(text)
            after = len(start["text"])
        case "error":
            parts = [as_text(output.get(name)) for name in ("ename", "evalue")]
            parts += [as_text(line) for line in _list(output.get("traceback"))]
            left, shown = TEXT, []
            for part in parts:
                shown.append(allowance.shown(part, left))
                left -= len(shown[-1])
            before, after = sum(map(len, parts)), sum(map(len, shown))
            start["ename"], start["evalue"], *start["traceback"] = shown
        case "display_data" | "execute_result":
            start["data"] = NotebookNode()
            data = output.get("data")
            data = data if isinstance(data, dict) else {}
            for kind in (kind for kind in _SHOWN if kind in data):
                before += len(content := as_text(data[kind]))
                if kind in _PICTURES:
                    content = content if allowance.has_room_for(content) else ""
                else:
                    content = allowance.shown(content)
                after += len(content)
                if content:
                    start["data"][kind] = content
    return start, after == before


def as_text(content: object) -> str:
    """Return what Jupyter takes for a text: a string, or a list of them."""
    parts = content if isinstance(content, list) else [content]
    return "".join(part for part in parts if isinstance(part, str))


def _list(content: object) -> list[object]:
    return content if isinstance(content, list) else [content]
