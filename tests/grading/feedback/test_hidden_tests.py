"""Tests that no line of a hidden test stands on a page, however an output tells it."""

import pytest
from nbformat import from_dict, v4
from nbformat.notebooknode import NotebookNode

from grading.feedback.hidden_tests import hidden_lines, hide
from tests.other_assignments import checked

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
SECRET = "assert answer(7) == 49"
NOTICE = "(not shown)"


def _test_cell(hidden: str, begin: str = BEGIN, end: str = END) -> NotebookNode:
    cell = v4.new_code_cell(f"assert answer(1) == 1\n{begin}\n{hidden}\n{end}")
    cell.metadata = from_dict(checked("test_answer", "", 1)["metadata"])
    return cell


LINES = hidden_lines([_test_cell(f"    {SECRET}\nelse:\n)")], BEGIN, END)


def test_lines_are_those_between_the_marks_and_the_marks() -> None:
    assert {BEGIN, SECRET, "else:", END} == LINES


def test_marks_are_the_settings() -> None:
    assert SECRET in hidden_lines(
        [_test_cell(SECRET, "# VERDECKT", "# ENDE")], "# VERDECKT", "# ENDE"
    )


def test_a_students_cell_hides_nothing() -> None:
    own = v4.new_code_cell(f"{BEGIN}\nprint('mine')\n{END}")
    assert not hidden_lines([own], BEGIN, END)


@pytest.mark.parametrize(
    "told",
    [
        SECRET,
        f"----> 3 {SECRET}",
        "\x1b[32m----> 3\x1b[39m \x1b[38;5;28massert\x1b[39m answer(\x1b[32m7\x1b[39m) == 49",
        "assert   answer(7)\n   == 49",
        f"before {SECRET} after",
    ],
)
def test_no_text_tells_it(told: str) -> None:
    outputs = [
        v4.new_output("stream", name="stdout", text=f"mine\n{told}\nmine too"),
        v4.new_output("display_data", data={"text/plain": told, "text/html": f"<p>{told}</p>"}),
        v4.new_output("error", ename="AssertionError", evalue=told, traceback=["Frame", told]),
    ]
    for output in outputs:
        hide(output, LINES, NOTICE)
        assert "49" not in str(output)
        assert NOTICE in str(output)


def test_what_is_no_hidden_line_stays() -> None:
    output = v4.new_output("stream", name="stdout", text="else: nothing\nassert answer(7)\n")
    hide(output, LINES, NOTICE)
    assert output.text == "else: nothing\nassert answer(7)\n"
    error = v4.new_output("error", ename="KeyError", evalue="7", traceback=["a = b", "KeyError: 7"])
    hide(error, LINES, NOTICE)
    assert (error.evalue, error.traceback) == ("7", ["a = b", "KeyError: 7"])


def test_html_is_read_as_a_person_reads_it() -> None:
    lines = hidden_lines([_test_cell("assert 1 < answer(7) < 50")], BEGIN, END)
    told = "<pre><b>assert</b> 1 &lt; answer(<i>7</i>) &lt; 50</pre>"
    output = v4.new_output("display_data", data={"text/html": told})
    hide(output, lines, NOTICE)
    assert output.data["text/html"] == NOTICE
