"""Faults and attacks as data: each turns a solved notebook into the case, with its right outcome.

A case says what a submission does and what must come of it: "full" (every automatic point),
"exercise" (none for the function, all for the second exercise) or "nothing" (no point at all).
"""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tests.scratch_course import (
    ASSIGNMENT,
    COURSE_ROOT,
    Notebook,
    ScratchCourse,
    cells_by_grade_id,
    solve,
)

POINTS = {"full": (12, 8), "exercise": (0, 8), "nothing": (0, 0)}
"""What an outcome is in points: for the function, and for the second exercise."""

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
        saved: turns the notebook into the bytes that are handed in, where that is not plain JSON.
        known: whether plain nbgrader was known to handle it badly before these cases were written.
    """

    name: str
    change: Change
    outcome: str
    reason: str = ""
    files: tuple[tuple[str, str], ...] = ()
    renamed: str = ""
    saved: Callable[[Notebook], bytes] | None = None
    known: bool = False


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


def _also(lines: str) -> Change:
    """Do something besides, at the end of the right function."""

    def change(notebook: Notebook) -> None:
        cells_by_grade_id(notebook)["weights_init_normal"]["source"] += f"\n{lines}"

    return change


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


def _turn_into(cell_type: str) -> Change:
    """Make the exercise's cell one of another type, as a slip of a key in command mode does."""

    def change(notebook: Notebook) -> None:
        cell = cells_by_grade_id(notebook)["weights_init_normal"]
        cell["cell_type"] = cell_type
        cell.pop("outputs", None)
        cell.pop("execution_count", None)

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


def _own_text(source: str) -> Change:
    def change(notebook: Notebook) -> None:
        notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": source})

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


def _json(notebook: Notebook) -> bytes:
    return json.dumps(notebook).encode()


def _old_format(notebook: Notebook) -> bytes:
    return nbformat.writes(nbformat.from_dict(notebook), version=3).encode()


def _without_ids(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["id"] = "the-same"


def _stale_outputs(notebook: Notebook) -> None:
    text = "full marks\n" * 100_000
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
            cell["execution_count"] = 7


def _swapped_tests(notebook: Notebook) -> None:
    """Let each test stand under the name of one that is worth more."""
    _attack("")(notebook)
    cells = cells_by_grade_id(notebook)
    first, second = cells["test_normal_layers"], cells["test_default_model"]
    first["metadata"], second["metadata"] = second["metadata"], first["metadata"]


def _test_of_ones_own(notebook: Notebook) -> None:
    """Put a cell that claims to be the test before the real one."""
    _attack("")(notebook)
    cell = cells_by_grade_id(notebook)["test_normal_std"]
    own = {**cell, "source": "4", "id": "mine"}
    notebook["cells"].insert(notebook["cells"].index(cell), own)


def _elsewhere(notebook: Notebook) -> None:
    """Leave the exercise's cell empty and write the function in one of ones own."""
    cell = cells_by_grade_id(notebook)["weights_init_normal"]
    own = {"cell_type": "code", "metadata": {}, "source": cell["source"]}
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, own)
    cell["source"] = ""


