"""Tests that every step outside the sandbox takes time in proportion to what a student wrote.

Each step is given a megabyte of every pattern. What takes longer than a moment is given half of it
too: a step in proportion takes half the time then, one that grows with the square a quarter. What
parses in a child process under a limit of its own is in `test_limited_work` and `test_patterns`.
"""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grading.assignment import Assignments
from grading.course.names import listed, readable, shown, steers
from grading.feedback import harmless_text
from grading.feedback.cuts import Allowance, shown_outputs
from grading.feedback.hidden_tests import hide
from grading.feedback.parts import titles
from grading.feedback.preprocessors import EmbedFigures, HideInstructorsParts
from grading.feedback.rubrics import rubrics
from grading.feedback.safe_pages import SafePages
from grading.feedback.sections import headings, sections
from grading.intake.python_code import statements
from grading.intake.restore import is_untouched, restore
from grading.intake.submitted_notebook import UnreadableSubmission, read_notebook
from grading.judging import plain_tests
from grading.judging.judge import Judge, verdict_outputs
from grading.recording import audit
from grading.reports.exporters.table import safe_text
from grading.submission import Remarks, Run, Submission, remark
from grading.summary import Summary
from tests.feedback_pages import graded_notebook
from tests.grader_tests.test_patterns import PATTERNS as TEXTS
from tests.grader_tests.test_patterns import seconds
from tests.scratch_course import ASSIGNMENT, COURSE_ROOT
from tests.steps import EDITIONS, SETTINGS, resources_of

SIZE = 1_000_000
# Processor seconds that are a moment: what takes no longer need not be measured again.
MOMENT = 0.5
# At most so many times as long for twice as much; a square takes four times.
GROWTH = 3

MORE = {
    **{"carets": "^", "percent": "%", "colons": ":", "semicolons": ";", "equals": "="},
    **{"dots": ".", "sums": "1+", "minus": "-", "not": "not ", "powers": "1**"},
    **{"comparisons": "a<", "nines": "9", "calls": "f(", "lambdas": "lambda:"},
    **{"indices": "a[0", "dictionaries": "{1:", "sets": "({", "assignments": "a="},
    **{"annotated": "a:b=", "stars": "*a,", "walrus": "(a:=", "await": "await "},
    **{"f-strings": "f'{", "f-strings in f-strings": "f\"{f'{", "quotes in turn": "'\""},
    **{"raw": "rb'", "definitions": "def f():\n", "classes": "class A:\n", "tries": "try:\n"},
    **{"ifs": "if 1:\n ", "elses": "1 if 1 else ", "comprehensions": "[a for a in "},
    **{"imports": "import a,", "at": "@", "names": "x", "wide names": "\uff58"},
    **{"long ligatures": "\ufdfa", "marks": "\u0301", "bidi": "\u202e"},
    **{"emoji": "\U0001f469\u200d", "nulls": "\x00", "escapes": "\x1b", "next lines": "\x85"},
    **{"line separators": "\u2028", "form feeds": "\x0c", "halves": "\ud800"},
    **{"base64": "QUJD", "marks of tests": "### BEGIN HIDDEN TESTS\n"},
    **{"ends of tests": "### END HIDDEN TESTS\n", "schemes": "### BEGIN MARK SCHEME\n"},
    **{"italics": "*a*\n", "headed": "# a\n```\n", "commands": "\\href"},
    **{"pictures": "![a](x.png", "own pictures": "![a](a/", "words": "![a "},
    **{"figures": "](figures/a", "img": "<img src='", "entities": "&#0000"},
    **{"schemed": "script   ", "within": "![a](data:image/png;base64,A"},
    **{"attached": "![a](attachment:", "angled": "<http://", "blank entities": "&"},
    **{"diagrams": "```mermaid ", "tildes": "~~~mermaid", "formulae": ";="},
    **{"cells": "(1.py, line ", "paths": "/a/b:", "objects": '{"a":', "lists": "["},
    **{"texts": '"', "escaped": "\\", "units": "\\u0000", "stub": "Write your answer here."},
    **{"comments": "<!-- -->"},
}
PATTERNS = {**TEXTS, **{f"more {name}": pattern for name, pattern in MORE.items()}}


