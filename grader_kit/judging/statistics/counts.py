"""Tests of counts: how many entries are marked, and whether marks are set independently. Exact."""

import numpy as np
from scipy import stats

from .moments import Result, design_effect


def proportion_test(marks: np.ndarray, expected: float, level: float) -> Result:
    """Test that marks are set with probability `expected`, whether or not independently.

    The count of N independent marks is binomial. The p-value is twice the smaller tail, the bounds
    are the counts of which each tail keeps level / 2; since a count is whole, right work fails
    with probability `level` at most. Marks that a row or a column shares count as so many fewer
    (`design_effect`).

    Args:
        marks: boolean, of any shape.
        expected: the probability of a mark in right work.
        level: the probability with which right work fails, at most.

    Returns:
        With value and bounds as shares of N.
    """
    share = float(marks.mean())
    total = max(1, round(marks.size / design_effect(marks - share)))
    count = round(share * total)
    low, high = _binomial_bounds(total, expected, level)
    tails = stats.binom.cdf(count, total, expected), stats.binom.sf(count - 1, total, expected)
    p = float(min(1.0, 2 * min(tails)))
    return Result(share, low / total, high / total, p, level)


def proportion_power(total: int, expected: float, actual: float, level: float) -> float:
    """Return the probability that `proportion_test` fails marks set with probability `actual`."""
    low, high = _binomial_bounds(total, expected, level)
    marks = stats.binom(total, actual)
    return float(marks.cdf(low - 1) + marks.sf(high))


def _binomial_bounds(total: int, share: float, level: float) -> tuple[int, int]:
    # The upper bound by way of the entries without a mark: isf would lose digits.
    low = stats.binom.ppf(level / 2, total, share)
    return int(low), total - int(stats.binom.ppf(level / 2, total, 1 - share))


def overlap_test(first: np.ndarray, second: np.ndarray, level: float) -> Result:
    """Test that the marks of one half tell nothing of those in the other, whatever their shares.

    Of N places, a are marked in the first half and b in the second. If all marks are independent
    and equally probable, then, given a and b, those marked in both follow the hypergeometric
    distribution: Fisher's exact test (1935). The probability of a mark does not enter.

    Args:
        first: boolean, of any shape: rows with even numbers, say, or one call.
        second: of the same shape: rows with odd numbers, or another call.
        level: the probability with which independent marks fail, at most.

    Returns:
        With value and bounds as shares of N.
    """
    total, one, other = first.size, int(first.sum()), int(second.sum())
    both = int((first & second).sum())
    low, high = _overlap_bounds(total, one, other, level)
    law = (total, one, other)
    tails = stats.hypergeom.cdf(both, *law), stats.hypergeom.sf(both - 1, *law)
    p = float(min(1.0, 2 * min(tails)))
    return Result(both / total, low / total, high / total, p, level)


def overlap_power(total: int, first: int, second: int, odds: float, level: float) -> float:
    """Return the probability that `overlap_test` fails marks that depend on each other.

    Given the counts of marks, those in both then follow Fisher's noncentral hypergeometric
    distribution.

    Args:
        total: N places.
        first: marks in the first half.
        second: marks in the second half.
        odds: the odds of a mark beside a mark over those beside none; 1 if independent.
        level: as for the test.
    """
    low, high = _overlap_bounds(total, first, second, level)
    marks = stats.nchypergeom_fisher(total, first, second, odds)
    return float(marks.cdf(low - 1) + marks.sf(high))


def _overlap_bounds(total: int, first: int, second: int, level: float) -> tuple[int, int]:
    # The upper bound by way of the marks that lie beside none.
    low = stats.hypergeom.ppf(level / 2, total, first, second)
    return int(low), first - int(stats.hypergeom.ppf(level / 2, total, first, total - second))
