"""Tests that docs/safety.md names tests that attack each wall, and that they are there."""

import re

from tests.scratch_course import COURSE_ROOT

TEXT = (COURSE_ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
_, _, AFTER = TEXT.partition("| between | wall | attacked in |\n")
ROWS = [
    [part.strip() for part in line.strip("|").split("|")]
    for line in AFTER.partition("\n\n")[0].splitlines()[1:]
]


def test_each_wall_names_tests_that_are_there() -> None:
    assert len(ROWS) == 9
    for between, wall, attacked in ROWS:
        assert between
        assert wall
        named = re.findall(r"`(tests/[\w/]+\.py)`", attacked)
        assert named, between
        for name in named:
            assert "\ndef test_" in (COURSE_ROOT / name).read_text(encoding="utf-8").replace(
                "    def test_", "def test_"
            ), name
