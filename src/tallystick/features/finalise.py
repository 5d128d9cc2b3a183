"""The one finaliser: from exact counts and sums to IEEE doubles, in a fixed order of operations.

Plain functions of whole numbers. Online calls them as they stand; batch compiles these same functions.
The largest running total is half of what 64 bits hold, so that the difference of any two of them fits.
"""

NAN = float("nan")
LARGEST_TOTAL = 2**62 - 1


def count(n: int) -> float:
    """Return how many there are.

    >>> count(3)
    3.0
    """
    return float(n)


def total(s: int, scale: float) -> float:
    """Return a sum in the column's unit; 0 where there is nothing to sum.

    >>> total(1250, 100.0)
    12.5
    """
    return float(s) / scale


def mean(s: int, n: int, scale: float) -> float:
    """Return the mean in the column's unit, (s / n) / scale; missing where there is nothing.

    Both whole numbers become doubles first: dividing whole numbers rounds differently above 2**53.

    >>> mean(1250, 4, 100.0)
    3.125
    >>> mean(0, 0, 100.0)
    nan
    """
    if n == 0:
        return NAN
    return (float(s) / float(n)) / scale
