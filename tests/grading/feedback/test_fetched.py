"""Tests that a page makes the reader's browser fetch nothing that a student names, nor run it.

As formgrader makes the page: what it fetches for itself, an empty notebook's page does too.
"""

import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import nbgrader
import pytest
from nbconvert import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grading.feedback.harmless_text import BREAK, clean_html, harmless_markdown, is_harmless
from grading.feedback.safe_pages import WHOLE_SOURCE, SafePages
from tests.feedback_pages import feedback_page
from tests.grading.feedback import test_safe_pages
from tests.grading.feedback.test_safe_pages import PIXEL

TEMPLATES = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
LOADING = {"src", "srcset", "poster", "background", "data", "xlink:href", "content", "style"}
# Everything that stands for a picture in Markdown, with U for its address.
MARKDOWN = {
    "plain": "![Why](U)",
    "no words": "![](U)",
    "title": '![a](U "t")',
    "angles": "![a](<U>)",
    "line": "![a](\nU\n)",
    "reference": "![a][b]\n\n[b]: U",
    "reference in angles": "![a][b]\n\n[b]: <U>",
    "no words, reference": "![][b]\n\n[b]: U",
    "collapsed": "![b][]\n\n[b]: U",
    "shortcut": "![b]\n\n[b]: U",
    "reference called as a file": "![a][x.png]\n\n[x.png]: U",
    "file with a blank, reference": "![a](x y.png)\n\n[a]: U",
    "emphasis": "![**a** `b`](U)",
    "link in words": "![a [b](c) d](U)",
    "picture in words": "![a ![b](x.png)](U)",
    "picture in a link": "[![a](U)](U)",
    "escaped bracket": r"![a\](x.png)](U)",
    "code over bracket": "![a `](x.png)`](U)",
    "formula over bracket": "![a $](x.png)$](U)",
    "address over bracket": "![http://a](x.png)](U)",
    "entity": "![a](&#104;ttp://127.0.0.1:PORT/entity)",
    "table": "|![a](U)|b|\n|-|-|\n|c|![d](U)|",
    "list": "- ![a](U)\n  1. ![a](U)\n- [ ] ![a](U)",
    "quote": "> ![a](U)",
    "heading": "# ![a](U)",
    "definition": "term\n: ![a](U)",
    "struck": "~~![a](U)~~",
    "html": "<img src=U>",
    "html in a formula": "$$<img src=U>$$",
    "html in an environment": "\\begin{a}<img src=U>\\end{a}",
    "html over lines": "<\nimg src=U>",
    "html as entities": "&lt;img src=U&gt;",
    "style": "<style>@import 'U'; body {background: url(U)}</style>",
    "formula with a style": "$\\style{background: url(U)}{x}$",
    "as entities": "&#36;&#92;style{background: url(U)}{x}&#36;",
    "escaped": r"\$\\sty&#108;e{background: url(U)}{x}\$",
    "diagram": '```mermaid\ngraph LR\nA@{ img: "U", w: 60 }\n```',
    "diagram, entity": '~~~ &#109;ermaid\nA["<img src=U>"]\n~~~',
}
HTML = {
    "img": "<img src='U'>",
    "no quotes": "<img src=U>",
    "srcset": "<img srcset='U 1x, U 2x'>",
    "picture": "<picture><source srcset=U><img></picture>",
    "video": "<video poster=U src=U autoplay><source src=U></video>",
    "audio": "<audio src=U autoplay></audio>",
    "track": "<video><track default src=U></video>",
    "link": "<link rel=stylesheet href=U><link rel=prefetch href=U>",
    "style": "<style>@import 'U'; * {background: url(U)}</style>",
    "attribute": "<p style='background: url(U)'>x</p>",
    "background": "<table background=U><td background=U>x</table>",
    "use": "<svg><use href='U#a'/><image href='U'/><image xlink:href='U'/></svg>",
    "object": "<object data=U></object><embed src=U>",
    "frame": "<iframe src=U></iframe>",
    "input": "<input type=image src=U>",
    "base": "<base href=U><img src=x.png>",
    "refresh": "<meta http-equiv=refresh content='0; url=U'>",
    "script": "<script src=U></script>",
    "formula": "$\\style{background: url(U)}{x}$",
    "formula, entity": "$&#92;style{background: url(U)}{x}$",
    "formula, comment": "$\\sty<!-- -->le{background: url(U)}{x}$",
}
ELSEWHERE = ("http://127.0.0.1:PORT/NAME", "//127.0.0.1:PORT/NAME", "/logout", "../../../logout")


