"""Tests that a submission forked where the given cells end is as one from the beginning."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grading import sandbox
from grading.sandbox import pool
from grading.submission import Run, Surroundings
from tests.sandboxes import skip_without_sandbox

GIVEN = (
    "import decimal, logging, os, random, sys, warnings\n"
    "import matplotlib.pyplot as plt\n"
    "import numpy as np\n"
    "from IPython.display import display, update_display\n"
    "import beside\n"
    "random.seed(1)\n"
    "decimal.getcontext().prec = 5\n"
    "os.environ['MADE'] = 'here'\n"
    "log = logging.getLogger('given')\n"
    "log.addHandler(logging.StreamHandler(sys.stdout))\n"
    "print('read:', beside.TEXT, os.getpid(), os.getcwd(), sys.argv[0], sys.path)",
    "display('before', display_id='shown')\nplt.plot([1, 2, random.random()]);",
    "numbers = [1]\n\ndef fail(x):\n    warnings.warn('a warning')\n    return 1 / x\n\nnumbers",
    "",
)
OWN = (
    "update_display('after', display_id='shown')\nnumbers.append(2)\nnumbers, _, Out, In",
    "log.warning('said'); random.random(), decimal.Decimal(1) / 3, os.environ['MADE'], os.getpid()",
    "fail(1)",
    "fail(0)",
    "np.random.seed(0); plt.hist(np.random.normal(size=9));",
    "%who",
    "%history -n",
    # What shuts a submission in.
    "import resource\n"
    "lines = open('/proc/self/status').read().splitlines()\n"
    "print([line for line in lines if line.startswith(('Cap', 'Sec', 'NoNew', 'Uid', 'NSpid'))])\n"
    "print([resource.getrlimit(number) for number in range(16)])\n"
    "print([name for name in os.listdir('/proc') if name.isdigit()], os.listdir('.'))\n"
    "print(len(os.listdir('/tmp')), os.listdir('/dev/shm'))\n"
    "open('/tmp/left', 'w').close(); open('left', 'w').close(); beside.TEXT = 'changed'",
    "undefined",
    "%reset -f\n'numbers' in globals()",
)


@pytest.fixture
def fresh() -> None:
    skip_without_sandbox()
    sandbox.close()


def _run(cells: tuple[str, ...], folder: Path, given: int, **options: Any) -> Run:
    notebook = new_notebook(cells=list(map(new_code_cell, cells)))
    run = sandbox.execute(notebook, folder, Surroundings(**options), {"SEED": "1"}, given=given)
    assert run.complete
    return run


def _shown(run: Run) -> list[Any]:
    return [(cell.outputs, cell.execution_count) for cell in run.notebook.cells]


def _begun() -> list[bool]:
    return [kept.sandbox.begun is not None for kept in pool._of_thread()]


@pytest.mark.usefixtures("fresh")
@pytest.mark.timeout(300)
def test_is_as_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("TEXT = 'beside'")
    runs = []
    for begun in ([False], [True], [True]):
        runs.append(_run(GIVEN + OWN, tmp_path, len(GIVEN)))
        assert _begun() == begun
    for run in runs[1:]:
        for expected, found in zip(_shown(runs[0]), _shown(run), strict=True):
            assert found == expected
        assert run.statuses == runs[0].statuses
    # Another one, which begins with a cell of its own, begins at the beginning.
    own = _run(("'beside' in __import__('sys').modules",), tmp_path, 0)
    assert own.notebook.cells[0].outputs[0].data == {"text/plain": "False"}
    assert _begun() == [True, False]


@pytest.mark.usefixtures("fresh")
@pytest.mark.timeout(300)
def test_what_is_not_the_same_each_time_begins_at_the_beginning(tmp_path: Path) -> None:
    cells = ("import os\nprint(os.urandom(8))", "1 + 1")
    for _ in range(3):
        run = _run(cells, tmp_path, 1)
        assert run.notebook.cells[1].outputs[0].data == {"text/plain": "2"}
        assert _begun() == [False]
    assert any("something else each time" in why for why in pool._unfit.values())


UNFIT = {
    "a thread runs": "import threading\nthreading.Timer(99, print).start()",
    "there is a child process": "import subprocess\nsubprocess.Popen(['sleep', '9'])",
    "a timer runs": "import signal\nsignal.alarm(60)",
    "folder changed": "import os\nos.chdir('/')",
    "descriptors changed": "file = open('beside.py')",
    "shared changed": "import mmap\nmemory = mmap.mmap(-1, 4096)",
    "files changed": "open('made', 'w').close()",
    "of its own": "import os\nos.environ.get('SEED')",
    "something waits": "import asyncio\nasyncio.get_running_loop().call_later(9, print)",
    "a cell waits": "import asyncio\nawait asyncio.sleep(0)",
    "asks for input": "input()",
    "a cell fails": "1 / 0",
}
REACH = """
import json, os, sys
from grading.sandbox.inside import starting_point, traces
traces.FOLDERS = (os.getcwd(),)
given = {"environment": {"KERNEL_OUTPUT_BYTES": "9"}, "own": ["SEED"]}
for name, cell in json.loads(sys.argv[1]).items():
    process = os.fork()
    if process == 0:
        try:
            starting_point.reach(given | {"cells": [cell]}, sys.argv[2])
            print("fit", flush=True)
        except traces.Unfit as error:
            print(json.dumps([name, str(error)]), flush=True)
        finally:
            os._exit(0)
    os.waitpid(process, 0)
"""


@pytest.fixture(scope="module")
def reasons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By reason, what was said of a cell that gives it."""
    folder = tmp_path_factory.mktemp("reached")
    (folder / "files").mkdir()
    (folder / "work").mkdir()
    (folder / "work" / "beside.py").touch()
    ran = subprocess.run(
        [sys.executable, "-c", REACH, json.dumps(UNFIT), str(folder / "files")],
        cwd=folder / "work",
        env={"HOME": str(folder), "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(map(json.loads, ran.stdout.splitlines()))


@pytest.mark.parametrize("reason", UNFIT)
def test_unfit(reasons: dict[str, str], reason: str) -> None:
    assert reason in reasons[reason]
