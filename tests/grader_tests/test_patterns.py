"""Tests that no text of a student's keeps the grader: a megabyte of each of many patterns.

What parses such a text takes time in proportion to it, or reaches a limit; never more than that.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grading.feedback import exporter as feedback_exporter
from grading.feedback import safe_pages
from grading.feedback.cuts import PAGE, TEXT
from grading.feedback.harmless_text import harmless_markdown
from grading.feedback.limited_work import WorkLimits, work_through
from grading.feedback.rendering import outputs, sentence
from grading.feedback.safe_pages import WHOLE_SOURCE, SafePages
from grading.intake.submitted_notebook import read_notebook
from grading.judging.reasons import without_cell_number
from grading.recording.answers import is_unanswered
from grading.reports.student_code import first_function
from grading.submission import Message, remark
from grading.words import say
from tests.feedback_pages import automatic_grades, feedback_page, graded_notebook

SIZE = 1_000_000
# Processor time that a step may take for a megabyte, on a machine that is loaded.
SECONDS = 20

PATTERNS = {
    **{"tags": "<div>", "lists": "- ", "numbers": "1. ", "quotes": ">", "quotes apart": "> "},
    **{"emphasis": "*a_ ", "strong": "**a", "stars": "*", "underscores": "_a", "strike": "~~a "},
    **{"backticks": "`", "backticks apart": "` ``", "fences": "```\n", "tildes": "~~~"},
    **{"brackets": "[", "links": "[a](", "images": "![", "autolinks": "<http://a"},
    **{"addresses": "http://a.b ", "domains": "www.a.", "footnotes": "[^a]"},
    **{"dollars": "$", "formulas": "$a", "blocks": "$$a", "fractions": "$\\frac{"},
    **{"environments": "\\begin{a}", "ends": "\\end{a}", "backslashes": "\\\\"},
    **{
        "display": "\\\\[",
        "inline": "\\\\(",
        "hrefs": "\\href {",
        "hrefs apart": "\\href" + " " * 99,
    },
    **{"tables": "|a|b|\n|-|-|\n", "bars": "|", "line ends": "\n", "spaces": " ", "tabs": "\t"},
    **{"returns": "\r", "progress": "abc\r", "colors": "\x1b[31m", "half colors": "\x1b[1;"},
    **{"entities": "&amp;", "ampersands": "&", "comments": "<!--", "paths": "/a", "list": "1.25, "},
    **{"packages": "/a/site-packages", "setext": "a\n-\n", "bold": "<b>", "ends of tags": "</"},
    **{"attachments": "![](attachment:a)", "data": "![](data:image/png;base64,AA)"},
    **{"combining": "a\u0301\u0302", "foreign": "<svg><math>", "cells": "<table><tr><td>"},
    **{"headings": "# ", "scripts": "<script>", "braces": "{", "instructions": "<?a"},
    **{"cdata": "<![CDATA[", "words": "data   ", "mixed": "([{", "apostrophes": "'"},
    **{"texts": '"""\n', "decorators": "@a\n", "magics": "%a ", "helps": "a?", "rules": "---\n"},
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(1000)),
    "indented": "".join(" " * depth + "if 1:\n" for depth in range(1400)),
    "reference": "[a]: " + "x" * 50_000 + "\n\n" + "[a]" * 15_000,
    "reconstructed": "".join(f"<b x={n}>" for n in range(4000)) + "<p>" * 300_000,
    "brackets in brackets": "[" * 40_000 + "]" * 40_000 + "(" * 400_000,
}

# Those that took a parser minutes or gigabytes, and of every other kind one.
WORST = ["tags", "reconstructed", "strong", "brackets", "line ends", "blocks"]
# One that the whole page's limit ends, and one that the limit of a text does: these wait for the
# course's own limits. The others walk the same paths, and a shorter wait leads there as well.
AT_REAL_LIMITS = ["tags", "brackets"]
# These reach the page's limits as well, and take minutes together.
MORE_OF_THEM = [
    *("cells", "links", "reference", "environments", "tables", "paths", "list", "texts", "helps"),
    "attachments",
]


