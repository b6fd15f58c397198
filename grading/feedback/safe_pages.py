"""Makes what a submission shows harmless on a page: figures and tables stay, scripts do not run.

A graded notebook is shown in formgrader, within the instructor's session, and on the feedback
page. nbconvert writes HTML, SVG, the text of images and even the width of a picture into the page
as they are. So the notebook itself is cleaned before it is saved, and every page made from it is
safe. HTML goes through nh3, a binding of the Ammonia sanitizer.
"""

import base64
import html
import json
import re
from collections.abc import Iterator

from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import Highlight2HTML, markdown2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.notebooknode import NotebookNode, from_dict
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution

from grading.course.language import language_of
from grading.feedback.cuts import IMAGES, PICTURES, TEXT, Allowance, as_text, shown_outputs
from grading.feedback.harmless_text import (
    BREAK,
    clean_html,
    decoded,
    harmless_formulas,
    harmless_markdown,
    is_harmless,
    linked_pictures,
)
from grading.feedback.limited_work import WorkLimits, work_through
from grading.judging import stored_verdicts
from grading.words import say

WHOLE_SOURCE = "whole_source"
"""Key in a cell's metadata: all that the student wrote, where pages show a part."""

# A text that fails to become HTML is shown as it is, up to here: little, also for slow parsers.
_UNPARSED = 5_000
# So little takes no parser long, and is not worth a process.
_QUICK = 5_000
# A page becomes so many times as long as its text at most; honest ones do not double.
_MOST_HTML = 20 * TEXT
_LIMITS = WorkLimits(seconds=2, all_seconds=10)


class SafePages(NbGraderPreprocessor):
    """Cleans and cuts every cell that a student had a part in; stands after Judge.

    What is too long for a page stays in the notebook, in the cell's metadata (`WHOLE_SOURCE`).
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Clean outputs, and the text of the student's own cells, in place."""
        allowance = Allowance(language_of(resources))
        written = [cell.source for cell in nb.cells]
        students = [index for index, cell in enumerate(nb.cells) if _is_students(cell)]
        # Answers come before what else there is, should not all have room.
        for index in sorted(students, key=lambda index: not is_solution(nb.cells[index])):
            nb.cells[index] = _shown_cell(nb.cells[index], allowance)
        for cell in nb.cells:
            if _has_students_outputs(cell):
                cell.outputs = shown_outputs(cell.outputs, allowance)
        _clean_outputs(nb, allowance)
        _check_sources([(nb.cells[index], written[index]) for index in students], allowance)
        return nb, resources


def _is_students(cell: NotebookNode) -> bool:
    """Tell whether a student decides what stands in a cell."""
    return not is_locked(cell) and not (is_grade(cell) and not is_solution(cell))


def _has_students_outputs(cell: NotebookNode) -> bool:
    # The outputs of a criterion's cell are the verdict, which the judge has made.
    return cell.cell_type == "code" and stored_verdicts.of_cell(cell) is None


def _shown_cell(cell: NotebookNode, allowance: Allowance) -> NotebookNode:
    """Return a student's cell with as much of its text as pages show, and that harmless."""
    start = allowance.shown(cell.source)
    if len(start) < len(cell.source):
        cell.metadata[WHOLE_SOURCE] = cell.source
        mark = "# " if cell.cell_type == "code" else ""
        cell.source = f"{start}\n\n{mark}… {allowance.notice}"
    if cell.cell_type == "code":
        return cell
    attachments = cell.get("attachments", {})
    if cell.cell_type == "raw":
        cell = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)
    known = _without_missing_attachments(decoded(cell.source), attachments, allowance)
    cell.source = harmless_markdown(known)
    return cell


def _without_missing_attachments(
    text: str, attachments: dict[str, dict[str, str]], allowance: Allowance
) -> str:
    """Break references to attachments that are not there: nbconvert makes no page with one.

    One that is there comes into the page as often as it is named, as long as there is room.
    """

    def broken(match: re.Match[str]) -> str:
        images = attachments.get(match[1])
        if images is not None and allowance.has_room_for("".join(images.values())):
            return match[0]
        return match[0].replace(":", f"{BREAK}:", 1)

    return re.sub(r"attachment:([^\s)\"'>]*)", broken, text)


def _clean_outputs(nb: NotebookNode, allowance: Allowance) -> None:
    """Clean all outputs in place; one that no parser gets through is shown as plain text."""
    places = [
        (cell, index)
        for cell in nb.cells
        if _has_students_outputs(cell)
        for index in range(len(cell.outputs))
    ]
    parsed = [(cell, index) for cell, index in places if _is_parsed(cell.outputs[index])]
    cleaned = work_through(_cleaned, [cell.outputs[index] for cell, index in parsed], _LIMITS)
    done = {(id(cell), index): text for (cell, index), text in zip(parsed, cleaned, strict=True)}
    for cell in nb.cells:
        if _has_students_outputs(cell):
            cell.outputs = list(_clean_ones(cell, done, allowance))


