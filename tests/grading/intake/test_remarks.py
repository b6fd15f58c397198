"""Tests that remarks on a submission reach a student in the assignment's language."""

import json
from pathlib import Path

import pytest
from nbformat import NotebookNode, v4

from grading.intake.remarks import ShowRemarks
from grading.judging.judge import Judge
from grading.submission import Message, Remarks, Submission, remark
from grading.words import LANGUAGES, words
from tests.steps import EDITIONS, SETTINGS, resources_of, resources_with

VALUES = {
    "cell": remark("cell", name="test_normal_std"), "name": "a (1).ipynb", "names": "a, b",
    "count": 3, "size": "9", "most": "5", "encoding": "UTF-16", "version": 3,
    "error": "It stopped.\nWhy?",
}  # fmt: skip


@pytest.mark.parametrize("key", words("en")["remarks"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_remark_travels_and_is_said(key: str, language: str) -> None:
    message = remark(key, **VALUES)
    travelled = Message.from_json(json.loads(json.dumps(message.to_json())))
    assert travelled == message
    said = travelled.said(language)
    assert "{" not in said
    cell = {"en": "The cell test_normal_std", "zh": "单元格 test_normal_std"}[language]
    assert (cell in said) == ("{cell}" in words(language)["remarks"][key])


def test_what_a_name_holds_steers_no_terminal() -> None:
    assert str(remark("link", name="a\x1b[2J\u202eb\ud800")) == (
        "a[2J\\u202eb? is a link, not a file."
    )


def test_a_brace_in_a_name_is_no_placeholder() -> None:
    assert str(remark("link", name="{size}")) == "{size} is a link, not a file."


def test_remarks_are_read_as_they_were_written() -> None:
    nb = v4.new_notebook()
    remarks = Remarks((remark("order"),), remark("damaged", name="x.ipynb"), "d", "w")
    remarks.write(nb)
    assert Remarks.read(json.loads(json.dumps(nb), object_hook=NotebookNode)) == remarks
    Remarks.forget(nb)
    assert Remarks.read(nb) == Remarks()


def test_graded_notebook_shows_them_in_its_language(tmp_path: Path) -> None:
    nb = v4.new_notebook()
    (tmp_path / "language.txt").write_text("zh\n", encoding="utf-8")
    resources = resources_with({"metadata": {"path": str(tmp_path)}})
    unreadable = remark("damaged", name="x.ipynb")
    Submission.of(resources).remarks = Remarks((remark("order"),), unreadable)
    nb, resources = ShowRemarks().preprocess(nb, resources)
    text = nb.cells[0].source
    assert text.startswith("**关于这份提交的说明**")
    assert "    x.ipynb 已损坏" in text


def test_verdict_on_what_cannot_be_read_is_in_the_language() -> None:
    marks = {"grade": True, "grade_id": "test_normal_std", "locked": True, "points": 4}
    cell = v4.new_code_cell("", metadata={"nbgrader": {**marks, "solution": False}})
    resources = resources_of(EDITIONS[1])
    unreadable = remark("damaged", name="x.ipynb")
    Submission.of(resources).remarks = Remarks(unreadable=unreadable)
    Judge(config=SETTINGS).preprocess(v4.new_notebook(cells=[cell]), resources)
    verdict = Submission.of(resources).verdicts["test_normal_std"]
    assert verdict.finding == unreadable.said("zh")
