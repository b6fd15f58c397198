"""Tests that a feedback page quotes the student's own line, where functions run: in the sandbox."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat.v4 as v4
import pytest

from grader_tests import assignment
from grader_tests.judge.words import catalogue
from grader_tests.observation import FUNCTION_CRITERIA
from grader_tests.probe import SEED_VARIABLE, observe
from grading.running import jobs
from grading.submission import Job, Limits, Surroundings
from tests.corpus import Submission, load
from tests.corpus.in_sandbox import grade_in_sandbox
from tests.sandboxes import skip_without_sandbox

pytestmark = pytest.mark.slow

IMPORTS = "import numpy as np, torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
PROBE = f"""
import json
from grader_tests.probe import observe
errors = [observe(name, weights_init_normal)["error"] for name in {FUNCTION_CRITERIA!r}]
print("errors: " + json.dumps([error and error["line"] for error in errors]))
"""


@dataclass(frozen=True)
class Way:
    """A function that raises: its cell, what stands in another file, and the line to quote."""

    cell: str
    line: str
    module: str = ""


# The student's own line, marked, where the error comes up in other ways than in the corpus.
WAYS = {
    "in a nested function": Way(
        "def weights_init_normal(m):\n    def draw(t):\n"
        "        nn.init.normal_(t, 0, 'x')  # here\n"
        "    if isinstance(m, nn.Linear):\n        draw(m.weight)\n",
        "nn.init.normal_(t, 0, 'x')  # here",
    ),
    "in a lambda": Way(
        "draw = lambda t: t.data.normal_(0, 1, 2, 3)  # here\n"
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n        draw(m.weight)\n",
        "draw = lambda t: t.data.normal_(0, 1, 2, 3)  # here",
    ),
    "in a comprehension": Way(
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        [torch.nn.init.normal_(w, mean=None) for w in [m.weight]]  # here\n",
        "[torch.nn.init.normal_(w, mean=None) for w in [m.weight]]  # here",
    ),
    "through exec": Way(
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        exec('m.weight.data.normal_(0, None, 3)')  # here\n",
        "exec('m.weight.data.normal_(0, None, 3)')  # here",
    ),
    "through eval": Way(
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        eval('1 / 0')  # here\n",
        "eval('1 / 0')  # here",
    ),
    "under a decorator": Way(
        "import functools\ndef quiet(f):\n    @functools.wraps(f)\n    def inner(m):\n"
        "        return f(m)\n    return inner\n"
        "@quiet\n@torch.no_grad()\ndef weights_init_normal(m):\n"
        "    if isinstance(m, nn.Linear):\n        nn.init.uniform_(m.weight, 'a', 'b')  # here\n",
        "nn.init.uniform_(m.weight, 'a', 'b')  # here",
    ),
    "in a callable object": Way(
        "class Init:\n    def __call__(self, m):\n        if isinstance(m, nn.Linear):\n"
        "            np.random.normal(0, -1, m.weight.shape)  # here\n"
        "weights_init_normal = Init()\n",
        "np.random.normal(0, -1, m.weight.shape)  # here",
    ),
    "called back by PyTorch": Way(
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        m.apply(lambda part: part.weights.fill_(0))  # here\n",
        "m.apply(lambda part: part.weights.fill_(0))  # here",
    ),
    "given to a helper": Way(
        "import helpers\ndef weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        helpers.layer_signals(m, None)  # here\n",
        "helpers.layer_signals(m, None)  # here",
    ),
    "in a module of their own": Way(
        "from mine import weights_init_normal\n",
        "nn.init.normal_(m.weight, 0, 'y')  # here",
        "from torch import nn\ndef weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        nn.init.normal_(m.weight, 0, 'y')  # here\n",
    ),
    "in another cell's function": Way(
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n        draw_badly(m)\n",
        "raise ValueError(m.no_such_thing)  # there",
    ),
}
# Functions that raise nothing, and a line of which an explanation quotes: as it was written.
QUIET = {
    "method assigned, no spaces": (
        "method_assigned",
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        m.weight.data.normal_=( 0,1/np.sqrt( m.in_features ) ) # here\n",
    ),
    "method assigned, over two lines": (
        "method_assigned",
        "@torch.no_grad()\ndef weights_init_normal(m):\n\n    if isinstance(m, nn.Linear):\n"
        "        m.weight.data.normal_ = (0,  # here\n            1.0)\n",
    ),
    "returns before the end": (
        "returns_early",
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n"
        "        return   m  ;  # here\n        m.weight.data.normal_(0, 1)\n",
    ),
    "compares with a text": (
        "guard_never_true",
        'def weights_init_normal(m):\n    if type(m)=="Linear":# here\n'
        "        m.weight.data.normal_(0, 1)\n        m.bias.data.fill_(0)\n",
    ),
    "in a nested condition": (
        "guard_never_true",
        "def weights_init_normal(m):\n  if hasattr( m,'weight' ):\n"
        "    if m.__class__.__name__ == 'linear' : # here\n      nn.init.normal_(m.weight)\n",
    ),
    "hidden by an except": (
        "error_swallowed",
        "def weights_init_normal(m):\n    if isinstance(m, nn.Linear):\n        try:\n"
        "            y=1/np.sqrt( m.in_feature )#here\n"
        "            m.weight.data.normal_(0, y)\n        except Exception :\n            pass\n",
    ),
}
QUOTING = {mistake for mistake, _ in QUIET.values()}
BEFORE = IMPORTS + "def draw_badly(m):\n    raise ValueError(m.no_such_thing)  # there\n"


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> None:
    skip_without_sandbox()


def _quoted(cells: list[str], files: dict[str, bytes]) -> list[list[str | None]]:
    """Run each cell in one notebook; return what is quoted of it, by criterion, None if nothing."""
    sources = [BEFORE, *(part for cell in cells for part in (cell, PROBE))]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    limits = Limits(notebook_seconds=280, cell_seconds=60, processor_seconds=280)
    job = Job(
        notebook,
        files,
        {SEED_VARIABLE: "20240307"},
        limits,
        Surroundings(assignment.INSIDE, assignment.IMPORTS),
    )
    execution = jobs.run(job)
    assert execution.complete, (execution.died, execution.limit)
    found = []
    for cell in execution.notebook.cells[2::2]:
        printed = "".join(output.get("text", "") for output in cell.outputs)
        found.append(json.loads(printed.partition("errors: ")[2].splitlines()[0]))
    return found


def test_every_wrong_way_that_raises_is_quoted_from_its_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "20240307")
    raising = [
        item
        for item in load("wrong")
        if observe("test_normal_std", item.function()).get("error") is not None
    ]
    assert len(raising) >= 9
    for item, quoted in zip(raising, _quoted([item.source for item in raising], {}), strict=True):
        own = {line.strip() for line in item.source.splitlines()}
        # A function that takes no module is never entered: there is no line to quote.
        takes_no_module = ("wrong_signature",) in item.mistakes.values()
        lines = {line for line in quoted if line is not None}
        expected = lines == {""} if takes_no_module else lines and lines <= own
        assert expected, (item.name, quoted)


@cache
def _ways() -> dict[str, list[str | None]]:
    helpers = Path(__file__).resolve().parents[2] / "helpers"
    files = {
        str(path.relative_to(helpers.parent)): path.read_bytes()
        for path in helpers.rglob("*")
        if path.suffix in (".py", ".json", ".toml")
    }
    files["mine.py"] = "".join(way.module for way in WAYS.values()).encode()
    return dict(zip(WAYS, _quoted([way.cell for way in WAYS.values()], files), strict=True))


@pytest.mark.parametrize("name", WAYS)
def test_innermost_line_of_the_students(name: str) -> None:
    assert set(_ways()[name]) == {WAYS[name].line}


def test_every_explanation_quotes_a_line_as_it_was_written() -> None:
    """Of functions that raise nothing: those above, and those of the corpus."""
    nothing: frozenset[str] = frozenset()
    own = [
        Submission(name, source, nothing, nothing, nothing, {"test_normal_std": (mistake,)})
        for name, (mistake, source) in QUIET.items()
    ]
    corpus = [
        item for item in load("wrong") if QUOTING & {n for ns in item.mistakes.values() for n in ns}
    ]
    assert len(corpus) >= 8
    templates = [entry["explanation"] for entry in catalogue("en")["mistakes"].values()]
    quoting = [text.split("`{line}`")[0] for text in templates if "{line}" in text]
    assert len(quoting) == len(QUOTING)
    for name, verdicts in grade_in_sandbox([*own, *corpus], 20240307).items():
        (item,) = (each for each in (*own, *corpus) if each.name == name)
        lines = {line.strip() for line in item.source.split("\n")}
        here = {line for line in lines if line.endswith("here")}
        told = [v for v in verdicts.values() if v.mistake in QUOTING]
        assert told, (name, {v.mistake for v in verdicts.values()})
        for verdict in told:
            assert item in corpus or verdict.mistake == QUIET[name][0], (name, verdict.mistake)
            (start,) = (text for text in quoting if verdict.explanation.startswith(text))
            quoted = verdict.explanation[len(start) + 1 :].split("`")[0]
            assert quoted in (here or lines), (name, quoted)
