"""Tests what an assignment's module may leave out, and what is said of what it may not."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from grading.assignment import OPTIONAL, AssignmentNotFound, Assignments
from grading.intake.working_folder import reserved_names

NEEDED = {
    "MIME_TYPE": "application/vnd.small.observation+json",
    "SEED_VARIABLE": "SMALL_SEED",
    "CRITERIA": ("test_small",),
    "INSIDE": (Path("course/small_tests/__init__.py"), Path("course/small_tests/probe.py")),
    "judge": print,
    "no_observation": print,
}


def module(monkeypatch: pytest.MonkeyPatch, **names: object) -> Assignments:
    """Return settings that name a module with these names."""
    made = ModuleType("small_tests")
    vars(made).update(names)
    monkeypatch.setitem(sys.modules, "small_tests", made)
    return Assignments(modules={"small": "small_tests"})


def test_what_is_left_out_stands_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assignment = module(monkeypatch, **NEEDED).of("small")
    assert assignment is not None
    assert {name for name in OPTIONAL if not hasattr(assignment, name)} == set()
    assert assignment.evidence("test_small", {}, "en") is None
    assert assignment.title("test_small", "en") == "test_small"
    assert assignment.note(["A sentence."], "en") == ""
    assert assignment.variants(None) == []  # type: ignore[arg-type]  # it looks at none


def test_what_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assignment = module(monkeypatch, **NEEDED, IMPORTS=("torch",)).of("small")
    assert assignment is not None
    assert assignment.IMPORTS == ("torch",)


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    names = {key: value for key, value in NEEDED.items() if key != name}
    with pytest.raises(AssignmentNotFound, match=f"small_tests for small, which lacks {name};"):
        module(monkeypatch, **names).of("small")


def test_hidden_tests_are_not_the_students_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = reserved_names(module(monkeypatch, **NEEDED).of("small"))
    assert reserved == (Path("language.txt"), Path("small_tests/__init__.py"))
    assert reserved_names(None) == (Path("language.txt"),)
