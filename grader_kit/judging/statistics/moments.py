"""Tests of the mean and the standard deviation of independent normal values, exact for any number.

A p-value is the probability that right values look at least as unusual. Criteria compare it with
levels far below one in a billion, so that it has to be exact or an upper bound; an approximation
that is good in the middle only would not do.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Result:
    """The outcome of a test.

    Attributes:
        value: what was measured.
        low: the least that right work has, but for `level`.
        high: the most.
        p: the probability that right work looks at least as unusual.
        level: the probability with which right work fails.
    """

    value: float
    low: float
    high: float
    p: float
    level: float

    @property
    def passed(self) -> bool:
        """Whether right work would look like this often enough."""
        return self.p >= self.level


def student_p(t: float, freedom: int) -> float:
    """Return the two-sided p-value of Student's t."""
    return float(2 * stats.t.sf(abs(t), freedom))


def chi_square_p(squares: float, freedom: int) -> float:
    """Return the two-sided p-value of a chi-square variable, twice the smaller tail."""
    tail = min(stats.chi2.cdf(squares, freedom), stats.chi2.sf(squares, freedom))
    return float(min(1.0, 2 * tail))


def mean_test(values: np.ndarray, expected: float, level: float) -> Result:
    """Test that the mean is `expected`, whatever the deviation.

    For N independent normal values, (mean - expected) / (s / sqrt(N)) follows Student's t
    distribution with N - 1 degrees of freedom, s the sample deviation (Student 1908).

    Args:
        values: at least two, finite.
        expected: the mean of right values.
        level: the probability with which right values fail.
    """
    size, mean = values.size, float(values.mean())
    error = float(values.std(ddof=1)) / size**0.5
    if error == 0:
        return Result(mean, expected, expected, float(mean == expected), level)
    reach = float(stats.t.isf(level / 2, size - 1)) * error
    p = student_p((mean - expected) / error, size - 1)
    return Result(mean, expected - reach, expected + reach, p, level)


def mean_power(size: int, shift: float, level: float) -> float:
    """Return the probability that `mean_test` fails values whose mean is off by `shift`.

    Student's t is then (Z + shift sqrt(N)) / (s / y), Z standard normal and the ratio s / y, by
    Helmert, independent of it: the normal probability is averaged over the ratio's quantiles, by
    Gauss and Legendre's rule. (SciPy's noncentral t loses its digits at such levels.)

    Args:
        size: N, how many values.
        shift: in standard deviations of a value.
        level: as for the test.
    """
    cut = float(stats.t.isf(level / 2, size - 1))
    # Quantiles by way of the normal ones, whose far tails decide at far levels.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    normal, weights = 10 * nodes, 10 * weights * stats.norm.pdf(10 * nodes)
    squares = np.where(
        normal < 0,
        stats.chi2.ppf(stats.norm.cdf(normal), size - 1),
        stats.chi2.isf(stats.norm.sf(normal), size - 1),
    )
    ratios = (squares / (size - 1)) ** 0.5
    moved = abs(shift) * size**0.5
    tails = stats.norm.sf(cut * ratios - moved) + stats.norm.cdf(-cut * ratios - moved)
    return float(weights @ tails)


def deviation_test(values: np.ndarray, expected: float, level: float) -> Result:
    """Test that the standard deviation is `expected`, whatever the mean.

    For N independent normal values of deviation y, (N - 1) s^2 / y^2 follows the chi-square
    distribution with N - 1 degrees of freedom (Helmert 1876).

    Args:
        values: at least two, finite.
        expected: y, the deviation of right values.
        level: the probability with which right values fail.
    """
    deviation, freedom = float(values.std(ddof=1)), values.size - 1
    low, high = deviation_bounds(values.size, level)
    p = chi_square_p(freedom * (deviation / expected) ** 2, freedom)
    return Result(deviation, low * expected, high * expected, p, level)


def deviation_bounds(count: int, level: float) -> tuple[float, float]:
    """Return between which ratios the deviation of `count` right values lies.

    The ratio is that of the sample deviation to the true one; it lies outside with probability
    `level`.
    """
    freedom = count - 1
    low, high = stats.chi2.ppf(level / 2, freedom), stats.chi2.isf(level / 2, freedom)
    return float((low / freedom) ** 0.5), float((high / freedom) ** 0.5)


def deviation_power(size: int, ratio: float, level: float) -> float:
    """Return the probability that `deviation_test` fails values with `ratio` times the deviation.

    Their (N - 1) s^2 / (ratio y)^2 is chi-square, so the bounds are divided by the ratio.
    """
    low, high = (bound / ratio for bound in deviation_bounds(size, level))
    chi2 = stats.chi2(size - 1)
    return float(chi2.cdf((size - 1) * low**2) + chi2.sf((size - 1) * high**2))


def design_effect(scores: np.ndarray) -> float:
    """Return by how much dependence widens the variance of the mean of `scores`, at least 1.

    One row drawn for all is not independent, and another criterion fails it for that; but its mean
    and deviation vary as those of one row, and should not fail by that. The design effect (Kish,
    Survey Sampling, 1965) compares the variance between rows, or between columns, with that of
    independent draws. Half of it is taken, so that its own chance excess over 1 costs next to no
    power. It only ever makes a test more lenient, so that the p-values stay bounds.

    Args:
        scores: of mean 0.
    """
    if scores.ndim != 2 or min(scores.shape) < 2:
        return 1.0
    variance = float(scores.var())
    if variance == 0:
        return 1.0
    rows, columns = scores.shape
    between_rows = float(scores.mean(axis=1).var(ddof=1)) * columns / variance
    between_columns = float(scores.mean(axis=0).var(ddof=1)) * rows / variance
    return max(1.0, between_rows / 2, between_columns / 2)
