"""Tests that weights are drawn independently: between rows, columns and layers.

A row drawn once for all neurons, a draw used again in another layer, sorted values or pairs of w
and -w have the right distribution and are still no independent draws. Copies at a regular
distance show in the autocorrelation, copies elsewhere as repeated values.

As in `normality`, p-values are upper bounds for every sample size. Correlations are quadratic
forms S = z'Az of independent normal z, with trace 0, for which P(S >= 2 |A|_F sqrt(u) +
2 |A|_op u) <= exp(-u) (Laurent and Massart 2000, Lemma 1; |A|_F is the Frobenius norm, |A|_op
the largest absolute eigenvalue).
"""

from collections.abc import Sequence
from itertools import combinations
from math import exp, log, pi, sqrt

import numpy as np
from scipy import fft, stats

from .moments import Evidence, Layer

# The share of repeated absolute values from which they count as copies or as rounded.
_REPEATED = 0.02
# Dispersion between rows is judged where it means something: many rows, each long.
_LONG, _MANY = 100, 30


def independence_evidence(layers: Sequence[Layer], across: bool = True) -> list[Evidence]:
    """Test that no weights depend on others.

    Args:
        layers: none of them constant.
        across: also between layers.
    """
    evidence = []
    matrices = [layer.standardized() for layer in layers]
    for layer, matrix in zip(layers, matrices, strict=True):
        evidence.append(Evidence("repeated values", layer.title, _repeated_p(layer.weights)))
        if matrix.ndim == 2 and min(matrix.shape) >= 2:
            for name, rows in (("rows", matrix), ("columns", matrix.T)):
                evidence.append(Evidence(f"mean of {name}", layer.title, _between_p(rows)))
                evidence.append(Evidence(f"length of {name}", layer.title, _length_p(rows)))
    groups = [matrices] if across else [[matrix] for matrix in matrices]
    titles = [""] if across else [layer.title for layer in layers]
    for title, group in zip(titles, groups, strict=True):
        for name, order in (("rows", "C"), ("columns", "F")):
            values = np.concatenate([matrix.ravel(order=order) for matrix in group])  # type: ignore[arg-type]
            evidence.append(Evidence(f"copies along {name}", title, _lag_p(values, len(group))))
    if across:
        for (one, first), (other, second) in combinations(zip(layers, matrices, strict=True), 2):
            title = f"{one.title} and {other.title}"
            evidence.append(Evidence("copies between layers", title, _corner_p(first, second)))
    return evidence


def repeated_share(weights: np.ndarray) -> float:
    """Return which share of the absolute values occurred before."""
    # Weights are float32, which sort in half the time of float64.
    return 1 - np.unique(np.abs(weights).astype(np.float32)).size / weights.size


def _repeated_p(weights: np.ndarray) -> float:
    """Tell whether more values are repeated than float32 repeats by itself.

    Of N normal values of deviation s, rounded to multiples of h, two have the same absolute value
    with probability 2 h * integral f(x)^2 dx = h / (sqrt(pi) s) at most, and a share of about
    N h / (2 sqrt(pi) s) is repeated: 0.4 % for 80,000 values around 0, more where they lie far
    from 0 and h is larger. At four times that, some hundred repetitions or more too many, the
    Poisson probability is below 1e-100 and need not be computed.
    """
    spacing = float(np.spacing(np.float32(np.abs(weights.mean()) + 3 * weights.std())))
    share = weights.size * spacing / (2 * sqrt(pi) * float(weights.std()))
    return 0.0 if repeated_share(weights) > max(_REPEATED, 4 * share) else 1.0


def _between_p(rows: np.ndarray) -> float:
    """Return the p-value of the variance between the rows' means: Fisher's F, exact."""
    count, length = rows.shape
    between = length * float(((rows.mean(axis=1) - rows.mean()) ** 2).sum())
    within = float(((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum())
    freedom = count - 1, rows.size - count
    if within == 0:
        return 0.0
    ratio = between / freedom[0] / (within / freedom[1])
    return float(2 * min(stats.f.cdf(ratio, *freedom), stats.f.sf(ratio, *freedom), 0.5))


def _length_p(rows: np.ndarray) -> float:
    """Bound the p-value of rows that are too equally long, as orthonormal ones are.

    The squared length of a row of n standard normal values is chi-square with variance 2n. If it
    is standardized by that, its density around 0 is at most that of a normal one times
    1 + 1/(3n), so that the lower tail of the sum of squares over rows is that of chi-square, up
    to a factor below 2 for up to 200 rows of 100.
    """
    count, length = rows.shape
    if length < _LONG or count < _MANY:
        return 1.0
    lengths = (rows**2).sum(axis=1)
    spread = float(((lengths - lengths.mean()) ** 2).sum()) / (2 * length)
    return float(min(1.0, 2 * stats.chi2.cdf(spread, count - 1)))


def _lag_p(values: np.ndarray, groups: int) -> float:
    """Bound the p-value of the largest autocorrelation over all lags.

    A shift has |A|_op <= 1 and |A|_F^2 <= N/2. There are fewer than N/2 different lags of either
    sign. Padding to a convenient length only lowers the norms; the lag of half that length, whose
    pairs occur twice, is left out.
    """
    padded = fft.next_fast_len(values.size, real=True)
    spectrum = fft.rfft(values.astype(np.float32), padded)
    correlations = fft.irfft(spectrum.real**2 + spectrum.imag**2, padded)
    lags = correlations[1 : (padded + 1) // 2]
    return _form_p(float(np.abs(lags).max()), values.size / 2, 1.0, 2 * lags.size, groups)


def _corner_p(first: np.ndarray, second: np.ndarray) -> float:
    """Bound the p-value of the correlation of the corners that two layers have in common.

    For the sum of products of m pairs, |A|_op = 1/2 and |A|_F^2 = m/2.
    """
    if first.ndim != 2 or second.ndim != 2:
        return 1.0
    rows, columns = (min(sizes) for sizes in zip(first.shape, second.shape, strict=True))
    total = float((first[:rows, :columns] * second[:rows, :columns]).sum())
    return _form_p(abs(total), rows * columns / 2, 0.5, 2, 2)


def _form_p(total: float, frobenius: float, operator: float, trials: int, groups: int) -> float:
    """Bound P(S >= total) for any of `trials` quadratic forms.

    Standardizing each layer by its own mean and deviation moves S by less than 1 % and 50, unless
    the means' signs are unfavourable: the argument in `normality`, with q = 2^-(groups + 1).

    Args:
        total: the largest S found.
        frobenius: the square of |A|_F.
        operator: |A|_op.
        trials: number of forms that it is the largest of.
        groups: number of layers.
    """
    total = 0.99 * total - 50
    if total <= 0:
        return 1.0
    # 2 sqrt(frobenius) v + 2 operator v^2 = total, solved for v = sqrt(u).
    root = (-sqrt(frobenius) + sqrt(frobenius + 2 * operator * total)) / (2 * operator)
    return exp(min(0.0, log(trials) + (groups + 1) * log(2) - root**2))