ACCIDENTS = (
    Case("duplicated_test", _duplicate("test_normal_std"), "full", known=True),
    Case("duplicated_solution", _duplicate("weights_init_normal"), "full", known=True),
    Case("deleted_tests", _delete("test_normal_std", "test_normal_bias"), "full", known=True),
    Case("deleted_model", _delete("define_model"), "full"),
    Case("stripped", _strip, "full", known=True),
    Case("other_kernel", _other_kernel, "full"),
    Case("tests_first", _tests_first, "full"),
    Case("renamed", lambda nb: None, "full", renamed="weight_initialization (1).ipynb", known=True),
    Case(
        "page_submitted",
        lambda nb: None,
        "full",
        files=(("weight_initialization.html", "x"),),
        known=True,
    ),
    Case(
        "shadowing", lambda nb: None, "full", files=(("torch.py", "raise SystemExit"),), known=True
    ),
    Case("shadowing_deep", lambda nb: None, "full", files=(("rapidfuzz.py", "1 / 0"),), known=True),
    Case("own_module", _own_cell("import mine"), "full", files=(("mine.py", "x = 1"),)),
    Case("warns", _own_cell("import warnings; warnings.warn('x')"), "full", known=True),
    Case(
        "warns_in_tests", _also("    import warnings\n    warnings.warn('x')"), "full", known=True
    ),
    Case("exits", _own_cell("import sys; sys.exit(0)"), "full", known=True),
    Case("asks", _own_cell("input('name?')"), "full", known=True),
    Case("raises", _own_cell("1 / 0"), "full"),
    Case("magic", _own_cell("%matplotlib inline\n!true"), "full"),
    Case("empty_cells", _own_cell(""), "full"),
    Case("kernel_dies", _own_cell("import os; os._exit(1)"), "nothing", "ended", known=True),
    Case("segfault", _own_cell("import ctypes; ctypes.string_at(0)"), "nothing", "ended"),
    Case(
        "alarm",
        _own_cell("import signal; signal.alarm(1)\nimport time; time.sleep(9)"),
        "nothing",
        "ended",
    ),
    Case(
        "one_long_line", _own_cell("print('x' * 30_000_000)"), "nothing", "more output", known=True
    ),
    Case("endless", _attack("while True: pass"), "exercise", "nothing to judge", known=True),
    Case("reads_stdin", _attack("import sys; sys.stdin.read()"), "exercise", "nothing to judge"),
    Case("empty_file", lambda nb: None, "nothing", saved=lambda nb: b"", known=True),
    Case("cut_off", lambda nb: None, "nothing", saved=lambda nb: _json(nb)[:-4000], known=True),
    Case(
        "conflict",
        lambda nb: None,
        "nothing",
        saved=lambda nb: b"<<<<<<< HEAD\n" + _json(nb) + b"\n>>>>>>> mine\n",
    ),
    Case("a_list", lambda nb: None, "nothing", saved=lambda nb: b"[]"),
    Case("byte_order_mark", lambda nb: None, "full", saved=lambda nb: b"\xef\xbb\xbf" + _json(nb)),
    Case("utf_16", lambda nb: None, "full", saved=lambda nb: json.dumps(nb).encode("utf-16")),
    Case("old_format", lambda nb: None, "full", saved=_old_format),
    Case("one_id_for_all", _without_ids, "full"),
    Case("stale_outputs", _stale_outputs, "full"),
    Case("function_elsewhere", _elsewhere, "full"),
    Case("forgets_all", _own_cell("%reset -f"), "full"),
    Case("moves_away", _own_cell("import os; os.chdir('/tmp')"), "full"),
    Case("odd_characters", _own_cell("print('\\ud800 \\x00 \\x1b[31m')"), "full"),
    Case("waits", _own_cell("import asyncio; await asyncio.sleep(0.1)"), "full"),
    Case("deletes_helpers", _own_cell("import shutil; shutil.rmtree('helpers')"), "full"),
    Case("recursion", _inside("weights_init_normal(m)"), "exercise"),
    Case("made_markdown", _turn_into("markdown"), "full"),
    Case("made_raw", _turn_into("raw"), "full"),
    Case("saved_as_text", lambda nb: None, "full", renamed="weight_initialization.ipynb.txt"),
    Case("no_notebook", lambda nb: None, "nothing", "no notebook", renamed="solution.txt"),
    Case(
        "large_file",
        lambda nb: None,
        "full",
        files=(("images.csv", "0,0,0,0\n" * 2**23), ("notes.txt", "x")),
    ),
    Case("quits", _own_cell("quit()"), "full"),
    Case("no_print", _own_cell("print = 'done'"), "full"),
    Case("prints_its_weights", _own_cell("print(list(range(600_000)))"), "full"),
    # More than IPython compiles, in the student's own notebook too.
    Case("long_sum", _also("    total = " + " + ".join(["0"] * 1000)), "exercise", "Recursion"),
    Case(
        "many_files",
        lambda nb: None,
        "full",
        files=tuple((f"parts/{number:04}.txt", "x") for number in range(1500)),
    ),
    Case(
        "stops_itself",
        _own_cell("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
        "nothing",
        "longer",
    ),
    Case("file_for_helpers", lambda nb: None, "full", files=(("helpers", "x"),)),
    Case("file_for_figures", lambda nb: None, "full", files=(("figures", "x"),)),
    Case("folder_for_module", lambda nb: None, "full", files=(("helpers/data.py/data.py", "x"),)),
    Case("folder_for_page", lambda nb: None, "full", files=((f"{ASSIGNMENT}.html/x.txt", "x"),)),
    Case("own_language", lambda nb: None, "full", files=(("language.txt", "zh"),)),
    Case("deep_folders", lambda nb: None, "full", files=(("d/" * 300 + "x.csv", "x"),)),
    Case("long_path", lambda nb: None, "full", files=((f"{'d' * 250}/" * 9 + "x.csv", "x"),)),
    Case("latin_name", lambda nb: None, "full", renamed=os.fsdecode(b"l\xf6sung.ipynb")),
    Case("odd_names", lambda nb: None, "full", files=(("a\nb\x1b[2J.csv", "x"),)),
)

ATTACKS = (
    Case(
        "tags",
        _on_tests(lambda c: c["metadata"].update(tags=["skip-execution"])),
        "exercise",
        known=True,
    ),
    Case("edited_tests", _on_tests(lambda c: c.update(source="2")), "exercise"),
    Case(
        "points",
        _on_tests(lambda c: c["metadata"]["nbgrader"].update(points=100, solution=True)),
        "exercise",
        known=True,
    ),
    Case("swapped_tests", _swapped_tests, "exercise"),
    Case("own_test", _test_of_ones_own, "exercise"),
    Case("display_hook", _inside("import sys\nsys.displayhook(2)"), "exercise", known=True),
    Case("nan_hook", _inside("import sys\nsys.displayhook(float('nan'))"), "exercise", known=True),
    Case("full_hook", _inside("import sys\nsys.displayhook(99)"), "exercise", known=True),
    Case(
        "patched_shell",
        _attack("shell = get_ipython()\nshell.showtraceback = lambda *a, **k: print(2)"),
        "exercise",
        known=True,
    ),
    Case(
        "patched_numpy",
        _attack("import numpy\nnumpy.asarray = numpy.ascontiguousarray = lambda *a, **k: None"),
        "nothing",
        known=True,
    ),
    Case(
        "transformer",
        _attack("get_ipython().input_transformers_cleanup.append(lambda lines: ['2'])"),
        "nothing",
        "no observation",
        known=True,
    ),
    Case(
        "hook",
        _attack("get_ipython().events.register('pre_run_cell', lambda *a: print('full marks'))"),
        "exercise",
        known=True,
    ),
    Case(
        "patched_check",
        _attack("import grader_tests\ngrader_tests.check = print"),
        "nothing",
        known=True,
    ),
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
        known=True,
    ),
    Case("always_equal", _attack(_ALWAYS_EQUAL), "exercise", known=True),
    Case(
        "forged_observation",
        _inside(
            "from IPython.display import display\n"
            "display({'application/vnd.weight-initialization.observation+json': {}}, raw=True)"
        ),
        "exercise",
    ),
    Case("prints_points", _inside("print('Score: 2/2')"), "exercise"),
    Case(
        "patched_assertion",
        _attack("AssertionError = None\nException = None"),
        "exercise",
        known=True,
    ),
    Case("patched_json", _attack("import json\njson.dumps = lambda *a, **k: '{}'"), "exercise"),
    Case("interrupts", _inside("raise KeyboardInterrupt"), "exercise"),
    Case(
        "reads_the_test",
        _inside("import inspect\nprint(In[-1])\nfor f in inspect.stack(): print(f.code_context)"),
        "exercise",
        known=True,
    ),
    Case(
        "unwinds_the_stack",
        _inside(
            "import sys\nframe = sys._getframe(1)\nwhile frame:\n"
            "    frame.f_locals.update(passed=True, score=1.0)\n    frame = frame.f_back"
        ),
        "exercise",
    ),
    Case(
        "seeds",
        _attack("import os, torch\nprint({k: v for k, v in os.environ.items() if 'SEED' in k})"),
        "exercise",
    ),
    Case(
        "gradebook",
        _attack("open('../../../gradebook.db', 'wb').write(b'x')"),
        "exercise",
        known=True,
    ),
    Case(
        "other_student",
        _attack("import shutil\nshutil.rmtree('../../../submitted/zz_good')"),
        "exercise",
        known=True,
    ),
    Case(
        "writes_the_tests",
        _attack("import grader_tests\nopen(grader_tests.__file__, 'w').write('check = print')"),
        "exercise",
    ),
    Case("passwords", _attack("print(open('/etc/shadow').read())"), "exercise"),
    Case(
        "network",
        _attack("import socket\nsocket.create_connection(('1.1.1.1', 53), 2)"),
        "exercise",
        known=True,
    ),
    Case(
        "script",
        _attack("from IPython.display import HTML\nHTML('<script>alert(1)</script>')"),
        "exercise",
        known=True,
    ),
    Case("picture_from_elsewhere", _own_text("![my plot](http://127.0.0.1:9/plot.png)"), "full"),
    Case("link_that_runs", _own_text(r"[more](javascript\:alert(1)) ![a][b]"), "full"),
    Case('=HYPERLINK("http:",1)', lambda nb: None, "full"),
    Case("kills_everyone", _attack("import os\nos.kill(-1, 9)"), "exercise"),
    Case(
        "package_for_module",
        _attack(""),
        "exercise",
        files=(("helpers/self_check/__init__.py", "check = check_made = lambda *a, **k: None"),),
    ),
    Case(
        "settings_of_pytest",
        _attack(""),
        "exercise",
        files=(("conftest.py", "raise SystemExit(0)"), ("pytest.ini", "[pytest]\n")),
    ),
    Case(
        "own_exceptions",
        _attack("get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)"),
        "exercise",
    ),
    Case(
        "lowers_limits",
        _attack(
            "import os, resource\nfor process in range(1, 40):\n"
            "    if not os.path.exists(f'/proc/self/task/{process}'):\n"
            "        for limit in range(16):\n"
            "            try: resource.prlimit(process, limit, (1, 1))\n"
            "            except OSError: pass"
        ),
        "exercise",
    ),
    Case(
        "names_a_program",
        _attack("open('/proc/sys/kernel/core_pattern', 'w').write('|/work/mine')"),
        "exercise",
    ),
    Case(
        "stops_process_1",
        _attack("import os\nfor s in (1, 2, 9, 15, 19): os.kill(1, s)"),
        "exercise",
    ),
    Case(
        "detached",
        _attack("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)"),
        "exercise",
        known=True,
    ),
    Case(
        "memory",
        _own_cell("x = []\nwhile True: x.append(bytearray(2**26))"),
        "nothing",
        "memory",
        known=True,
    ),
    Case(
        "processes",
        _own_cell("import os, time\nfor i in range(500):\n    if os.fork() == 0: time.sleep(100)"),
        "nothing",
        "processes",
        known=True,
    ),
    Case("output", _own_cell("while True: print('x' * 1000)"), "nothing", "output", known=True),
    Case("closes_all", _own_cell("import os\nos.closerange(3, 1000)"), "nothing"),
    Case("shuts_down", _own_cell("get_ipython().kernel.do_shutdown(False)"), "nothing"),
    Case("no_import", _attack("import builtins\nbuiltins.__import__ = None"), "nothing"),
    Case("disk", _own_cell("open('big', 'wb').write(bytes(2**30))"), "full", known=True),
)

