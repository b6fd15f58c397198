"""What names an assignment's observations: package, criteria, seed; and how one is sent off."""

import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from zlib import crc32

import numpy as np

from .errors import CriterionFailed, UnknownCriterion

Record = dict[str, object]
"""A JSON object."""


@dataclass(frozen=True)
class Format:
    """The names of an assignment's observations, which probe, judge and engine share.

    Attributes:
        package: with the hidden tests, in the course root; its `judge` has a function `judge`.
        criteria: the grade ids of the hidden tests, in the notebook's order.
        version: raised whenever the meaning of an observation changes.
    """

    package: str
    criteria: tuple[str, ...]
    version: int = 1

    @property
    def mime_type(self) -> str:
        """The only key of the display message that carries an observation."""
        return f"application/vnd.{self.package.replace('_', '-')}.observation+json"

    @property
    def seed_variable(self) -> str:
        """The environment variable with the seed of a grading, a decimal integer from 0."""
        return f"{self.package.upper()}_SEED"

    def seed(self) -> int:
        """Return the grading's seed; a new one where there is no grading.

        Raises:
            ValueError: the environment's seed is not such a number.
        """
        return seed_in(self.seed_variable)

    def head(self, criterion: str, seed: int) -> Record:
        """Return what every observation begins with."""
        return {"version": self.version, "criterion": criterion, "seed": str(seed)}

    def streams(
        self, seed: int, criterion: str
    ) -> tuple[np.random.Generator, np.random.SeedSequence]:
        """Return what a criterion's settings are drawn with, and what seeds student code's draws.

        Raises:
            UnknownCriterion: there is no such criterion.
        """
        return streams(seed, criterion, self.criteria)

    def report(self, observation: Mapping[str, object]) -> None:
        """Send an observation off as a display message, and judge it where that is possible.

        Raises:
            CriterionFailed: the judging side is here, and the criterion is not met.
        """
        emit(self.mime_type, observation)
        try:
            judge = import_module(f"{self.package}.judge").judge
        except ImportError:
            return
        verdict = judge(observation["criterion"], observation)
        if not verdict.passed:
            raise CriterionFailed(verdict.sentence)
        print(verdict.sentence)


def seed_in(variable: str) -> int:
    """Return the seed that an environment variable holds; a new one where it holds none."""
    return int(os.environ.get(variable) or secrets.randbits(64))


def streams(
    seed: int, criterion: str, criteria: Collection[str]
) -> tuple[np.random.Generator, np.random.SeedSequence]:
    """Return what a criterion's settings are drawn with, and what seeds student code's draws.

    Both come from the criterion's grade id, so that none depends on which others there are.

    Raises:
        UnknownCriterion: there is no such criterion.
    """
    if criterion not in criteria:
        raise UnknownCriterion(f"{criterion} is none of the criteria {', '.join(criteria)}.")
    ours, theirs = np.random.SeedSequence([seed, crc32(criterion.encode())]).spawn(2)
    return np.random.default_rng(ours), theirs


def emit(mime_type: str, observation: Mapping[str, object]) -> None:
    """Send an observation as a display message, if there is anyone to send it to.

    In a kernel it goes past all that a notebook may have changed for itself: standard output and
    error, `display`, the shell's publisher and hooks.
    """
    from ipykernel.kernelapp import IPKernelApp
    from IPython.core.interactiveshell import InteractiveShell

    if IPKernelApp.initialized() and (kernel := IPKernelApp.instance().kernel) is not None:
        content = {"data": {mime_type: observation}, "metadata": {}, "transient": {}}
        parent = kernel.get_parent("shell")
        kernel.session.send(kernel.iopub_socket, "display_data", content, parent=parent)
    # Without a shell, display would print the observation.
    elif InteractiveShell.initialized():
        from IPython.core.display_functions import display

        display({mime_type: observation}, raw=True)
