"""Says in a sentence, in place of a traceback, that a cell further up has not been run."""

import sys
from types import TracebackType
from typing import Any

from .language import translate

_MADE_IN = {
    "Data": "np torch F nn train_loader valid_loader test_loader classes",
    "A look at the data": "images labels",
    "The model": "Net",
    "All zeros or all ones": "model_0 model_1",
    "Uniform baseline": "weights_init_uniform model_uniform",
    "The general rule": (
        "weights_init_uniform_center weights_init_uniform_rule model_centered model_rule"
    ),
    "Exercise 1: Normal weights": "weights_init_normal model_uniform_rule model_normal_rule",
    "Exercise 2: Default initialization": "model_default",
}
SECTIONS = {name: section for section, names in _MADE_IN.items() for name in names.split()}
"""Names that given cells of the lesson make, to the section that each stands in."""


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
        "Above Selected Cell), then this one again.",
        name=name,
        section=translate(SECTIONS[name]),
    )


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
