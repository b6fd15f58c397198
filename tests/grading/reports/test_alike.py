"""Tests of the hint on solutions that share rare marks, which brevity does not explain."""

import random

from grading.reports.alike import alike, marks

GIVEN = [
    """
def weights_init_uniform_rule(m):
    # Only linear layers have weights of this kind.
    if isinstance(m, nn.Linear):
        n = m.in_features
        y = 1.0 / np.sqrt(n)
        m.weight.data.uniform_(-y, y)
        m.bias.data.fill_(0)
"""
]
USUAL = """
def weights_init_normal(m):
    if isinstance(m, nn.Linear):
        n = m.in_features
        y = 1.0 / np.sqrt(n)
        m.weight.data.normal_(0, y)
        m.bias.data.fill_(0)
"""
COPIED = """
def weights_init_normal(m):
    # dont forget the bais!!
    if isinstance(m, nn.Linear):
        wurzel = m.in_features ** (1 / 2)
        streuung = 1 / wurzel  # hope this is rihgt
        m.weight.data.normal_(0, streuung)
        m.bias.data -= m.bias.data
"""


def of_class(**others: str) -> dict[str, frozenset[str]]:
    """Return the marks of a class of 30 with the usual solution, and of others."""
    sources = {f"usual{number}": USUAL for number in range(30)} | others
    return {student: marks([source], GIVEN) for student, source in sources.items()}


def test_marks_leave_out_what_was_given() -> None:
    found = marks([USUAL], GIVEN)
    assert found == {"name weights_init_normal", "statement name1.weight.data.normal_(0, name3)"}


def test_equal_short_solutions_are_no_hint() -> None:
    assert alike(of_class()) == []


def test_rare_marks_in_common_are_listed() -> None:
    [group] = alike(of_class(eve=COPIED, mallory=COPIED))
    assert group.students == ("eve", "mallory")
    assert group.expected < 0.001
    assert ("comment dont forget the bais!!", 2) in group.marks
    assert all(count == 2 for mark, count in group.marks if mark.startswith("comment"))


def test_other_names_hide_nothing_else() -> None:
    renamed = COPIED.replace("wurzel", "root").replace("streuung", "std")
    [group] = alike(of_class(eve=COPIED, mallory=renamed))
    assert not any(mark in ("name wurzel", "name root") for mark, _ in group.marks)
    assert any(mark.startswith("statement") for mark, _ in group.marks)


def test_what_many_share_is_no_hint() -> None:
    # As when half of the class followed the same tutorial.
    many = {f"reader{number}": COPIED for number in range(30)}
    assert alike(of_class(**many)) == []


def test_three_are_one_group() -> None:
    [group] = alike(of_class(eve=COPIED, mallory=COPIED, trudy=COPIED))
    assert group.students == ("eve", "mallory", "trudy")


def test_independent_choices_are_rarely_listed() -> None:
    # Everybody draws from a pool of marks. Over 200 classes of 30 the expected number of pairs
    # listed in a class is below 0.05 by definition, so in all of them below 10; the chance of 24
    # or more, Poisson with mean 10, is below 1e-4.
    listed = 0
    for seed in range(200):
        generator = random.Random(seed)
        pool = [(f"mark {number}", generator.random()) for number in range(12)]
        students = {
            f"s{number}": frozenset(name for name, share in pool if generator.random() < share)
            for number in range(30)
        }
        listed += sum(len(group.students) - 1 for group in alike(students))
    assert listed < 24


def test_code_that_is_no_python() -> None:
    assert marks(["def f(:\n    # mine"], GIVEN) == {"comment mine"}
    assert marks(["%matplotlib inline"], GIVEN) == frozenset()
    assert alike({}) == []
