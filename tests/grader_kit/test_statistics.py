"""Tests of the two rates that every test of random numbers states: false alarms, and power.

Shares of repetitions are binomial. Every bound below is exceeded with probability 1e-9; seeds are
fixed all the same.
"""

from collections.abc import Callable
from functools import cache
from math import comb

import numpy as np
import pytest
from scipy import stats

from grader_kit.judging.statistics.counts import (
    overlap_power,
    overlap_test,
    proportion_power,
    proportion_test,
)
from grader_kit.judging.statistics.moments import (
    Result,
    deviation_power,
    deviation_test,
    mean_power,
    mean_test,
)
from grader_kit.judging.statistics.size import OutOfReach, needed_size

TIMES = 4000
LEVEL = 0.02
SIZE = 60
SURE = 1e-9

Draw = Callable[[np.random.Generator], Result]


def marks(rng: np.random.Generator, share: float, size: int) -> np.ndarray:
    return rng.random(size) < share


@cache
def proportion(count: int) -> Result:
    """Test so many marks of 200; where they lie decides on nothing, so that once is enough."""
    return proportion_test(np.arange(200) < count, 0.3, LEVEL)


@cache
def overlap(both: int) -> Result:
    """Mark 90 of 300 places in each half, so many of them in both."""
    places = np.arange(300)
    return overlap_test(places < 90, (places < both) | (places >= 210 + both), LEVEL)


def fisher(rng: np.random.Generator, odds: float) -> int:
    """Draw by Fisher's distribution how many of 90 marks of 300 lie in both halves."""
    return int(stats.nchypergeom_fisher.rvs(300, 90, 90, odds, random_state=rng))


RIGHT: dict[str, Draw] = {
    "mean": lambda rng: mean_test(rng.normal(3, 2, SIZE), 3, LEVEL),
    "deviation": lambda rng: deviation_test(rng.normal(3, 2, SIZE), 2, LEVEL),
    "proportion": lambda rng: proportion(int(marks(rng, 0.3, 200).sum())),
    "overlap": lambda rng: overlap_test(marks(rng, 0.3, 300), marks(rng, 0.6, 300), LEVEL),
}
OFF: dict[str, tuple[Draw, float]] = {
    "mean": (
        lambda rng: mean_test(rng.normal(3.7, 2, SIZE), 3, LEVEL),
        mean_power(SIZE, 0.35, LEVEL),
    ),
    "deviation": (
        lambda rng: deviation_test(rng.normal(3, 2.6, SIZE), 2, LEVEL),
        deviation_power(SIZE, 1.3, LEVEL),
    ),
    "proportion": (
        lambda rng: proportion(int(marks(rng, 0.4, 200).sum())),
        proportion_power(200, 0.3, 0.4, LEVEL),
    ),
    "overlap": (lambda rng: overlap(fisher(rng, 2.0)), overlap_power(300, 90, 90, 2.0, LEVEL)),
}


def failures(draw: Draw) -> int:
    rng = np.random.default_rng(20241125)
    return sum(not draw(rng).passed for _ in range(TIMES))


@pytest.mark.parametrize("name", RIGHT)
def test_right_work_fails_at_the_stated_rate(name: str) -> None:
    failed = failures(RIGHT[name])
    assert failed <= stats.binom.isf(SURE, TIMES, LEVEL)
    if name in ("mean", "deviation"):
        # Counts are whole, so that their tests may be more lenient; these are exact.
        assert failed >= stats.binom.ppf(SURE, TIMES, LEVEL)


@pytest.mark.parametrize("name", OFF)
def test_work_that_is_off_fails_at_the_stated_rate(name: str) -> None:
    draw, power = OFF[name]
    assert 0.3 < power < 0.9
    failed = failures(draw)
    assert stats.binom.ppf(SURE, TIMES, power) <= failed <= stats.binom.isf(SURE, TIMES, power)


def test_work_that_is_not_off_has_the_power_of_a_false_alarm() -> None:
    for level in (1e-2, 1e-11):
        assert mean_power(SIZE, 0, level) == pytest.approx(level, rel=1e-3)
        assert deviation_power(SIZE, 1, level) == pytest.approx(level, rel=1e-3)
        assert proportion_power(SIZE, 0.3, 0.3, level) <= level
        assert overlap_power(300, 90, 90, 1, level) <= level


@pytest.mark.parametrize("level", [0.05, 1e-4, 1e-9])
def test_bounds_are_where_the_p_value_crosses_the_level(level: float) -> None:
    for count in range(41):
        found = proportion_test(np.arange(40) < count, 0.3, level)
        assert found.passed == (found.low <= found.value <= found.high)
    for count in range(11):
        found = overlap_test(np.arange(40) < 10, np.abs(np.arange(40) - 20 + count) <= 9.5, level)
        assert found.passed == (found.low <= found.value <= found.high)
    rng = np.random.default_rng(5)
    for shift in np.linspace(-3, 3, 61):
        values = rng.normal(shift, np.exp(shift), SIZE)
        for found in (mean_test(values, 0, level), deviation_test(values, 1, level)):
            assert found.passed == (found.low <= found.value <= found.high)


def test_far_tails_are_exact() -> None:
    """By whole numbers, far below the levels that criteria use."""
    total, one, other = 200, 60, 70
    both = 48
    ways = sum(comb(one, k) * comb(total - one, other - k) for k in range(both, one + 1))
    places = np.arange(total)
    found = overlap_test(places < one, (places >= one - both) & (places < one - both + other), 0.5)
    assert found.value == both / total
    assert found.p == pytest.approx(2 * ways / comb(total, other), rel=1e-9)
    assert found.p < 1e-14


def test_a_mask_for_all_rows_counts_as_one_row() -> None:
    row = np.arange(100) < 45
    assert proportion_test(np.tile(row, (50, 1)), 0.3, 1e-9).passed
    assert not proportion_test(np.tile(row, 50), 0.3, 1e-9).passed


def test_equal_values_fail_any_other_mean() -> None:
    assert mean_test(np.full(5, 2.0), 2, LEVEL).passed
    assert not mean_test(np.full(5, 2.0), 2.1, LEVEL).passed


class TestNeededSize:
    def test_it_is_the_least(self) -> None:
        for power in (
            lambda n: mean_power(n, 0.05, 1e-10),
            lambda n: deviation_power(n, 1.05, 1e-10),
        ):
            size = needed_size(power, miss=1e-3)
            assert power(size) >= 1 - 1e-3 > power(size - 1)

    def test_it_agrees_with_the_normal_approximation(self) -> None:
        level, miss, shift = 1e-10, 1e-3, 0.02
        size = needed_size(lambda n: mean_power(n, shift, level), miss)
        near = ((stats.norm.isf(level / 2) + stats.norm.isf(miss)) / shift) ** 2
        assert size == pytest.approx(near, rel=1e-3)

    def test_out_of_reach(self) -> None:
        with pytest.raises(OutOfReach, match="missed more often"):
            needed_size(lambda n: deviation_power(n, 1.0, 1e-10), 1e-3)
