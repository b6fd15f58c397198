"""Adds the most common mistakes to the instructor's notebook, so that their runs are recorded too.

Students who make the same mistake draw the same weights under the lesson's seeds, and so train the
same network. Which mistakes are common is known from public copies of the exercise.
"""

import copy

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

EXERCISE = "weights_init_normal"
_COMPARISON = "compare_rules"

_FUNCTION = """\
def weights_init_normal(m):
    if isinstance(m, nn.Linear):
        n = m.in_features
        y = 1 / np.sqrt(n)
        {weight}
        {bias}
"""
_WEIGHT = "nn.init.normal_(m.weight, mean=0.0, std=y)"
_BIAS = "nn.init.zeros_(m.bias)"

# What stands in place of the right lines for the weights and for the bias.
MISTAKES = {
    "the default bias kept": (_WEIGHT, "pass"),
    "the bias drawn too": (_WEIGHT, "nn.init.normal_(m.bias, mean=0.0, std=y)"),
    "the variance taken for the deviation": ("m.weight.data.normal_(0, 1 / n)", _BIAS),
    "no scaling": ("m.weight.data.normal_(0, 1)", _BIAS),
    "low and high": ("m.weight.data.normal_(-y, y)", _BIAS),
    "uniform": ("m.weight.data.uniform_(-y, y)", _BIAS),
    "uniform and positive": ("m.weight.data.uniform_(0, y)", _BIAS),
    "outputs for inputs": ("m.weight.data.normal_(0, 1 / np.sqrt(m.out_features))", _BIAS),
}
"""What the mistake is, to the lines that make it."""


def function_with(mistake: str) -> str:
    """Return the source of the exercise's function with one of the `MISTAKES`."""
    weight, bias = MISTAKES[mistake]
    return _FUNCTION.format(weight=weight, bias=bias)


def with_common_mistakes(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with the exercise's comparison once more for each mistake.

    A notebook that has no such comparison is returned as it is.
    """
    notebook = copy.deepcopy(notebook)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    if not {EXERCISE, _COMPARISON} <= set(cells):
        return notebook
    place = notebook.cells.index(cells[_COMPARISON]) + 1
    right, comparison = cells[EXERCISE].source, cells[_COMPARISON].source
    added = [source for mistake in MISTAKES for source in (function_with(mistake), comparison)]
    # No cells of nbgrader's: a grade id may stand in a notebook once. The cells after them see
    # the right function, as they do without the mistakes.
    notebook.cells[place:place] = [new_code_cell(source) for source in (*added, right)]
    return notebook