def _clean_ones(
    cell: NotebookNode, done: dict[tuple[int, int], str | None], allowance: Allowance
) -> Iterator[NotebookNode]:
    for index, output in enumerate(cell.outputs):
        text = done.get((id(cell), index), "") if _is_parsed(output) else ""
        if text:
            clean = json.loads(text)
        elif text is None:
            clean = clean_output(_unparsed(output, allowance))
        else:
            clean = clean_output(output)
        if clean is not None:
            yield from_dict(clean)


def _cleaned(output: NotebookNode) -> str:
    return json.dumps(clean_output(output))


def _is_parsed(output: NotebookNode) -> bool:
    return any(kind in output.get("data", {}) for kind in ("text/html", "text/markdown"))


def _unparsed(output: NotebookNode, allowance: Allowance) -> NotebookNode:
    data = output.data
    text = data.get("text/plain") or data.get("text/html") or data.get("text/markdown") or ""
    notice = say(allowance.language, "feedback.as_typed")
    told = f"{notice}\n\n{text[:_UNPARSED]}"
    return new_output("display_data", data={"text/plain": told})


def _check_sources(cells: list[tuple[NotebookNode, str]], allowance: Allowance) -> None:
    """Let no text stay that takes pages too long, or becomes what runs or is fetched there.

    Formgrader makes its pages in its own process, and shows them within the reader's session.

    Args:
        cells: each with what the student wrote in it.
        allowance: of the page.
    """
    parsed = [
        (cell, written)
        for cell, written in cells
        if cell.cell_type != "code" or len(cell.source) > _QUICK
    ]
    sources = [cell for cell, _ in parsed]
    is_little = sum(len(cell.source) for cell in sources) <= _QUICK
    results = list(map(_tried, sources)) if is_little else work_through(_laid_out, sources, _LIMITS)
    failed = [pair for pair, result in zip(parsed, results, strict=True) if result is None]
    for cell, written in failed:
        cell.metadata[WHOLE_SOURCE] = written
        told, start = say(allowance.language, "feedback.as_typed"), cell.source[:_UNPARSED]
        if cell.cell_type == "code":
            cell.source = f"# {told}\n{start}"
        else:
            lines = "".join(f"    {line}\n" for line in start.splitlines())
            cell.source = f"{told}\n\n{lines}"


def _laid_out(cell: NotebookNode) -> str:
    if cell.cell_type == "code":
        Highlight2HTML(pygments_lexer="ipython3")(cell.source)
        return ""
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
    page = MarkdownWithMath(renderer=renderer).render(cell.source)
    if len(page) > _MOST_HTML + PICTURES:
        raise ValueError("it becomes far too long")
    if not is_harmless(page):
        raise ValueError("it runs or loads something")
    return ""


def _tried(cell: NotebookNode) -> str | None:
    try:
        return _laid_out(cell)
    # A parser raises whatever comes up, and so would the page.
    except Exception:
        return None


def clean_output(output: NotebookNode) -> NotebookNode | None:
    """Return an output that is safe on a page, or None where nothing of it is left."""
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            text = _printable(output.get("text", ""))
            return NotebookNode(output_type="stream", name=name, text=text)
        case "error":
            return NotebookNode(
                output_type="error",
                ename=_printable(output.get("ename", "")),
                evalue=_printable(output.get("evalue", "")),
                traceback=[_printable(line) for line in output.get("traceback", [])],
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
            clean[kind] = _printable(content)
        elif kind in IMAGES:
            encoded = re.sub(r"\s", "", _printable(content))
            if re.fullmatch(r"[A-Za-z0-9+/]*=*", encoded):
                clean[kind] = encoded
        elif kind == "image/svg+xml":
            # Within an image a browser runs no script and loads nothing.
            encoded = base64.b64encode(_printable(content).encode()).decode()
            clean["text/html"] = f'<img alt="" src="data:image/svg+xml;base64,{encoded}">'
        elif kind == "text/markdown" and "text/html" not in data:
            clean["text/html"] = clean_html(
                str(markdown2html(linked_pictures(_printable(content))))
            )
        elif kind == "text/latex" and "text/html" not in data:
            clean["text/html"] = html.escape(harmless_formulas(_printable(content)))
        elif kind == "text/html":
            clean[kind] = clean_html(_printable(content))
    return clean


def _printable(content: object) -> str:
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]", "", as_text(content))
