"""Why a test has no result, in words: what the judge says where a kernel reported nothing."""

import ast
import re

from nbformat.notebooknode import NotebookNode

from grading.intake.python_code import statements
from grading.submission import Submission
from grading.words import say

_LONGEST_ERROR = 2000  # characters; whoever raises an array tells all that is in it


def without_cell_number(text: str) -> str:
    """Return an error without the number that Jupyter names a cell by, which tells nobody a thing.

    It stands there as a file: `(2264449222.py, line 11)`. A long error is cut.
    """
    if len(text) > _LONGEST_ERROR:
        text = f"{text[:_LONGEST_ERROR]} …"
    return re.sub(r"\(\d+\.py, line (\d+)\)", r"(line \1)", text)


def why_cut_short(submission: Submission, index: int, ran: bool, language: str) -> str | None:
    """Say why the run did not get past the test cell at `index`; None where it did.

    Args:
        submission: which has been run.
        index: the cell's place in the notebook.
        ran: whether the cell ran all the same.
        language: of what the student reads.
    """
    if submission.remarks.unreadable:
        return submission.remarks.unreadable.said(language)
    run = submission.run
    if run is None:
        return None
    if run.died is not None and index >= run.died:
        where = say(language, "judge.this_test" if index == run.died else "judge.earlier_cell")
        return say(language, "judge.died", where=where)
    # After a cell that took too long the kernel mostly goes on.
    cell = run.limit_cell
    if run.limit and cell is not None and (index == cell or (index > cell and not ran)):
        where = say(language, "judge.this_test" if index == cell else "judge.earlier_cell")
        limit = say(language, f"judge.{run.limit.replace(' ', '_')}")
        return say(language, "judge.limit", where=where, limit=limit)
    return None


def why_not_bound(source: str, error: NotebookNode, language: str) -> str | None:
    """Say that a name which a test misses is bound inside a class of the exercise's cell.

    Args:
        source: of the exercise's cell.
        error: the output of the test that stopped.
        language: of what the student reads.
    """
    missing = re.match(r"name '(\w+)' is not defined", error.evalue)
    if error.ename != "NameError" or missing is None:
        return None
    name = missing.group(1)
    for statement in statements(source) or []:
        if isinstance(statement, ast.ClassDef) and any(
            isinstance(inner, ast.FunctionDef) and inner.name == name for inner in statement.body
        ):
            within = statement.name
            return say(language, "judge.in_a_class", name=name, within=within)
    return None
