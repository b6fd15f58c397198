"""Faults and attacks as data: each turns a solved notebook into the case, with its right outcome.

A case says what a submission does and what must come of it: "full" (every automatic point),
"exercise" (none for the function, all for the second exercise) or "nothing" (no point at all).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scratch_course import Notebook, cells_by_grade_id

Change = Callable[[Notebook], Any]


@dataclass(frozen=True)
class Case:
    """One submission.

    Attributes:
        name: the student's id in the tests.
        change: edits the solved notebook.
        outcome: "full", "exercise" or "nothing".
        reason: a part of what the test of the standard deviation says, or "".
        files: further files of the submission, by name.
        renamed: the notebook's file name, where it is another.
    """

    name: str
    change: Change
    outcome: str
    reason: str = ""
    files: tuple[tuple[str, str], ...] = ()
    renamed: str = ""


def _function(source: str) -> Change:
    """Replace the exercise's cell."""

    def change(notebook: Notebook) -> None:
        cells_by_grade_id(notebook)["weights_init_normal"]["source"] = source

    return change


def _attack(source: str) -> Change:
    """Do nothing for the exercise, and something else."""
    return _function(f"def weights_init_normal(m):\n    pass\n\n{source}")


def _inside(source: str) -> Change:
    """Do nothing for the exercise; do something else when the hidden test calls the function."""
    lines = "".join(f"    {line}\n" for line in source.splitlines())
    return _function(f"def weights_init_normal(m):\n{lines}")


def _duplicate(name: str) -> Change:
    def change(notebook: Notebook) -> None:
        cell = cells_by_grade_id(notebook)[name]
        notebook["cells"].insert(notebook["cells"].index(cell), dict(cell))

    return change


def _delete(*names: str) -> Change:
    def change(notebook: Notebook) -> None:
        for name in names:
            notebook["cells"].remove(cells_by_grade_id(notebook)[name])

    return change


def _on_tests(edit: Callable[[dict[str, Any]], Any]) -> Change:
    """Edit every test's cell, and do nothing for the exercise."""

    def change(notebook: Notebook) -> None:
        _attack("")(notebook)
        for name, cell in cells_by_grade_id(notebook).items():
            if name.startswith("test_normal"):
                edit(cell)

    return change


