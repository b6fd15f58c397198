"""Tests that no code a student may write ends whoever reads it."""

import pytest

from grading.reports.student_code import first_function

DEEP = {
    "a sum of 1,000 terms": "y = " + " + ".join(["1"] * 1000),
    "a sum of 5,000 terms": "y = " + "+".join(["1"] * 5000),
    "a chain of calls": "y = a" + ".b()" * 3000,
    "a chain of items": "y = a" + "[0]" * 5000,
    "minus signs": "y = " + "-" * 15_000 + "1",
    "not": "y = " + "not " * 4000 + "1",
    "functions within functions": "y = " + "lambda: " * 2000 + "1",
    "brackets": "y = " + "[" * 150 + "]" * 150,
    "too many brackets": "y = " + "(" * 9000 + ")" * 9000,
    "blocks within blocks": "\n".join(" " * depth + "if 1:" for depth in range(99)) + " pass",
    "a chain of elif": "if 1: pass\n" + "elif 1: pass\n" * 1500,
    "conditions": "y = " + "1 if 1 else " * 1500 + "1",
    "powers": "y = " + "2**" * 3000 + "1",
    "comparisons": "y = " + "1 < " * 4000 + "1",
    "a long number": "y = 0x" + "f" * 10_000,
    "a longer number": "y = " + "9" * 10_000,
    "quotes within quotes": "y = f'''{a[\"x\"]}{\"\\n\".join(b)}'''",
    "a zero byte": "y = '\0'",
    "half a character": "y = '\ud800'",
    "10 MB": "y = 1 # " + "x" * 10_000_000,
    "an open text": '"""' + "\n" * 15_000,
    "continued lines": "y = \\\n" * 5000,
}


@pytest.mark.parametrize("code", DEEP.values(), ids=list(DEEP))
@pytest.mark.parametrize("within", ["{}", "def f(m):\n    {}\n    return y"])
def test_any_code_is_read_or_passed_over(code: str, within: str) -> None:
    source = within.format(code.replace("\n", "\n    ") if "def" in within else code)
    assert isinstance(first_function(source), str)


def test_ordinary_code_comes_back_without_what_names_somebody() -> None:
    code = "x = 1  # one\n\ndef f(m):\n    'By Ada.'\n    return m  # Ada's\n"
    assert first_function(code) == "def f(m):\n    return m"
