"""Tests that weights follow a normal distribution, whatever its mean and deviation.

Each layer's weights are first standardized by their own mean and deviation. Textbook tests for
that case (Lilliefors, Anderson-Darling, Jarque-Bera) know their distribution by simulation or in
the limit, down to one per cent or so; here levels near 1e-11 are needed. So every p-value below
is an upper bound that holds for every sample size:

By Basu's theorem (1955) the standardized values r are independent of the sample mean and
deviation. Let z = m + s r be values with the true mean 0 and deviation 1, (m, s) independent of r.
Where r is unusual, z is at least as unusual whenever (m, s) lies in a favourable set, for example
m >= 0 and s >= 1 for too many values above c > 0. The set has a probability q that is known. Then
P(r unusual) * q <= P(z unusual), and for z, independent and fully specified, exact tests exist.
"""

from collections.abc import Sequence
from functools import cache
from math import atan, exp, log, pi, sqrt

import numpy as np
from scipy import special, stats

from .kolmogorov import distance_p, kolmogorov_distance
from .moments import Evidence, Layer

_CUTS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
# m is normal around 0 and s nearly so around 1; over samples of 2,000 and more the probability of
# each sign differs from 1/2 by less than 0.01.
_SIGN = 0.49


def normality_evidence(layers: Sequence[Layer]) -> list[Evidence]:
    """Test the shape of each layer's distribution, and of all together.

    Args:
        layers: none of them constant.
    """
    evidence = []
    everything = []
    for layer in layers:
        values = _sorted(layer)
        everything.append(values)
        evidence.append(Evidence("distribution", layer.title, kolmogorov_p(values, 1)))
        evidence += [
            Evidence(f"beyond {cut:g} deviations", layer.title, tail_p(values, cut, 1))
            for cut in (1.0, 2.0, 3.0)
        ]
    # Timsort merges what is sorted already, in a fifth of the time.
    pooled = np.sort(np.concatenate(everything), kind="stable")
    evidence.append(Evidence("distribution", "", kolmogorov_p(pooled, len(layers))))
    evidence += [
        Evidence(f"beyond {cut:g} deviations", "", tail_p(pooled, cut, len(layers)))
        for cut in _CUTS
    ]
    evidence.append(Evidence("flatness", "", flatness_p(pooled, len(layers))))
    return evidence


def _sorted(layer: Layer) -> np.ndarray:
    """Return the standardized weights in ascending order.

    Weights are float32, which sort in half the time of float64; standardizing keeps the order.
    """
    ordered = np.sort(layer.weights.astype(np.float32), axis=None).astype(np.float64)
    return (ordered - layer.weights.mean()) / layer.weights.std()


def kolmogorov_p(ordered: np.ndarray, groups: int) -> float:
    """Bound the p-value of the Kolmogorov-Smirnov distance D.

    `distance_p` bounds it for z. The favourable set: where the distribution of r is too high at x,
    that of z is at least as high if m <= 0, and s <= 1 for x >= 0 or s >= 1 for x < 0. So
    q = 1/4 in each group that was standardized by itself.

    Args:
        ordered: standardized values in ascending order.
        groups: number of layers that they come from.
    """
    # Two signs in each group.
    favourable = _SIGN ** (2 * groups)
    return min(
        1.0, distance_p(kolmogorov_distance(special.ndtr(ordered)), ordered.size) / favourable
    )


def tail_p(ordered: np.ndarray, cut: float, groups: int) -> float:
    """Bound the p-value of the number of values beyond `cut`, on both sides together.

    For z the number is binomial. The favourable set for too many is |m| <= (s - 1) cut, for too
    few |m| <= (1 - s) cut: with standard errors 1/sqrt(N) and 1/sqrt(2N), both nearly normal, it
    has probability atan(cut / sqrt(2)) / pi.
    """
    count = ordered.size
    inside = np.searchsorted(ordered, cut, "right") - np.searchsorted(ordered, -cut, "left")
    beyond = int(count - inside)
    share = 2 * special.ndtr(-cut)
    tail = min(
        stats.binom.cdf(beyond, count, share),
        stats.binom.sf(beyond - 1, count, share),
    )
    favourable = 0.98 * atan(cut / sqrt(2)) / pi
    return float(min(1.0, 2 * tail / favourable**groups))


def flatness_p(values: np.ndarray, groups: int) -> float:
    """Bound the p-value of a kurtosis below 3, the mark of tails cut off or mixed with uniform.

    The fourth Hermite polynomial h(z) = z^4 - 6 z^2 + 3 has mean 0, and its sum over standardized
    values is N (kurtosis - 3). For the sum over z the Cramér-Chernoff bound holds,
    P(sum <= -x) <= exp(-t x + N log E exp(-t h)) for every t > 0, and is nearly sharp.
    The favourable set: m of the sign that lowers the sum, and s within 1.5 standard errors on the
    side that lowers it, q = 1/2 * 0.43; it raises the sum by less than 20 per group, from the
    term of second order in s. (Tails that are too heavy are counted by `tail_p`.)
    """
    count = values.size
    squares = values * values
    total = float((squares * (squares - 6) + 3).sum()) + 20 * groups
    if total >= 0:
        return 1.0
    slopes, logs = _log_moments()
    exponent = float(np.min(total * slopes + count * logs))
    return min(1.0, exp(min(0.0, exponent - groups * log(0.49 * 0.43))))


@cache
def _log_moments() -> tuple[np.ndarray, np.ndarray]:
    """Return slopes t and log E exp(-t h(z)) for normal z, by the trapezoidal rule.

    The integrand is analytic and falls off like a Gaussian, so the rule's error is far below
    rounding (Trefethen and Weideman 2014).
    """
    grid = np.linspace(-12, 12, 2401)
    hermite = grid**4 - 6 * grid**2 + 3
    slopes = np.geomspace(1e-4, 1.0, 120)
    exponents = -slopes[:, None] * hermite - grid**2 / 2 - log(sqrt(2 * pi))
    return slopes, special.logsumexp(exponents, axis=1) + log(grid[1] - grid[0])
