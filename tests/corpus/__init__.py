"""The corpus: ways to write `weights_init_normal`, as data, with what each of them should score.

The files `right*.toml` hold ways that get full points, `wrong*.toml` ways that do not.
"""

import linecache
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

_FOLDER = Path(__file__).parent
_GUARD = """\
def weights_init_normal(m):
    classname = m.__class__.__name__
    if classname.find('Linear') != -1:
        n = m.in_features
        y = 1.0 / np.sqrt(n)
"""
# One letter for each criterion, in the order of the notebook.
CRITERIA = {
    "L": "test_normal_layers",
    "M": "test_normal_mean",
    "S": "test_normal_std",
    "H": "test_normal_shape",
    "B": "test_normal_bias",
}


@dataclass(frozen=True)
class Submission:
    """One way to write the function.

    Attributes:
        name: what the tests call it.
        source: the cell.
        passes: the criteria that it should pass.
        either: the criteria that chance decides: what is wrong there is at the edge of what the
            judge can see.
        skips: the criteria for which it should count as not attempted.
        mistakes: for each criterion that it fails, the names of mistakes of which one should be
            found.
    """

    name: str
    source: str
    passes: frozenset[str]
    either: frozenset[str]
    skips: frozenset[str]
    mistakes: Mapping[str, tuple[str, ...]]

    def function(self) -> Callable[[nn.Module], Any]:
        """Run the cell as a notebook would, and return what it defines."""
        place = f"<cell {self.name}>"
        # Where tracebacks look for the lines of code that stands in no file.
        lines = self.source.splitlines(keepends=True)
        linecache.cache[place] = (len(self.source), None, lines, place)
        namespace: dict[str, Any] = {"np": np, "torch": torch, "nn": nn, "F": F}
        exec(compile(self.source, place, "exec"), namespace)
        function: Callable[[nn.Module], Any] = namespace["weights_init_normal"]
        return function


def load(kind: str) -> list[Submission]:
    """Return the submissions of one kind, "right" or "wrong"."""
    passes = "LMSHB" if kind == "right" else None
    return [
        _submission(entry, passes)
        for path in sorted(_FOLDER.glob(f"{kind}*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["submission"]
    ]


def _submission(entry: dict[str, Any], passes: str | None) -> Submission:
    inside = entry.get("inside")
    source = entry["source"] if inside is None else _GUARD + textwrap.indent(inside, " " * 8)
    passed = frozenset(CRITERIA[letter] for letter in passes or entry["passes"])
    return Submission(
        name=entry["name"],
        source=source.strip() + "\n",
        passes=passed,
        either=frozenset(CRITERIA[letter] for letter in entry.get("either", "")),
        skips=frozenset(CRITERIA[letter] for letter in entry.get("skips", "")),
        mistakes=_mistakes(entry.get("mistake", {}), frozenset(CRITERIA.values()) - passed),
    )


def _mistakes(
    expected: str | list[str] | dict[str, str | list[str]], failed: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Return the mistakes expected for each criterion that is failed.

    Where they differ, `expected` maps the criteria's letters to them.
    """
    found = {}
    for letter, criterion in CRITERIA.items():
        if criterion in failed:
            names = expected[letter] if isinstance(expected, dict) else expected
            found[criterion] = (names,) if isinstance(names, str) else tuple(names)
    return found
