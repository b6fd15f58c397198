"""Says in a sentence, in place of a traceback, that a cell further up has not been run."""

import sys
from types import TracebackType
from typing import Any

from .language import translate

# Names that given cells of the lesson make, and the section each stands in.
SECTIONS = {
    "np": "Data",
    "torch": "Data",
    "F": "Data",
    "nn": "Data",
    "train_loader": "Data",
    "valid_loader": "Data",
    "test_loader": "Data",
    "classes": "Data",
    "images": "A look at the data",
    "labels": "A look at the data",
    "Net": "The model",
    "model_0": "All zeros or all ones",
    "model_1": "All zeros or all ones",
    "weights_init_uniform": "Uniform baseline",
    "model_uniform": "Uniform baseline",
    "weights_init_uniform_center": "The general rule",
    "weights_init_uniform_rule": "The general rule",
    "model_centered": "The general rule",
    "model_rule": "The general rule",
    "weights_init_normal": "Exercise 1: Normal weights",
    "model_uniform_rule": "Exercise 1: Normal weights",
    "model_normal_rule": "Exercise 1: Normal weights",
    "model_default": "Exercise 2: Default initialization",
}


def explain_unrun_cells() -> None:
    """From now on, explain a missing name of the lesson where the lesson runs in a notebook.

    The error stays an error of the same type and text; only what is shown of it is shorter.
    Anything else, a name that a student mistyped for example, keeps its traceback.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_custom_exc((NameError,), _explain)


def sentence(name: str) -> str | None:
    """Say which section makes `name`, or return None if the lesson does not."""
    if name not in SECTIONS:
        return None
    return translate(
        "`{name}` does not exist yet: it is made in the section “{section}”, and that cell has "
        "not been run since the kernel started. Run the cells from the top (menu Run, Run All "
        "Above Selected Cell), then this one again."
    ).format(name=name, section=translate(SECTIONS[name]))


def _explain(
    shell: Any,
    kind: type[BaseException],
    error: Any,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """Show `error`; IPython calls this as `set_custom_exc` describes."""
    # A subclass, UnboundLocalError, speaks of a name inside a function: a mistake, not a cell.
    told = sentence(str(error.name)) if kind is NameError else None
    if told is not None:
        # IPython shows these lines in place of a traceback.
        error._render_traceback_ = lambda: [told]
    shell.showtraceback((kind, error, traceback), tb_offset, running_compiled_code=True)
