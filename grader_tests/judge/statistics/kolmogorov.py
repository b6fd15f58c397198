"""Kolmogorov's distance between a sample and a distribution, and a bound of its p-value."""

from math import exp

import numpy as np


def kolmogorov_distance(expected: np.ndarray) -> float:
    """Return the largest distance between two distribution functions.

    Args:
        expected: the distribution's function, which is continuous, at the sample's values in
            ascending order.
    """
    steps = np.arange(expected.size + 1) / expected.size
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


def distance_p(distance: float, count: int) -> float:
    """Bound the p-value of a distance: P(D >= d) <= 2 exp(-2 N d^2) for every N.

    Dvoretzky, Kiefer and Wolfowitz 1956, with Massart's constant of 1990. It may exceed 1.
    """
    return 2 * exp(-2 * count * distance**2)