def hostile_notebook(address: str) -> NotebookNode:
    """A notebook that names an address wherever a notebook can."""
    nb = v4.new_notebook()
    for name, text in MARKDOWN.items():
        source = text.replace("U", address.replace("NAME", re.sub(r"\W", "", name)))
        nb.cells += [v4.new_markdown_cell(source), v4.new_raw_cell(source)]
    for name, text in HTML.items():
        source = text.replace("U", address.replace("NAME", re.sub(r"\W", "", f"html {name}")))
        kinds = ("text/html", "text/markdown", "text/latex", "image/svg+xml", "text/plain")
        outputs = [v4.new_output("display_data", data={kind: source}) for kind in kinds]
        outputs += [
            v4.new_output("stream", text=source),
            v4.new_output("error", ename=source, evalue=source, traceback=[source]),
        ]
        nb.cells += [v4.new_code_cell(source, outputs=outputs), v4.new_markdown_cell(source)]
    return nb


def cleaned(nb: NotebookNode) -> NotebookNode:
    nb, _ = SafePages().preprocess(nb, ResourcesDict())
    return nb


@cache
def exporter() -> HTMLExporter:
    return HTMLExporter(template_name="formgrade", extra_template_basedirs=[str(TEMPLATES)])


def formgraders_page(nb: NotebookNode) -> str:
    resources = {"base_url": "", "index": 0, "total": 1, "notebook_path": ""}
    page: str = exporter().from_notebook_node(nb, resources)[0]
    return page


