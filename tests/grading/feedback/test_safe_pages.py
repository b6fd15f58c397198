"""Tests that no page runs what a submission shows, and that figures and tables still show."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grading.feedback.harmless_text import clean_html, harmless_markdown
from grading.feedback.safe_pages import SafePages, clean_output
from grading.judging import stored_verdicts
from tests.feedback_pages import feedback_page

RUN = "document.documentElement.dataset.ran=1"
PAYLOADS = {
    "script": f"<script>{RUN}</script>",
    "handler": f'<img src="x" onerror="{RUN}">',
    "svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script></svg>',
    "style": f'<style onload="{RUN}"></style>',
    "frame": f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    "focus": f'<input autofocus onfocus="{RUN}">',
    "details": f'<details open ontoggle="{RUN}">x</details>',
    "broken": f'<img src="x" onerror="{RUN}" //<b',
    "math": f'<math><mtext><table><mglyph><style><img src=x onerror="{RUN}">',
    "template": f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def display(metadata: dict[str, object] | None = None, **data: object) -> NotebookNode:
    bundle = {kind.replace("_", "/", 1).replace("_", "+"): value for kind, value in data.items()}
    return v4.new_output("display_data", data=bundle, metadata=metadata or {})


def hostile_notebook() -> NotebookNode:
    """A notebook with every payload wherever a notebook can hold it."""
    nb = v4.new_notebook()
    for payload in PAYLOADS.values():
        outputs = [
            display(text_html=payload),
            display(image_svg_xml=payload),
            display(text_markdown=f"x\n\n{payload}\n\n[link](javascript:{RUN})"),
            display(text_latex=f"$x$ {payload}"),
            display(text_plain=payload),
            display(application_javascript=RUN),
            display(image_png=f'{PIXEL}">{payload}'),
            display({"image/png": {"width": f'1">{payload}'}}, image_png=PIXEL),
            v4.new_output("stream", text=payload),
            v4.new_output("error", ename=payload, evalue=payload, traceback=[payload]),
            v4.new_output("execute_result", data={"text/html": payload}, execution_count=1),
        ]
        nb.cells += [
            v4.new_code_cell(payload, outputs=outputs),
            v4.new_markdown_cell(f"{payload} `{payload}`\n\n[link](javascript:{RUN})\n\n{payload}"),
            v4.new_raw_cell(payload),
            v4.new_markdown_cell(f"![](attachment:x.png) {payload}"),
        ]
    return nb


def cleaned(nb: NotebookNode) -> NotebookNode:
    nb, _ = SafePages().preprocess(nb, ResourcesDict())
    return nb


class TestOutputs:
    @pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
    def test_html_loses_what_runs(self, payload: str) -> None:
        clean = clean_html(f"<p>before</p>{payload}")
        assert clean.startswith("<p>before</p>")
        assert "document" not in clean.replace("&lt;", "").replace("\u200b", "") or "<" not in (
            clean.removeprefix("<p>before</p>")
        )
        assert "onerror" not in clean or "&quot;" in clean or "&lt;" in clean

    def test_tables_and_text_stay(self) -> None:
        table = (
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
        )
        assert clean_html(table) == table

    @pytest.mark.parametrize(
        "link",
        [
            "javascript:x",
            "JaVaScRiPt:x",
            " javascript:x",
            "data:text/html,x",
            "vbscript:x",
            "file:/x",
        ],
    )
    def test_links_that_run_lose_their_target(self, link: str) -> None:
        assert "href" not in clean_html(f'<a href="{link}">x</a>')

    def test_ordinary_links_stay(self) -> None:
        assert 'href="https://pytorch.org/"' in clean_html('<a href="https://pytorch.org/">x</a>')

    def test_figures_stay(self) -> None:
        output = clean_output(display(image_png=PIXEL, text_plain="<Figure>"))
        assert output is not None
        assert output.data == {"image/png": PIXEL, "text/plain": "<Figure>"}

    def test_svg_becomes_an_image(self) -> None:
        output = clean_output(display(image_svg_xml="<svg/>"))
        assert output is not None
        assert output.data["text/html"].startswith('<img alt="" src="data:image/svg+xml;base64,')

    def test_image_that_is_none_is_left_out(self) -> None:
        assert clean_output(display(image_png='"><script>')) is None

    def test_sizes_of_pictures_are_left_out(self) -> None:
        output = clean_output(display({"image/png": {"width": '1">'}}, image_png=PIXEL))
        assert output is not None
        assert output.metadata == {}


class TestMarkdown:
    @pytest.mark.parametrize("text", ["1 < 2", "$a < b$", "**bold**", "[x](https://pytorch.org)"])
    def test_ordinary_text_is_as_it_was(self, text: str) -> None:
        assert harmless_markdown(text) == text

    def test_attachment_that_is_not_there_breaks_no_page(self) -> None:
        cell = v4.new_markdown_cell("![](attachment:a.png) ![](attachment:b.png)")
        cell["attachments"] = {"a.png": {"image/png": PIXEL}}
        nb = cleaned(v4.new_notebook(cells=[cell]))
        page, _ = HTMLExporter().from_notebook_node(nb)
        assert f"data:image/png;base64,{PIXEL}" in page

    def test_verdicts_and_given_cells_are_left_alone(self) -> None:
        verdict = display(text_html="<p style='color: red'>verdict</p>")
        marks = {"grade_id": "test_normal_std", "grade": True, "solution": False, "locked": True}
        stored = {
            **dict.fromkeys(("criterion", "finding", "mistake", "explanation", "hint"), ""),
            **{"outcome": "correct", "passed": True},
        }
        marked = {"nbgrader": marks, stored_verdicts.KEY: stored}
        cell = v4.new_code_cell("", outputs=[verdict], metadata=marked)
        assert cleaned(v4.new_notebook(cells=[cell])).cells[0].outputs == [verdict]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
class TestInBrowser:
    @staticmethod
    def after_loading(nb: NotebookNode, template: str, folder: Path) -> str:
        """Return the page's document after its scripts, if any, have run."""
        page, _ = HTMLExporter(template_name=template).from_notebook_node(nb)
        return TestInBrowser.opened(page, folder)

    @staticmethod
    def opened(page: str, folder: Path) -> str:
        path = folder / "page.html"
        path.write_text(page, encoding="utf-8")
        command = [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--virtual-time-budget=4000", f"--user-data-dir={folder / 'profile'}"),
        ]
        done = subprocess.run(
            [*command, path.as_uri()], capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    @pytest.mark.parametrize("template", ["lab", "classic"])
    def test_no_payload_runs(self, template: str, tmp_path: Path) -> None:
        document = self.after_loading(cleaned(hostile_notebook()), template, tmp_path)
        assert "data-ran=" not in document[: document.index("<body")]
        assert f"data:image/png;base64,{PIXEL}" in document

    def test_feedback_page_is_safe_even_of_what_was_not_cleaned(self, tmp_path: Path) -> None:
        nb = hostile_notebook()
        for number, cell in enumerate(nb.cells):
            cell["id"] = f"own-{number}"  # as `restore` names what a student added
        page = feedback_page(nb, {}, comments={})
        policy = re.search(r'<meta[^>]*"Content-Security-Policy"[^>]*>', page)
        assert policy is not None
        document = self.opened(page.replace(policy[0], ""), tmp_path)
        assert "data-ran=" not in document[: document.index("<body")]
        assert f"data:image/png;base64,{PIXEL}" in document

    def test_payloads_do_run_where_they_are_not_cleaned(self, tmp_path: Path) -> None:
        nb = hostile_notebook()
        nb.cells = [cell for cell in nb.cells if "attachment:" not in cell.source]
        document = self.after_loading(nb, "lab", tmp_path)
        assert 'data-ran="1"' in document[: document.index("<body")]
