"""All that the engine asks of this assignment; `grading.assignment` describes each name."""

from pathlib import Path

import grader_kit

from .judge import JUDGE
from .observation import FORMAT

INSIDE = (
    *grader_kit.INSIDE,
    *(Path(__file__).with_name(name) for name in ("__init__.py", "observation.py", "probe.py")),
)
IMPORTS = ("torch", "numpy")
CODE_STUB = "# Write your code here."
MIME_TYPE, SEED_VARIABLE, CRITERIA = FORMAT.mime_type, FORMAT.seed_variable, FORMAT.criteria
judge, no_observation = JUDGE.judge, JUDGE.no_observation
evidence, title = JUDGE.evidence, JUDGE.title
