"""Tests of cells that restart or take away what the kernel needs: those after them run as ever."""

from pathlib import Path

import nbformat.v4 as v4
import pytest

from grading.sandbox import execute
from grading.submission import Limits, Run
from tests.sandboxes import skip_without_sandbox

pytestmark = pytest.mark.slow

_LIMITS = Limits(cell_seconds=5, notebook_seconds=200, memory_bytes=2**31)
_RESTARTS = {
    "none": "import sys; sys.stdout = sys.stderr = None",
    "closed": "import sys; sys.stdout.close(); sys.stderr.close()",
    "numbers": "import sys; sys.stdout, sys.stderr = 5, 'a'",
    "deleted": "import sys; del sys.stdout, sys.stderr",
    "closed_file": "import sys\nsys.stdout = open('log.txt', 'w')\nsys.stdout.close()",
    "folder_gone": "import os\nos.mkdir('a'); os.chdir('a'); os.rmdir('../a')",
    "reset": "%reset -f",
    "frozen": "import gc; gc.freeze(); gc.disable()",
    "traced": "import sys\ndef trace(*_): return trace\nsys.settrace(trace); sys.setprofile(trace)",
    "nested_input": "input(input('name?'))",
    "recursion": "import sys; sys.setrecursionlimit(200)",
    "loop_closed": "import asyncio; asyncio.get_event_loop().close()",
    "exits": "import sys; sys.exit(3)",
    "autoreload": "%load_ext autoreload\n%autoreload 2",
}
# As a hidden test reports, with all that a notebook may have replaced on its way.
_REPORT = """
from grader_kit.observing.format import emit
emit('application/vnd.report+json', {'seen': True})
"""
_REPLACED = {
    "display": "display = print",
    "display_everywhere": "import IPython.display, IPython.core.display_functions as functions\n"
    "IPython.display.display = functions.display = lambda *a, **k: None",
    "publisher": "get_ipython().display_pub.publish = lambda *a, **k: None",
    "hook": "import sys; sys.displayhook = None",
    "shell": "from IPython.core.interactiveshell import InteractiveShell\n"
    "InteractiveShell.clear_instance()",
    "get_ipython": "del get_ipython",
}
_KIT = Path(__file__).parents[3] / "grader_kit"


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> None:
    skip_without_sandbox()


def _run(folder: Path, *sources: str) -> Run:
    cells = [v4.new_code_cell(source) for source in sources]
    target = folder / "grader_kit" / "observing"
    target.mkdir(parents=True)
    (target.parent / "__init__.py").touch()
    for name in ("__init__.py", "errors.py", "format.py"):
        (target / name).write_text((_KIT / "observing" / name).read_text())
    return execute(v4.new_notebook(cells=cells), folder, limits=_LIMITS)


@pytest.mark.parametrize("name", _RESTARTS)
def test_the_cells_after_it_print_fail_and_report(tmp_path: Path, name: str) -> None:
    run = _run(tmp_path, _RESTARTS[name], "print('after')", "1 / 0", "6 * 7", _REPORT)
    assert run.complete
    assert (run.limit, run.died) == (None, None)
    outputs = [cell.outputs for cell in run.notebook.cells]
    assert [output.text for output in outputs[1]] == ["after\n"]
    assert [output.ename for output in outputs[2]] == ["ZeroDivisionError"]
    assert [output.data["text/plain"] for output in outputs[3]] == ["42"]
    assert [output.data for output in outputs[4]] == [
        {"application/vnd.report+json": {"seen": True}}
    ]
    assert [run.statuses[i] for i in range(1, 5)] == ["ok", "error", "ok", "ok"]


@pytest.mark.parametrize("name", _REPLACED)
def test_a_report_goes_past_what_was_replaced(tmp_path: Path, name: str) -> None:
    run = _run(tmp_path, _REPLACED[name], _REPORT)
    (output,) = run.notebook.cells[1].outputs
    assert output.data == {"application/vnd.report+json": {"seen": True}}


def test_what_is_directed_elsewhere_stays_there(tmp_path: Path) -> None:
    elsewhere = "import io, sys\nkept, sys.stdout = sys.stdout, io.StringIO()"
    run = _run(tmp_path, elsewhere, "print('hidden')", "sys.stdout = kept", "print('shown')")
    assert run.notebook.cells[1].outputs == []
    assert [output.text for output in run.notebook.cells[3].outputs] == ["shown\n"]
