"""All that the engine may ask of this assignment; `grading.assignment` describes each name."""

import copy
from collections.abc import Sequence
from pathlib import Path

from nbformat.notebooknode import NotebookNode
from nbgrader.utils import is_solution

import grader_kit

from .judge.claims import complete, confirm
from .judge.common_mistakes import with_common_mistakes
from .judge.verdicts import judge, no_observation
from .judge.words import catalogue
from .observation import CRITERIA, MIME_TYPE, PROBE_MODULES, SEED_VARIABLE

__all__ = [
    "CELL_SECONDS",
    "CODE_STUB",
    "CRITERIA",
    "DATA_FOLDER",
    "DATA_VARIABLE",
    "DEMO_STUDENTS",
    "IMPORTS",
    "INSIDE",
    "MIME_TYPE",
    "NAMES",
    "PACKAGES",
    "SEED_VARIABLE",
    "VERSIONS",
    "complete",
    "confirm",
    "evidence",
    "judge",
    "no_observation",
    "note",
    "teaching",
    "title",
    "variants",
]

INSIDE = (*grader_kit.INSIDE, *(Path(__file__).with_name(name) for name in PROBE_MODULES))
IMPORTS = (
    "torch",
    "torch.optim",
    "torch.utils.data",
    "torchvision.datasets",
    "torchvision.transforms",
    "numpy",
    # Not the inline backend, which on import ties itself to the running kernel.
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "PIL.PngImagePlugin",
    "tqdm",
)
PACKAGES = ("helpers",)
DATA_VARIABLE = "FASHION_MNIST"
DATA_FOLDER = Path("FashionMNIST") / "raw"
DEMO_STUDENTS = Path(__file__).with_name("demo_students.toml")
VERSIONS = ("torch", "torchvision", "numpy")
CODE_STUB = {"en": "# Write your code here.", "zh": "# 请在这里编写代码。"}
"""A comment and nothing more. nbgrader's own ends in `raise NotImplementedError()`, and the cells
below an empty exercise then show tracebacks instead of the lesson's own sentence for them."""
NAMES = {"default_model": "model_default"}
CELL_SECONDS = 120
"""The slowest cell of a right notebook trains two models: about 6 s on two cores. nbgrader allows
30 s, which a loaded machine or an old laptop exceeds."""


def evidence(criterion: str, observation: object, language: str) -> tuple[bytes, str] | None:
    """Return a picture of the weights, in PNG, and its caption; None where there are none."""
    # matplotlib takes a second to import.
    from .judge import picture

    drawn = picture.evidence(criterion, observation)
    return None if drawn is None else (drawn, catalogue(language)["page"]["picture"])


def title(grade_id: str, language: str) -> str:
    """Return what a person calls a part of the assignment."""
    return catalogue(language)["titles"].get(grade_id, grade_id)


def note(verdicts: Sequence[str], language: str) -> str:
    """Say whose the layers are that verdicts name, where they name some."""
    named = any("Linear(" in sentence for sentence in verdicts)
    return catalogue(language)["page"]["networks"] if named else ""


def teaching(mistake: str, language: str) -> tuple[str, str]:
    """Return what a teacher calls a mistake, and a sentence to say in class, or ""."""
    words = catalogue(language)
    return words["names"].get(mistake, ""), words["in_class"].get(mistake, "")


def variants(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the instructor's notebook with common mistakes beside it, and without its own seeds.

    Solutions set seeds to be repeatable. A student need not; a model made without one continues
    the numbers that the given cells have seeded, and is the same in every such submission.
    """
    without_seeds = copy.deepcopy(notebook)
    for cell in without_seeds.cells:
        if is_solution(cell) and cell.cell_type == "code":
            lines = cell.source.splitlines()
            cell.source = "\n".join(line for line in lines if "set_seed(" not in line)
    return [with_common_mistakes(notebook), without_seeds]
