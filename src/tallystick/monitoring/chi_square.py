"""The chi-square distribution, computed here so that monitoring needs no statistics library."""

from itertools import count
from math import exp, inf, lgamma, log

EPSILON = 1e-16
TINY = 1e-300


def tail(x: float, degrees: int) -> float:
    r"""Return the probability that a chi-square variable exceeds ``x``: :math:`Q(k/2, x/2)`.

    Parameters
    ----------
    x : 0 or more
    degrees : of freedom, 1 or more

    References
    ----------
    W. H. Press et al. (2007), *Numerical Recipes*, 3rd edition, section 6.2: the incomplete gamma function by its
    series below ``a + 1`` and by its continued fraction (modified Lentz) above.

    Examples
    --------
    >>> round(tail(16.919, 9), 4)
    0.05
    """
    a, half = degrees / 2, x / 2
    if half <= 0:
        return 1.0
    front = exp(a * log(half) - half - lgamma(a))
    return 1.0 - front * _series(a, half) if half < a + 1 else front * _fraction(a, half)


def quantile(above: float, degrees: int) -> float:
    """Return the value that a chi-square variable exceeds with probability ``above``, 0 < above < 1.

    Parameters
    ----------
    above : probability, between 0 and 1
    degrees : of freedom, 1 or more

    Examples
    --------
    >>> round(quantile(0.05, 9), 3)
    16.919
    """
    low, high = 0.0, 1.0
    while tail(high, degrees) > above:
        low, high = high, 2 * high
    # Bisection to the last bit: slower than Newton, and there is nothing to get wrong.
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if tail(middle, degrees) > above else (low, middle)
    return high


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for n in count(1):
        term *= x / (a + n)
        total += term
        if term < total * EPSILON:
            break
    return total


def _fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = inf, 1 / b
    value = d
    for n in count(1):
        part, b = -n * (n - a), b + 2
        d = 1 / _not_zero(part * d + b)
        c = _not_zero(b + part / c)
        value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
