"""Writes figures that are held against each other in digits enough to tell them apart."""

_FEWEST, _MOST = 4, 9
# A float32 has 7 to 9 significant digits.


def told_apart(*values: float) -> tuple[str, ...]:
    """Return values in digits enough, 4 to 9, that different ones look different."""
    told: tuple[str, ...] = ()
    for digits in range(_FEWEST, _MOST + 1):
        told = tuple(f"{value:.{digits}g}" for value in values)
        if len(set(told)) == len(set(values)):
            break
    return told
