"""Makes what a submission shows harmless on a page: figures and tables stay, scripts do not run.

A graded notebook is shown in formgrader, within the instructor's session, and on the feedback
page. nbconvert writes HTML, SVG, the text of images and even the width of a picture into the page
as they are. So the notebook itself is cleaned before it is saved, and every page made from it is
safe. HTML goes through nh3, a binding of the Ammonia sanitizer.
"""

import base64
import html
import re

import nh3
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import markdown2html
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution

from grader_tests.observation import CRITERIA

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
# Shown to whoever reads, and written by nobody; it ends what a browser would take for a tag.
_BREAK = "\u200b"


class SafePages(NbGraderPreprocessor):
    """Cleans every cell that a student had a part in; stands after Judge."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Clean outputs, and the text of the student's own cells, in place."""
        nb.cells = [_clean_cell(cell) for cell in nb.cells]
        return nb, resources


def _clean_cell(cell: NotebookNode) -> NotebookNode:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    if cell.cell_type == "code":
        # The outputs of a criterion's cell are the verdict, which the judge has made.
        if grade_id not in CRITERIA:
            cell.outputs = [clean for output in cell.outputs if (clean := clean_output(output))]
        return cell
    if is_locked(cell) or (is_grade(cell) and not is_solution(cell)):
        return cell
    if cell.cell_type == "raw":
        cell = new_markdown_cell(cell.source, id=cell.id)
    cell.source = _without_missing_attachments(
        harmless_markdown(cell.source), cell.get("attachments", {})
    )
    return cell


def _without_missing_attachments(text: str, attachments: dict[str, object]) -> str:
    """Break references to attachments that are not there: nbconvert makes no page with one."""

    def broken(match: re.Match[str]) -> str:
        return match[0] if match[1] in attachments else match[0].replace(":", f"{_BREAK}:", 1)

    return re.sub(r"attachment:([^\s)\"'>]*)", broken, text)


def harmless_markdown(text: str) -> str:
    """Return Markdown in which nothing is taken for HTML or runs when it is clicked."""
    text = re.sub(r"<(?=[a-zA-Z/!?])", f"<{_BREAK}", text)
    # MathJax makes links too: \\href{javascript:...}.
    return re.sub(r"(script|data|file)(\s*)(:|&#|&colon)", rf"\1{_BREAK}\2\3", text, flags=re.I)


def clean_output(output: NotebookNode) -> NotebookNode | None:
    """Return an output that is safe on a page, or None where nothing of it is left."""
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            text = _as_text(output.get("text", ""))
            return NotebookNode(output_type="stream", name=name, text=text)
        case "error":
            return NotebookNode(
                output_type="error",
                ename=_as_text(output.get("ename", "")),
                evalue=_as_text(output.get("evalue", "")),
                traceback=[_as_text(line) for line in output.get("traceback", [])],
            )
        case "display_data" | "execute_result" as kind:
            data = _clean_data(output.get("data", {}))
            if not data:
                return None
            clean = NotebookNode(output_type=kind, data=data, metadata=NotebookNode())
            if kind == "execute_result":
                count = output.get("execution_count")
                clean["execution_count"] = count if isinstance(count, int) else None
            return clean
    return None


def _clean_data(data: dict[str, object]) -> NotebookNode:
    clean = NotebookNode()
    for kind, content in data.items():
        if kind == "text/plain":
            clean[kind] = _as_text(content)
        elif kind in _IMAGES:
            encoded = re.sub(r"\s", "", _as_text(content))
            if re.fullmatch(r"[A-Za-z0-9+/]*=*", encoded):
                clean[kind] = encoded
        elif kind == "image/svg+xml":
            # Within an image a browser runs no script and loads nothing.
            encoded = base64.b64encode(_as_text(content).encode()).decode()
            clean["text/html"] = f'<img alt="" src="data:image/svg+xml;base64,{encoded}">'
        elif kind == "text/markdown" and "text/html" not in data:
            clean["text/html"] = clean_html(str(markdown2html(_as_text(content))))
        elif kind == "text/latex" and "text/html" not in data:
            clean["text/html"] = html.escape(harmless_markdown(_as_text(content)))
        elif kind == "text/html":
            clean[kind] = clean_html(_as_text(content))
    return clean


def clean_html(text: str) -> str:
    """Return HTML without scripts, handlers, forms, frames and links that run something.

    Images may be of the page itself (data:) in a format that cannot hold a script.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        allowed = {"src": r"data:image/(png|jpeg|gif|webp);base64,", "href": r"https?:|mailto:|#"}
        return value if re.match(allowed.get(attribute, ""), value) else None

    tags = nh3.ALLOWED_TAGS | {"figure", "figcaption"}
    return nh3.clean(
        harmless_links(text),
        tags=tags,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


def harmless_links(text: str) -> str:
    """Break what MathJax would make a running link of, in text that becomes part of a page."""
    return re.sub(r"(\\href\s*\{\s*)", rf"\1{_BREAK}", text)


def _as_text(content: object) -> str:
    if isinstance(content, list):
        content = "".join(str(part) for part in content)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]", "", str(content))
