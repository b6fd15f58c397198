"""Tests that page and list of expected differences agree, and that plain nbgrader is noticed."""

import ast

import pytest

from tests.peer.__main__ import SETTINGS, run
from tests.peer.listed import TESTS, kinds
from tests.scratch_course import COURSE_ROOT

PAGE = COURSE_ROOT / "docs" / "nbgrader_compatibility.md"


def test_the_page_has_each_kind_with_its_number_and_reason() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    expected = [f"| {name} | {len(kind.tests)} | {kind.reason} |" for name, kind in kinds().items()]
    assert rows[2:] == expected


def test_a_test_is_listed_once_and_is_one_of_nbgraders() -> None:
    listed = [test for kind in kinds().values() for test in kind.tests]
    assert len(listed) == len(set(listed))
    for test in listed:
        file, group, name = test.partition("[")[0].split("::")
        (tests,) = (
            {node.name for node in each.body if isinstance(node, ast.FunctionDef)}
            for each in ast.parse((TESTS / file).read_text(encoding="utf-8")).body
            if isinstance(each, ast.ClassDef) and each.name == group
        )
        assert name in tests, test


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "status"), [(SETTINGS, 0), ("c = get_config()\n", 1)])
def test_plain_nbgrader_is_noticed(
    settings: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["-k", "TestNbGraderDb and test_no_args"], settings) == status
    said = "1 passed" if settings == SETTINGS else "settings are not in force"
    assert said in capfd.readouterr().out
