"""Runs functions of the corpus where submissions run: in the sandbox, many in one notebook."""

import json
from collections.abc import Mapping, Sequence

import nbformat.v4 as v4

from grader_tests import assignment
from grader_tests.judge.verdict import Verdict
from grader_tests.judge.verdicts import judge
from grader_tests.observation import FUNCTION_CRITERIA, MIME_TYPE
from grader_tests.probe import SEED_VARIABLE
from grading.running import jobs
from grading.submission import MEBIBYTE, Job, Limits, Surroundings
from tests.corpus import Submission

_IMPORTS = "import numpy as np, torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
_TEST = """\
from grader_tests import check
for _name in {criteria!r}:
    check(_name, globals().get("weights_init_normal"))
"""
_FORGET = "globals().pop('weights_init_normal', None)"
# Many functions report more than one submission may: 7 MB each.
_LIMITS = Limits(
    notebook_seconds=280, cell_seconds=60, processor_seconds=280, output_bytes=500 * MEBIBYTE
)


class NotObserved(Exception):
    """A function of the corpus left no observation in the sandbox."""


def grade_in_sandbox(
    submissions: Sequence[Submission],
    seed: int,
    criteria: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, dict[str, Verdict]]:
    """Return each submission's verdicts, by its name and the criterion.

    Every function has a cell of its own, and the tests are in the cell after it, as in a
    submission. `criteria` names those to be looked at, by submission; without it, all.

    Raises:
        NotObserved: a function left no observation, or the run was cut short.
    """
    asked = {
        item.name: tuple((criteria or {}).get(item.name, FUNCTION_CRITERIA)) for item in submissions
    }
    sources = [_IMPORTS]
    for item in submissions:
        sources += [_FORGET, item.source, _TEST.format(criteria=asked[item.name])]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    surroundings = Surroundings(assignment.INSIDE, assignment.IMPORTS)
    run = jobs.run(Job(notebook, {}, {SEED_VARIABLE: str(seed)}, _LIMITS, surroundings))
    if not run.complete:
        raise NotObserved(f"The run was cut short: {run.died}, {run.limit}.")
    found = {}
    for submission, cell in zip(submissions, run.notebook.cells[3::3], strict=True):
        observations = [
            output.data[MIME_TYPE] for output in cell.outputs if MIME_TYPE in output.get("data", {})
        ]
        if len(observations) != len(asked[submission.name]):
            told = [output.get("evalue", "") for output in cell.outputs]
            raise NotObserved(f"{submission.name}: {len(observations)} observations, {told}")
        found[submission.name] = {
            each["criterion"]: judge(each["criterion"], json.loads(json.dumps(each)), seed=seed)
            for each in observations
        }
    return found
