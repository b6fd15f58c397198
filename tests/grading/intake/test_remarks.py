"""Tests that remarks on a submission reach a student in the assignment's language."""

import re
from pathlib import Path

import pytest
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import v4

from grading.intake.remarks import Remarks, ShowRemarks, write_remarks
from grading.judging.judge import Judge
from grading.running.execute import EXECUTION
from grading.words import remark_words
from grading.words.remark_words import in_language, remark

VALUES = {
    "cell": "The cell test_normal_std", "name": "a (1).ipynb", "names": "a, b", "count": "3",
    "size": "9", "most": "5", "encoding": "UTF-16", "version": "3", "error": "It stopped. Why?",
}  # fmt: skip


@pytest.mark.parametrize("key", remark_words._TEMPLATES)
def test_every_remark_is_recognized_and_translated(key: str) -> None:
    english, chinese = remark_words._TEMPLATES[key]
    assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese))
    said = remark(key, **VALUES)
    expected = chinese.format(**{**VALUES, "cell": "单元格 test_normal_std "})
    assert in_language(said, "zh") == expected
    assert in_language(said, "en") == said


def test_other_sentences_stay_as_they_are() -> None:
    assert in_language("A limit struck: memory.", "zh") == "A limit struck: memory."


def test_graded_notebook_shows_them_in_its_language(tmp_path: Path) -> None:
    nb = v4.new_notebook()
    write_remarks(nb, Remarks((remark("order"),), remark("damaged", name="x.ipynb")))
    (tmp_path / "language.txt").write_text("zh\n", encoding="utf-8")
    resources = ResourcesDict()
    resources["metadata"] = {"path": str(tmp_path)}
    nb, resources = ShowRemarks().preprocess(nb, resources)
    text = nb.cells[0].source
    assert text.startswith("**关于这份提交的说明**")
    assert "    x.ipynb 已损坏" in text
    assert resources["remarks"].repairs == (remark("order"),), "the log's is English"


def test_verdict_on_what_cannot_be_read_is_in_the_language() -> None:
    marks = {"grade": True, "grade_id": "test_normal_std", "locked": True, "points": 4}
    cell = v4.new_code_cell("", metadata={"nbgrader": {**marks, "solution": False}})
    resources = ResourcesDict()
    resources["nbgrader"] = {"assignment": "weight_initialization_zh"}
    unreadable = remark("damaged", name="x.ipynb")
    resources[EXECUTION] = {"died": None, "unreadable": unreadable}
    _, resources = Judge().preprocess(v4.new_notebook(cells=[cell]), resources)
    assert resources["verdicts"]["test_normal_std"].finding == in_language(unreadable, "zh")
