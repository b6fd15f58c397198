"""How many values a criterion has to look at, to miss what is off by so much that seldom."""

from collections.abc import Callable

MOST = 10**9
"""More values than this no probe reports."""


class OutOfReach(ValueError):
    """No number of values is enough."""


def needed_size(power: Callable[[int], float], miss: float) -> int:
    """Return the least size at which work that is off is missed with probability `miss` at most.

    Both rates are stated: `needed_size(lambda n: deviation_power(n, 1.05, 1e-10), 1e-3)`.

    Args:
        power: the probability that work is failed which is off by so much, by size. It is taken
            to rise with it; that of counts does so up to steps of one.
        miss: the probability with which such work may pass.

    Raises:
        OutOfReach: it is missed more often at any size up to `MOST`.
    """
    high = 2
    while power(high) < 1 - miss:
        high *= 2
        if high > MOST:
            raise OutOfReach(f"It is missed more often than {miss:g} even with {MOST:,} values.")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= 1 - miss else (middle, high)
    return high
