"""Tests that work on a student's text ends at its limits, and that other texts have their turn."""

import os
import signal
import time
from pathlib import Path

import pytest

from grading.feedback.limited_work import WorkLimits, work_through

SHORT = WorkLimits(seconds=0.5, all_seconds=2, mebibytes=256)


def work(piece: str) -> str:
    """Do what a parser might: end, fail, run for ever, fill the memory, or crash."""
    match piece:
        case "raise":
            raise ValueError(piece)
        case "deep":
            return work(piece)
        case "spin":
            while True:
                pass
        case "fill":
            return str(len([bytes(2**20) for _ in range(2**20)]))
        case "large":
            return "é" * 2**20
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(0)
    return piece.upper()


@pytest.mark.parametrize("fault", ["raise", "deep", "spin", "fill", "crash", "exit"])
def test_only_the_piece_at_fault_has_no_result(fault: str) -> None:
    began = time.monotonic()
    assert work_through(work, ["a", fault, "b"], SHORT) == ["A", None, "B"]
    assert time.monotonic() - began < 30


def test_result_of_any_size_comes_back() -> None:
    assert work_through(work, ["large", "ü"], SHORT) == ["é" * 2**20, "Ü"]


def test_what_spins_together_ends_too() -> None:
    began = os.times().children_user
    results = work_through(work, ["a", *["spin"] * 50, "b"], SHORT)
    assert results == ["A", *[None] * 51]
    assert os.times().children_user - began < 10


def children() -> set[str]:
    """The processes that this one has started, those that nobody has waited for included."""
    return {
        number
        for path in Path("/proc/self/task").glob("*/children")
        for number in path.read_text().split()
    }


def test_no_child_is_left() -> None:
    before = children()
    work_through(work, ["spin", "a"], SHORT)
    assert children() <= before


def test_nothing_to_do_takes_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert work_through(work, []) == []