def text_of(pattern: str) -> str:
    return (pattern * (SIZE // len(pattern) + 1))[:SIZE]


def notebook_of(text: str) -> NotebookNode:
    """A graded notebook with a text wherever a student can put one, before SafePages."""
    nb = graded_notebook({"weights_init_normal": text, "reflection_choice": text}, {})
    shown = [
        v4.new_output("display_data", data={kind: text})
        for kind in ("text/html", "text/markdown", "text/latex", "text/plain")
    ]
    printed = [
        v4.new_output("stream", text=text),
        v4.new_output("error", ename=text, evalue=text, traceback=[text]),
    ]
    nb.cells += [
        v4.new_code_cell(text, id="own-1", outputs=shown + printed),
        v4.new_markdown_cell(text, id="own-2"),
        v4.new_raw_cell(text, id="own-3"),
    ]
    return nb


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that work takes in this process; children have limits."""
    began = time.process_time()
    work()
    return time.process_time() - began


CUT_OFF = say("en", "feedback.cut_off")
STEPS: dict[str, Callable[[str], object]] = {
    "harmless_markdown": harmless_markdown,
    "printed": lambda text: list(
        outputs(v4.new_code_cell("", outputs=[v4.new_output("stream", text=text)]), "")
    ),
    "failed": lambda text: list(
        outputs(
            v4.new_code_cell("", outputs=[v4.new_output("error", evalue=text, traceback=[text])]),
            "",
        )
    ),
    "sentence": sentence,
    "error": without_cell_number,
    "unanswered": lambda text: is_unanswered(v4.new_markdown_cell(text)),
    "function": first_function,
    "remark": lambda text: Message.from_json(
        remark("several_notebooks", name=text, names=text).to_json()
    ).said("zh"),
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
def test_steps_without_a_limit_take_time_in_proportion(pattern: str) -> None:
    text = text_of(pattern)
    took = {name: seconds(partial(step, text)) for name, step in STEPS.items()}
    assert max(took.values()) < SECONDS / 4, took


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [*WORST, *(pytest.param(name, marks=pytest.mark.site) for name in MORE_OF_THEM)]
)
def test_recording_and_page_end_and_say_what_they_leave_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name not in AT_REAL_LIMITS:
        monkeypatch.setattr(safe_pages, "_LIMITS", WorkLimits(seconds=1, all_seconds=3))
        monkeypatch.setattr(feedback_exporter, "_LIMITS", WorkLimits(seconds=3, all_seconds=6))
    text = text_of(PATTERNS[name])
    nb = notebook_of(text)
    grades = automatic_grades(nb)
    assert seconds(lambda: SafePages().preprocess(nb, ResourcesDict())) < SECONDS
    assert nb.cells[-3].metadata[WHOLE_SOURCE] == text
    assert sum(len(cell.source) for cell in nb.cells) < 2 * PAGE
    page = feedback_page(nb, grades)
    assert any(
        said in page
        for said in (CUT_OFF, say("en", "feedback.as_typed"), "could not be made in full")
    )
    assert "Standard deviation: 1/√n" in page
    assert len(page) < 100 * TEXT


def test_printed_weights_keep_nobody() -> None:
    """A line of 4.5 million characters, as `print(model.fc1.weight.tolist())` writes it."""
    line = str([0.012345678 * (number % 7) for number in range(260_000)])
    cell = v4.new_code_cell("print(...)", id="own-1")
    cell.outputs = [v4.new_output("stream", text=line)]
    nb = graded_notebook({}, {})
    nb.cells.append(cell)
    # Also where the notebook was graded before pages were cut.
    page = feedback_page(nb, automatic_grades(nb))
    assert line[:TEXT] in page
    assert line[: TEXT + 1000] not in page
    assert CUT_OFF in page
    assert "could not be made in full" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_that_takes_too_long_has_points_and_verdicts(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def work(
        function: Callable[[NotebookNode], str], pieces: list[NotebookNode], _: WorkLimits
    ) -> list[str | None]:
        tries.append(pieces)
        return [None] if len(tries) == 1 else work_through(function, pieces)

    nb = graded_notebook({"weights_init_normal": "my own code"}, {}, language)
    nb.cells.append(v4.new_markdown_cell("my own text", id="own-1"))
    monkeypatch.setattr(feedback_exporter, "work_through", work)
    page = feedback_page(nb, automatic_grades(nb), language)
    assert len(tries) == 2
    assert "my own" not in page
    assert {"en": "0 of 26 points", "zh": "满分 26 分"}[language] in page
    said = {"en": "This page could not be made in full", "zh": "这一页无法完整生成"}
    assert page.count(said[language]) >= 2


def test_a_notebook_of_a_megabyte_of_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weight_initialization.ipynb"
    for name, pattern in PATTERNS.items():
        cells = [v4.new_markdown_cell(text_of(pattern)), v4.new_code_cell(text_of(pattern))]
        path.write_text(json.dumps(v4.new_notebook(cells=cells)))
        assert seconds(lambda: read_notebook(path)) < SECONDS / 4, name