CASES = (*ACCIDENTS, *ATTACKS)


def released_and_solved(course: ScratchCourse) -> Notebook:
    """Build the release, and return the right solution that every case is made of."""
    course.nbgrader("generate_assignment", ASSIGNMENT)
    solved = course.released()
    solve(solved)
    return solved


def hand_in(course: Path, case: Case, solved: Notebook) -> None:
    """Put a case where `nbgrader collect` puts it in the course in this folder."""
    notebook = copy.deepcopy(solved)
    case.change(notebook)
    folder = course / "submitted" / case.name / ASSIGNMENT
    shutil.copytree(course / "release" / ASSIGNMENT, folder)
    path = folder / f"{ASSIGNMENT}.ipynb"
    path.write_bytes((case.saved or _json)(notebook))
    for name, text in case.files:
        _put(folder, Path(name), text)
    if case.renamed:
        path.rename(folder / case.renamed)


def _put(folder: Path, name: Path, text: str) -> None:
    """Write a file, also where the release has a folder, or a file where its folder should be."""
    if (folder / name).is_dir():
        shutil.rmtree(folder / name)
    for parent in name.parents:
        if (folder / parent).is_file():
            (folder / parent).unlink()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def grade(
    course: ScratchCourse, cases: Sequence[Case], good: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Grade cases and good submissions in one batch on two workers, under low limits."""
    config = course.root / "nbgrader_config.py"
    # Filling the memory up to the limit takes 10 s on a machine that has to fetch it from its host.
    limits = "cell_seconds = 25", "memory_mebibytes = 3072", "output_mebibytes = 20"
    lines = [f"c.SandboxedExecute.{limit}\n" for limit in limits]
    config.write_text(config.read_text() + "".join(lines))
    solved = released_and_solved(course)
    for case in (*cases, *(Case(name, lambda notebook: None, "full") for name in good)):
        hand_in(course.root, case, solved)
    # On all cores: what a submission does must not reach those beside it either.
    command = [sys.executable, "-m", "grading", "autograde", ASSIGNMENT, "--workers", "2"]
    environment = course.environment | {"PYTHONPATH": str(COURSE_ROOT)}
    return subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
