"""Turns cells, outputs and sentences of a graded notebook into HTML for the feedback page."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.notebooknode import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from grading.feedback.cuts import IMAGES
from grading.feedback.harmless_text import clean_html
from grading.feedback.mathml import to_mathml
from grading.judging.reasons import without_cell_number

_LONGEST_SENTENCE = 10_000
# What a traceback through a library shows of the machine: where its packages lie.
_PATH = re.compile(r"(?:/[^\s/:'\"<>]+)+/?")
_PACKAGES = re.compile(r"/(?=(?:site|dist)-packages/|python3\.\d+/)")
# What `safe_pages` makes of a drawing: an image, in which a browser runs nothing.
_DRAWING = re.compile(r'<img alt="" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]*">')


class _Renderer(IPythonRenderer):
    """nbconvert's renderer of Markdown with formulas as MathML."""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        # The lesson's links lead to names that Jupyter gives to headings. A student's headings get
        # none, which could be the name of a part.
        if self._escape:
            # Nor a place in the page's outline, which a level left out would break.
            return f"<p><strong>{text}</strong></p>\n"
        name = re.sub(r"<[^>]*>", "", text).strip().replace(" ", "-")
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        missing = url.removeprefix("attachment:")
        if missing != url and missing not in self.attachments:
            return f"<em>{html.escape(text or missing)}</em>"
        return super().image(text, url, title)

    def block_math(self, body: str) -> str:
        return to_mathml(body, display=True)

    def inline_math(self, body: str) -> str:
        return to_mathml(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        return to_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


def markdown(
    text: str, attachments: dict[str, dict[str, str]] | None = None, *, trusted: bool = False
) -> Markup:
    """Return a text in Markdown as HTML.

    Args:
        text: the source.
        attachments: the images that it refers to.
        trusted: whether it is the lesson's own, which may hold HTML and any image.
    """
    renderer = _Renderer(
        escape=not trusted,
        allow_harmful_protocols=trusted,
        exclude_anchor_links=True,
        attachments=attachments or {},
    )
    return _reachable(MarkdownWithMath(renderer=renderer).render(text))


def code(source: str) -> Markup:
    """Return Python code, highlighted."""
    return _reachable(highlight(source, PythonLexer(), HtmlFormatter()))


def _reachable(made: str) -> Markup:
    """Return HTML in which the keyboard reaches, and so scrolls, what may be wider than a page."""
    scrolls = r'<(pre|table|math(?=[^>]* display="block"))(?=[ >])'
    return Markup(re.sub(scrolls, r'<\1 tabindex="0"', made))


def sentence(text: str) -> Markup:
    """Return a sentence of the grader's: what stands between backticks becomes code."""
    text = text[:_LONGEST_SENTENCE]  # it may quote what a student's code said
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False)))


def outputs(cell: NotebookNode, stopped: str) -> Iterator[Markup]:
    """Yield what a cell displayed and printed; `stopped` introduces an error."""
    printed: list[str] = []
    for output in [*cell.outputs, None]:
        if output is not None and output.output_type == "stream":
            printed.append(output.text)
            continue
        if printed:
            if text := _plain("".join(printed)).strip("\n"):
                yield Markup("<pre class='output' tabindex='0'>{}</pre>").format(text)
            printed = []
        if output is not None:
            yield _output(output, stopped)


def _output(output: NotebookNode, stopped: str) -> Markup:
    if output.output_type == "error":
        traceback = _plain("\n".join(output.traceback))
        return Markup(
            "<details class='error'><summary>{}: <code>{}</code></summary>"
            "<pre class='output' tabindex='0'>{}</pre></details>"
        ).format(
            stopped, _plain(without_cell_number(f"{output.ename}: {output.evalue}")), traceback
        )
    data: dict[str, Any] = output.get("data", {})
    if (kind := next((kind for kind in IMAGES if kind in data), None)) is not None:
        return picture(data[kind], data.get("text/plain", ""), kind)
    if "text/html" in data:
        # Cleaned when it was graded; once more costs little, and then no page depends on it.
        text = str(data["text/html"])
        clean = text if _DRAWING.fullmatch(text) else clean_html(text)
        # pandas heads the column of its index with nothing; a reader aloud stumbles on that.
        clean = re.sub(r"<th(?:\s[^>]*)?>\s*</th>", "<td></td>", clean)
        return Markup("<div class='output wide' tabindex='0'>{}</div>").format(Markup(clean))
    if "text/plain" in data:
        return Markup("<pre class='output' tabindex='0'>{}</pre>").format(
            _plain(data["text/plain"])
        )
    return Markup("")


def picture(encoded: str, description: str, kind: str = "image/png") -> Markup:
    """Return an image of the page itself."""
    return Markup("<img src='data:{};base64,{}' alt='{}'>").format(
        kind, re.sub(r"[^A-Za-z0-9+/=]", "", encoded), description
    )


def _plain(text: str) -> str:
    """Return what was printed without colors and without where this machine keeps its files."""
    text = _PATH.sub(_without_place, strip_ansi(text))
    for folder in (str(Path.cwd()), str(Path.home())):
        text = text.replace(f"{folder}/", "")
    # Progress bars print a line over and over.
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(lines)


def _without_place(path: re.Match[str]) -> str:
    """Return a path from where the packages lie; any other as it is."""
    ends = [match.end() for match in _PACKAGES.finditer(path[0]) if match.start() > 0]
    return path[0][ends[-1] :] if ends else path[0]


def style(light: str = "default", dark: str = "github-dark") -> Markup:
    """Return the colors of highlighted code, for a light and a dark page."""
    rules = HtmlFormatter(style=light).get_style_defs("pre .highlight, .highlight")
    dark_rules = HtmlFormatter(style=dark).get_style_defs(".highlight")
    return Markup(f"{rules}\n@media screen and (prefers-color-scheme: dark) {{\n{dark_rules}\n}}")
