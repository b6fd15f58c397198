"""Why a test has no result, in words: what the judge says where a kernel reported nothing."""

import ast
import re

from nbformat.notebooknode import NotebookNode

from grading.intake.matching import binds
from grading.intake.python_code import statements
from grading.submission import Submission
from grading.words import say

# Of the lines that hand a cell to IPython, those after which its names are the notebook's.
_HANDED_ON = re.compile(r"\s*%%(?!(?:time|capture|prun)\b)")
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
    if run.broke is not None and index >= run.broke:
        where = say(language, "judge.this_test" if index == run.broke else "judge.earlier_cell")
        return say(language, "judge.broke", where=where)
    # After a cell that took too long the kernel mostly goes on.
    cell = run.limit_cell
    if run.limit and cell is not None and (index == cell or (index > cell and not ran)):
        where = say(language, "judge.this_test" if index == cell else "judge.earlier_cell")
        limit = say(language, f"judge.{run.limit.replace(' ', '_')}")
        return say(language, "judge.limit", where=where, limit=limit)
    return None


def what_is_odd(
    submission: Submission,
    nb: NotebookNode,
    index: int,
    solution: NotebookNode | None,
    reason: str,
    title: str,
) -> str | None:
    """Return what a person should look at where a criterion has no points for an odd reason.

    Args:
        submission: with the criterion's verdict.
        nb: the notebook.
        index: the test cell's place in it.
        solution: the exercise's cell, if there is one.
        reason: why the test reported nothing; "" where it reported.
        title: what whoever grades calls the criterion.
    """
    name = nb.cells[index].metadata.nbgrader["grade_id"]
    ran = nb.cells[index].get("execution_count") is not None
    if why_cut_short(submission, index, ran, "en"):
        # Flagged as a whole.
        return None
    if submission.verdicts[name].passed:
        return None
    errors = [o for o in solution.outputs if o.output_type == "error"] if solution else []
    for text in (reason, submission.verdicts[name].sentence, *(o.evalue for o in errors)):
        if lost := deleted_name(text, submission, nb, index):
            return f"{lost}, which an earlier cell had made, was gone when {title} ran."
    if not reason or errors:
        return None
    return (
        f"{title} reported nothing that can be judged, although the exercise's cell ran: {reason}"
    )


def deleted_name(text: str, submission: Submission, nb: NotebookNode, index: int) -> str | None:
    """Return the name that an error misses although a cell before `index` had bound it.

    Whoever restarts everything (`%reset`) or deletes names takes from the cells after what they
    need; that is not the same as a name that was never there.
    """
    missing = re.search(r"name '(\w+)' is not defined", text)
    if missing is None or submission.run is None:
        return None
    name = missing.group(1)
    imports = re.compile(rf"^\s*(?:import|from)\b.*\b{name}\b", re.MULTILINE)
    ran = [i for i, status in submission.run.statuses.items() if status == "ok" and i < index]
    sources = [nb.cells[i].source for i in ran]
    sources = [source for source in sources if not _HANDED_ON.match(source)]
    return name if any(imports.search(s) or binds(s, name) for s in sources) else None


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
