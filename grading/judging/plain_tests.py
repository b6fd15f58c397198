"""Sees to it that a test which nbgrader scores by itself has points only where it ran to its end.

nbgrader gives full marks to a test cell whose outputs show no error, and a test that never ran
shows none. What the kernel replied on the cell tells the two apart, and tells a failed test whose
error was kept from being shown.
"""

import ast
from math import isfinite

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution

from grading.intake.python_code import statements
from grading.judging.reasons import why_cut_short
from grading.submission import Submission
from grading.words import say


def is_automatic_test(cell: NotebookNode) -> bool:
    """Tell whether nbgrader scores a cell by its outputs."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def settle(submission: Submission, cell: NotebookNode, index: int, language: str) -> str | None:
    """Leave such outputs in a test's cell as give it what it deserves.

    A test that ran without an error keeps nbgrader's rules: full marks, or the number from 0 to its
    points that its last line gives. But a warning is no failure, whatever stream it came on. Every
    other test has an error among its outputs, and 0 points.

    Args:
        submission: which has been run.
        cell: a test of it (`is_automatic_test`), changed in place.
        index: its place in the notebook.
        language: of what the student reads.

    Returns:
        What a person should look at, if there is anything.
    """
    name = cell.metadata.nbgrader["grade_id"]
    status = submission.run.statuses.get(index) if submission.run else None
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    if status == "ok":
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        points = float(cell.metadata.nbgrader["points"])
        # What student code displays comes before the test's own result.
        part = _number(results[-1]) if results and _ends_in_value(cell.source) else None
        _only_show(results if part is None else results[:-1])
        if part is None or (isfinite(part) and 0 <= part <= points):
            return None
        _only_show(results)
        _add_error(cell, say(language, "judge.no_score", found=f"{part:g}", points=points))
        return f"The test {name} gave {part:g} of {points:g} points."
    _only_show(results)
    reason = why_cut_short(submission, index, status is not None, language)
    if reason is None and status is not None:
        if not any(output.output_type == "error" for output in cell.outputs):
            _add_error(cell, say(language, "judge.hidden_error"))
        return None
    _add_error(cell, reason or say(language, "judge.not_run"))
    return None if reason else f"The test {name} did not run."


def _ends_in_value(source: str) -> bool:
    """Tell whether the last line of a test can have a value that is shown."""
    parsed = statements(source)
    if parsed is None:
        # IPython knows more than Python's grammar: `!ls`, `%time`.
        return True
    return bool(parsed) and isinstance(parsed[-1], ast.Expr)


def _number(output: NotebookNode) -> float | None:
    """Return the number that a result is, as nbgrader reads it; None where it is something else."""
    text = output.data.get("text/plain", "")
    try:
        return float("".join(text) if isinstance(text, list) else text)
    except (TypeError, ValueError):
        return None


def _only_show(results: list[NotebookNode]) -> None:
    """Let nbgrader take no score from results."""
    for output in results:
        output.output_type = "display_data"
        output.pop("execution_count", None)


def _add_error(cell: NotebookNode, sentence: str) -> None:
    error = new_output("error", ename="TestFailed", evalue=sentence, traceback=[sentence])
    cell.outputs.append(error)
