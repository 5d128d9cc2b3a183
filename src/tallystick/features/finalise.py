"""The one finaliser: from exact counts and sums to IEEE doubles, in a fixed order of operations.

Plain functions of whole numbers. Online calls them as they stand; batch compiles these same functions.
The largest running total is half of what 64 bits hold, so that the difference of any two of them fits.
"""

from math import sqrt

NAN = float("nan")
LARGEST_TOTAL = 2**62 - 1
LARGEST_SQUARED = 2**47 - 1
"""The largest value whose square is kept: its upper part must not exceed a total."""

DIGIT, LOW_28 = 2**30 - 1, 2**28 - 1
TWO_30, TWO_60 = 2.0**30, 2.0**60


def count(n: int) -> float:
    """Return how many there are.

    >>> count(3)
    3.0
    """
    return float(n)


def total(s: int, scale: float) -> float:
    """Return a sum in the column's unit; 0 where there is nothing to sum.

    Parameters
    ----------
    s : the sum, in units of the last digit
    scale : 10 to the power of the column's decimals

    Examples
    --------
    >>> total(1250, 100.0)
    12.5
    """
    return float(s) / scale


def mean(s: int, n: int, scale: float) -> float:
    """Return the mean in the column's unit, (s / n) / scale; missing where there is nothing.

    Both whole numbers become doubles first: dividing whole numbers rounds differently above 2**53.

    Parameters
    ----------
    s : the sum, in units of the last digit
    n : how many values it sums
    scale : 10 to the power of the column's decimals

    Examples
    --------
    >>> mean(1250, 4, 100.0)
    3.125
    >>> mean(0, 0, 100.0)
    nan
    """
    if n == 0:
        return NAN
    return (float(s) / float(n)) / scale


def std(n: int, s: int, high: int, low: int, scale: float) -> float:
    """Return the sample standard deviation in the column's unit; missing for fewer than two values.

    The variance is (n * s2 - s * s) / (n * (n - 1)) with the sum of squares s2 = high * 2**32 + low. Its numerator is
    exact: it is computed in digits of 30 bits, of which no sum leaves 64 bits while n < 2**30 and s, high and low
    are below 2**62. It becomes a double in two parts of 60 bits each, upper first.

    Parameters
    ----------
    n : how many values there are, below 2**30
    s : their sum, in units of the last digit
    high, low : the sums of the upper and lower parts of their squares: v * v >> 32 and v * v & (2**32 - 1)
    scale : 10 to the power of the column's decimals

    Examples
    --------
    >>> std(2, 3, 0, 5, 1.0) == 0.5 ** 0.5
    True
    >>> std(1, 5, 0, 25, 1.0)
    nan
    """
    if n < 2:
        return NAN
    s = abs(s)
    # Digits of n, of s, and of s2: (high << 32) is (high << 2) one digit up.
    n0, n1 = n & DIGIT, n >> 30
    s0, s1, s2 = s & DIGIT, s >> 30 & DIGIT, s >> 60
    q0 = low & DIGIT
    q1 = (low >> 30 & DIGIT) + ((high & LOW_28) << 2)
    q2 = (low >> 60) + (high >> 28 & DIGIT)
    q3 = high >> 58
    q1, q2 = q1 & DIGIT, q2 + (q1 >> 30)
    q2, q3 = q2 & DIGIT, q3 + (q2 >> 30)
    d0 = n0 * q0 - s0 * s0
    d1 = n0 * q1 + n1 * q0 - 2 * s0 * s1 + (d0 >> 30)
    d2 = n0 * q2 + n1 * q1 - 2 * s0 * s2 - s1 * s1 + (d1 >> 30)
    d3 = n0 * q3 + n1 * q2 - 2 * s1 * s2 + (d2 >> 30)
    d4 = n1 * q3 - s2 * s2 + (d3 >> 30)
    upper = ((d4 << 30) + (d3 & DIGIT)) * 1.0
    lower = (((d2 & DIGIT) << 30) + (d1 & DIGIT)) * 1.0
    numerator = (upper * TWO_60 + lower) * TWO_30 + (d0 & DIGIT) * 1.0
    return sqrt(numerator / (float(n) * float(n - 1))) / scale


def seconds(us: int) -> float:
    """Return a length of time in seconds.

    >>> seconds(1_500_000)
    1.5
    """
    return float(us) / 1e6


def distinct(n: int, cap: int) -> float:
    """Return how many different values there are; missing where they are more than are told apart.

    Parameters
    ----------
    n : how many, or any number above the cap
    cap : so many are told apart

    Examples
    --------
    >>> distinct(5, 4)
    nan
    """
    return NAN if n > cap else float(n)