def text_of(pattern: str, size: int = SIZE) -> str:
    return (pattern * (size // len(pattern) + 1))[:size]


def cells_of(text: str) -> list[NotebookNode]:
    """A text as an exercise, as an answer, as cells of one's own, and line by line."""
    return [
        v4.new_code_cell(text, metadata={"nbgrader": {"grade_id": "weights_init_normal"}}),
        v4.new_markdown_cell(text, metadata={"nbgrader": {"grade_id": "reflection_choice"}}),
        v4.new_code_cell(text, metadata={"nbgrader": {"grade_id": "define_model"}}),
        *(v4.new_code_cell(text), v4.new_markdown_cell(text), v4.new_raw_cell(text)),
    ]


def output_of(kind: str, text: str) -> NotebookNode:
    if kind == "error":
        return v4.new_output("error", ename=text, evalue=text, traceback=[text, text])
    if kind == "stream":
        return v4.new_output("stream", text=text)
    return v4.new_output("execute_result", data={kind: text})


class Steps:
    """What is made once: the release, an observation, a graded notebook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = COURSE_ROOT / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        self.release = v4.upgrade(json_notebook(path))
        self.module = Assignments(config=SETTINGS).of(EDITIONS[0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SEED_VARIABLE, "20240311")
            self.observation = json.loads(
                json.dumps(observe(FUNCTION_CRITERIA[0], lambda module: module.no_such_name))
            )
        self.graded = graded_notebook({}, {})

    def read(self, text: str) -> None:
        path = self.folder / "read.ipynb"
        for content in (text, json.dumps({"nbformat": 4, "cells": [{"source": text}]})):
            path.write_bytes(content.encode("utf-8", "surrogatepass"))
            try:
                read_notebook(path)
            except UnreadableSubmission as error:
                error.message.said("zh")

    def read_nested(self, text: str) -> None:
        """Read JSON in which a text is written as it is: brackets, numbers, strings."""
        path = self.folder / "nested.ipynb"
        for before, after in (
            ('{"cells": [', "]}"),
            ('{"nbformat": ', "}"),
            ('{"cells": ["', '"]}'),
        ):
            path.write_bytes((before + text + after).encode("utf-8", "surrogatepass"))
            try:
                read_notebook(path)
            except UnreadableSubmission as error:
                str(error)

    def restore(self, text: str) -> None:
        restored, _ = restore(cells_of(text), self.release, {"default_model": "model_default"})
        is_untouched(restored, self.release)

    def judged(self, text: str) -> None:
        """Judge what a kernel reported with the text wherever a text can stand."""
        assert self.module is not None
        observation = with_texts(self.observation, text)
        verdict = self.module.judge(FUNCTION_CRITERIA[0], observation, "en", 20240311)
        verdict_outputs(verdict)

    def judge_outputs(self, text: str) -> None:
        nb = v4.new_notebook(cells=[cell.copy() for cell in self.release.cells])
        for cell in nb.cells:
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == "test_normal_std":
                cell.outputs = [output_of(kind, text) for kind in ("error", "stream", "text/html")]
        Judge(config=SETTINGS).preprocess(nb, resources_of())

    def plain_test(self, text: str) -> None:
        marks = {"grade_id": "t", "grade": True, "solution": False, "points": 1, "locked": True}
        outputs = [output_of(kind, text) for kind in ("stream", "error", "text/plain")]
        cell = v4.new_code_cell("1", outputs=outputs, metadata={"nbgrader": marks})
        run = Run(v4.new_notebook(cells=[cell]), statuses={0: "ok"})
        plain_tests.settle(Submission(run=run), cell, 0, "en")

    def page_parts(self, text: str) -> None:
        """Part a graded notebook into what its page is made of, without rendering it."""
        cells = [cell.copy() for cell in self.graded.cells]
        own = v4.new_markdown_cell(text, id="own-1")
        answer = next(i for i, c in enumerate(cells) if "reflection_choice" in str(c.metadata))
        cells[answer] = NotebookNode(cells[answer] | {"source": text})
        nb = v4.new_notebook(cells=[*cells, own, v4.new_code_cell(text, id="own-2")])
        sections(nb.cells)
        titles(nb.cells, self.module, "en")
        rubrics(nb)
        headings(text)

    def figures(self, text: str) -> None:
        nb = v4.new_notebook(cells=[v4.new_markdown_cell(text, id="own-1")])
        figures = EmbedFigures()
        figures.folder = str(COURSE_ROOT / "source/{assignment}")
        resources = ResourcesDict(nbgrader={"assignment": ASSIGNMENT})
        figures.preprocess(nb, resources)

    def hidden(self, text: str) -> None:
        lines = frozenset({"assert abs(std - expected) < bound", text[:50].strip() or "x = 1"})
        for kind in ("error", "stream", "text/plain", "text/html"):
            hide(output_of(kind, text), lines, "…")
        nb = v4.new_notebook(cells=[v4.new_code_cell(text), v4.new_markdown_cell(text)])
        HideInstructorsParts().preprocess(nb, ResourcesDict())

    def cut(self, text: str) -> None:
        kinds = ("stream", "error", "text/html", "image/png")
        shown_outputs([output_of(kind, text) for kind in kinds], Allowance("zh"))

    def remarks(self, text: str) -> None:
        told = remark("several_notebooks", name=text, names=text)
        nb = v4.new_notebook()
        Remarks((told,) * 3, told, "", "").write(nb)
        [message.said("zh") for message in Remarks.read(nb).for_a_person]
        readable(text), shown(text), steers(text), listed([Path(text.replace("\0", "x"))])

    def logged(self, text: str) -> None:
        path = self.folder / "log.jsonl"
        path.unlink(missing_ok=True)
        plain = readable(text)
        entry = {"student": plain, "assignment": "a", "notebook": "n", "scores": {plain: 1.0}}
        entry |= {"when": "", "remarks": [text.encode("utf-8", "replace").decode()]}
        audit.append(path, entry)
        audit.append(path, entry | {"scores": {plain: 2.0}})
        with redirect_stdout(io.StringIO()):
            assert audit.main(["--file", str(path)]) == 0

    def told(self, text: str) -> None:
        summary = Summary()
        summary.failed = {text: text}
        str(summary)
        safe_text(text)


def json_notebook(path: Path) -> NotebookNode:
    return NotebookNode(v4.reads(path.read_text(encoding="utf-8")))


def with_texts(value: Any, text: str) -> Any:
    """Return JSON with a text in place of each, but for names and types that are looked up."""
    if isinstance(value, dict):
        return {key: with_texts(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_texts(inner, text) for inner in value]
    return text if isinstance(value, str) else value


PURE: dict[str, Callable[[str], object]] = {
    "decoded": harmless_text.decoded,
    "harmless_markdown": harmless_text.harmless_markdown,
    "is_harmless": lambda text: harmless_text.is_harmless(f"<p>{text}</p>"),
    "harmless_formulas": harmless_text.harmless_formulas,
    "statements": statements,
}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    return Steps(tmp_path_factory.mktemp("steps"))


def all_steps(steps: Steps) -> dict[str, Callable[[str], object]]:
    own = {name: getattr(steps, name) for name in vars(Steps) if not name.startswith("_")}
    return PURE | own


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
def test_twice_as_much_takes_twice_as_long(steps: Steps, pattern: str) -> None:
    text = text_of(pattern)
    slow = {}
    for name, step in all_steps(steps).items():
        took = seconds(partial(step, text))
        if took > MOMENT:
            half = seconds(partial(step, text[: SIZE // 2]))
            if took > GROWTH * half + MOMENT:
                slow[name] = (half, took)
    assert not slow


OWN = v4.new_code_cell("x = 1")
MANY: dict[str, Callable[[int], NotebookNode]] = {
    "own": lambda number: v4.new_code_cell(f"x = {number}"),
    "texts": lambda number: v4.new_markdown_cell(f"![a]({number}.png) *b* http://a.b"),
    "alike": lambda number: OWN.copy(),
    "answers": lambda number: v4.new_markdown_cell(
        f"{number}", metadata={"nbgrader": {"grade_id": "reflection_choice"}}
    ),
    "functions": lambda number: v4.new_code_cell(
        f"def weights_init_normal(m): return {number}",
        metadata={"nbgrader": {"grade_id": "weights_init_normal"}},
    ),
    "given": lambda number: v4.new_code_cell(
        f"{number}", metadata={"nbgrader": {"grade_id": "define_model"}}
    ),
    "functions elsewhere": lambda number: v4.new_code_cell("def weights_init_normal(m): pass"),
}


@pytest.mark.parametrize("kind", MANY)
def test_twice_as_many_cells_take_twice_as_long(steps: Steps, kind: str, tmp_path: Path) -> None:
    def read(count: int) -> None:
        cells = [MANY[kind](number) for number in range(count)]
        path = tmp_path / f"{count}.ipynb"
        path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
        restored, _ = restore(read_notebook(path).cells, steps.release)
        SafePages().preprocess(restored, ResourcesDict())

    half, took = seconds(lambda: read(2000)), seconds(lambda: read(4000))
    assert took < GROWTH * half + MOMENT