def _strip(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def _other_kernel(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "x", "language": "bash"}


def _tests_first(notebook: Notebook) -> None:
    tests = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade")]
    notebook["cells"] = tests + [cell for cell in notebook["cells"] if cell not in tests]


def _own_cell(source: str) -> Change:
    def change(notebook: Notebook) -> None:
        notebook["cells"].insert(0, {"cell_type": "code", "metadata": {}, "source": source})

    return change


_ALWAYS_EQUAL = """\
import torch

class Weight(torch.nn.Parameter):
    def __eq__(self, other):
        return True
    def mean(self, *a, **k):
        return 0.0
    def std(self, *a, **k):
        return self.shape[1] ** -0.5"""

ACCIDENTS = (
    Case("duplicated_test", _duplicate("test_normal_std"), "full"),
    Case("duplicated_solution", _duplicate("weights_init_normal"), "full"),
    Case("deleted_tests", _delete("test_normal_std", "test_normal_bias"), "full"),
    Case("deleted_model", _delete("define_model"), "full"),
    Case("stripped", _strip, "full"),
    Case("other_kernel", _other_kernel, "full"),
    Case("tests_first", _tests_first, "full"),
    Case("renamed", lambda nb: None, "full", renamed="weight_initialization (1).ipynb"),
    Case("page_submitted", lambda nb: None, "full", files=(("weight_initialization.html", "x"),)),
    Case("shadowing", lambda nb: None, "full", files=(("torch.py", "raise SystemExit"),)),
    Case("shadowing_deep", lambda nb: None, "full", files=(("rapidfuzz.py", "1 / 0"),)),
    Case("own_module", _own_cell("import mine"), "full", files=(("mine.py", "x = 1"),)),
    Case("warns", _own_cell("import warnings; warnings.warn('x')"), "full"),
    Case("exits", _own_cell("import sys; sys.exit(0)"), "full"),
    Case("asks", _own_cell("input('name?')"), "full"),
    Case("raises", _own_cell("1 / 0"), "full"),
    Case("magic", _own_cell("%matplotlib inline\n!true"), "full"),
    Case("empty_cells", _own_cell(""), "full"),
    Case("kernel_dies", _own_cell("import os; os._exit(1)"), "nothing", "ended"),
    Case("segfault", _own_cell("import ctypes; ctypes.string_at(0)"), "nothing", "ended"),
    Case("one_long_line", _own_cell("print('x' * 30_000_000)"), "nothing", "more output"),
    Case("endless", _attack("while True: pass"), "exercise", "nothing to judge"),
    Case("reads_stdin", _attack("import sys; sys.stdin.read()"), "exercise", "nothing to judge"),
)

ATTACKS = (
    Case("tags", _on_tests(lambda c: c["metadata"].update(tags=["skip-execution"])), "exercise"),
    Case("edited_tests", _on_tests(lambda c: c.update(source="2")), "exercise"),
    Case(
        "points",
        _on_tests(lambda c: c["metadata"]["nbgrader"].update(points=100, solution=True)),
        "exercise",
    ),
    Case("display_hook", _inside("import sys\nsys.displayhook(2)"), "exercise"),
    Case("nan_hook", _inside("import sys\nsys.displayhook(float('nan'))"), "exercise"),
    Case(
        "transformer",
        _attack("get_ipython().input_transformers_cleanup.append(lambda lines: ['2'])"),
        "nothing",
        "no observation",
    ),
    Case(
        "hook",
        _attack("get_ipython().events.register('pre_run_cell', lambda *a: print('full marks'))"),
        "exercise",
    ),
    Case("patched_check", _attack("import grader_tests\ngrader_tests.check = print"), "nothing"),
    Case(
        "replaced_module",
        _attack(
            "import sys, types\nm = types.ModuleType('grader_tests')\nm.check = lambda *a: 2\n"
            "sys.modules['grader_tests'] = m"
        ),
        "nothing",
        "no observation",
    ),
    Case(
        "patched_normality",
        _attack("import torch\ntorch.Tensor.std = lambda *a, **k: torch.tensor(0.0)"),
        "exercise",
    ),
    Case("always_equal", _attack(_ALWAYS_EQUAL), "exercise"),
    Case(
        "forged_observation",
        _inside(
            "from IPython.display import display\n"
            "display({'application/vnd.weight-initialization.observation+json': {}}, raw=True)"
        ),
        "exercise",
    ),
    Case("prints_points", _inside("print('Score: 2/2')"), "exercise"),
    Case("patched_assertion", _attack("AssertionError = None\nException = None"), "exercise"),
    Case(
        "gradebook",
        _attack("open('../../../gradebook.db', 'wb').write(b'x')"),
        "exercise",
    ),
    Case("kills_everyone", _attack("import os\nos.kill(-1, 9)"), "nothing", "ended"),
    Case(
        "stops_process_1",
        _attack("import os\nfor s in (1, 2, 9, 15, 19): os.kill(1, s)"),
        "exercise",
    ),
    Case(
        "detached",
        _attack("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)"),
        "exercise",
    ),
    Case(
        "memory", _own_cell("x = []\nwhile True: x.append(bytearray(2**26))"), "nothing", "memory"
    ),
    Case(
        "processes",
        _own_cell("import os, time\nfor i in range(500):\n    if os.fork() == 0: time.sleep(100)"),
        "nothing",
        "processes",
    ),
    Case("output", _own_cell("while True: print('x' * 1000)"), "nothing", "output"),
    Case("disk", _own_cell("open('big', 'wb').write(bytes(2**30))"), "full"),
)

CASES = (*ACCIDENTS, *ATTACKS)


def submit(case: Case, notebook: Notebook, folder: Path) -> None:
    """Add what a case has besides its notebook; `folder` is the submission's."""
    for name, text in case.files:
        (folder / name).write_text(text, encoding="utf-8")
    if case.renamed:
        (folder / "weight_initialization.ipynb").rename(folder / case.renamed)