class _Loaded(HTMLParser):
    """Collects what a page loads, but for what lies within it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in LOADING or (name == "href" and tag not in ("a", "area")):
                self.found.add(f"{tag} {name} {value}")

    @property
    def from_elsewhere(self) -> set[str]:
        return {each for each in self.found if " src data:image/" not in each}


@pytest.mark.parametrize("address", ELSEWHERE)
def test_formgrader_loads_what_it_does_of_an_empty_notebook(address: str) -> None:
    page = formgraders_page(cleaned(hostile_notebook(address)))
    allowed = _Loaded(formgraders_page(v4.new_notebook())).found | {"img src x.png"}
    assert _Loaded(page).from_elsewhere <= allowed
    assert 'class="mermaid"' not in page
    assert not re.search(r"\\(style|href|class|cssId)\b", re.sub(r"(?s)<pre.*?</pre>", "", page))


@pytest.mark.parametrize("name", MARKDOWN)
def test_what_a_student_wrote_is_still_there(name: str) -> None:
    address = "http://example.org/a.png"
    nb = v4.new_notebook(cells=[v4.new_markdown_cell(MARKDOWN[name].replace("U", address))])
    (cell,) = cleaned(nb).cells
    page = formgraders_page(nb).replace(BREAK, "").replace("%E2%80%8B", "")
    assert "example.org/a.png" in page or "PORT/entity" in page
    assert WHOLE_SOURCE not in cell.metadata


def test_a_picture_from_elsewhere_is_a_link_in_its_place() -> None:
    cell = v4.new_markdown_cell("See ![my plot](https://example.org/a.png) and ![](http://b.org/c)")
    page = formgraders_page(cleaned(v4.new_notebook(cells=[cell])))
    assert '<a href="https://example.org/a.png">my plot</a>' in page
    assert '<a href="http://b.org/c">http://b.org/c</a>' in page


@pytest.mark.parametrize(
    "text",
    [
        "![Figure 1: loss](figures/loss.png)",
        "![a](./loss.jpg)",
        "![a](my%20plot.png)",
        "![图](图/一.png)",
        '![a](plot.svg "The loss")',
        f"![image.png](data:image/png;base64,{PIXEL})",
        "![a](attachment:image.png)",
        "[x](<https://example.org/a>) and <https://example.org/b>",
        "a!\n\nx != [1] and [y](localhost:8888) [z](#part)",
    ],
)
def test_ones_own_pictures_and_links_stay(text: str) -> None:
    cell = v4.new_markdown_cell(text, attachments={"image.png": {"image/png": PIXEL}})
    assert cleaned(v4.new_notebook(cells=[cell])).cells[0].source == text


@pytest.mark.parametrize(
    "link",
    [
        r"javascript\:x",
        "javascr&#105;pt:x",
        "javascr&#x69;pt&colon;x",
        "&#0000106avascript:x",
        "JAVASCRIPT&#58;x",
        r"vbscript\:x",
        r"data\:text/html,x",
        "data:image/svg+xml;base64,x",
        "blob:x",
    ],
)
@pytest.mark.parametrize("form", ["[a](L)", "[a](<L>)", "[a]\n\n[a]: L", "[a]: <L>\n[b][a]", "<L>"])
def test_no_link_runs(link: str, form: str) -> None:
    cell = v4.new_markdown_cell(form.replace("L", link))
    page = formgraders_page(cleaned(v4.new_notebook(cells=[cell])))
    assert not re.search(r'href="\s*(\w*script|data|blob):', page, re.IGNORECASE)


@pytest.mark.parametrize(
    "page",
    [
        '<a href="javascript:x">a</a>',
        '<a href="java&#x0a;script:x">a</a>',
        '<img src="http://a.b/c.png" alt="" />',
        '<img src="/c.png" alt="" />',
        '<img src="a/../../c.png" alt="" />',
        '<img src="a/%2e%2e/c.png" alt="" />',
        "<svg></svg>",
        "<p onclick=x",
        "<script>",
        "<!-- -->",
        '<pre class="mermaid">',
        "$&#92;href{x}{y}$",
    ],
)
def test_what_got_through_is_noticed(page: str) -> None:
    assert not is_harmless(f"<p>before</p>{page}") or page == "<p onclick=x"


def test_what_becomes_harmful_all_the_same_is_shown_as_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grading.feedback.safe_pages.harmless_markdown", lambda text: text)
    text = "my answer ![a](http://example.org/a.png)"
    (cell,) = cleaned(v4.new_notebook(cells=[v4.new_markdown_cell(text)])).cells
    assert cell.metadata[WHOLE_SOURCE] == text
    assert f"    {text}\n" in cell.source


def test_commands_of_formulas_are_broken_in_html() -> None:
    for text in (r"\href{javascript:x}{y}", "&#92;href{x}{y}", r"\hr<!-- -->ef{x}{y}"):
        assert rf"\{BREAK}href" in clean_html(f"${text}$")
    assert harmless_markdown(r"$\frac{a}{b}$") == r"$\frac{a}{b}$"


class _Listening(http.server.BaseHTTPRequestHandler):
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def listening() -> Iterator[http.server.HTTPServer]:
    _Listening.paths = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Listening) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
class TestInChromium:
    @staticmethod
    def fetched(page: str, folder: Path) -> set[str]:
        test_safe_pages.TestInBrowser.opened(page, folder)
        return {path.lstrip("/") for path in _Listening.paths}

    def test_nothing_is_fetched(self, listening: http.server.HTTPServer, tmp_path: Path) -> None:
        nb = cleaned(hostile_notebook(f"http://127.0.0.1:{listening.server_port}/NAME"))
        assert self.fetched(formgraders_page(nb), tmp_path) == set()

    def test_a_feedback_page_fetches_nothing(
        self, listening: http.server.HTTPServer, tmp_path: Path
    ) -> None:
        nb = cleaned(hostile_notebook(f"http://127.0.0.1:{listening.server_port}/NAME"))
        for number, cell in enumerate(nb.cells):
            cell["id"] = f"own-{number}"
        assert self.fetched(feedback_page(nb, {}, comments={}), tmp_path) == set()

    def test_much_is_fetched_of_what_was_not_cleaned(
        self, listening: http.server.HTTPServer, tmp_path: Path
    ) -> None:
        nb = hostile_notebook(f"http://127.0.0.1:{listening.server_port}/NAME")
        nb.cells = [cell for cell in nb.cells if "refresh" not in cell.source]
        fetched = self.fetched(formgraders_page(nb), tmp_path)
        assert {"plain", "shortcut", "angles", "htmlimg", "htmllink"} <= fetched
