"""Functions of one record: scale, parts of time, arithmetic, comparison; each has this one written definition.

Plain functions of scalars. Online calls them as they stand; batch compiles these same functions to array functions.
Missing is NaN, always the same one: no function returns an infinity or another NaN.
"""

from collections.abc import Callable
from math import isfinite, isnan

NAN = float("nan")
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000
STEPS = tuple((float(step), 2.0**step) for step in (512, 256, 128, 64, 32, 16, 8, 4, 2, 1))
ODDS = (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0)
SQRT_2 = 1.4142135623730951
LN_2_HIGH, LN_2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""log 2 in two parts: the upper has so few digits that times a whole number below 2**20 it is exact."""


def decimal(value: int, scale: float) -> float:
    """Return a whole count of a column's last digit in the column's unit.

    Parameters
    ----------
    value : how many of the last digit
    scale : 10 to the power of the column's decimals

    Examples
    --------
    >>> decimal(1250, 100.0)
    12.5
    """
    return float(value) / scale


def hour(at: int) -> float:
    """Return the hour of the day, 0 to 23, of an instant in microseconds since 1970, in UTC or as local time.

    >>> hour(-1)
    23.0
    """
    return float(at // HOUR_US % 24)


def weekday(at: int) -> float:
    """Return the day of the week, 0 for Monday to 6 for Sunday; 1970 began on a Thursday.

    >>> weekday(0)
    3.0
    """
    return float((at // DAY_US + 3) % 7)


def day(at: int) -> float:
    """Return the day of the month, 1 to 31.

    >>> day(-1), day(59 * DAY_US)
    (31.0, 1.0)
    """
    of_year = _day_of_year(at)
    return float(of_year - (153 * ((5 * of_year + 2) // 153) + 2) // 5 + 1)


def month(at: int) -> float:
    """Return the month, 1 to 12.

    >>> month(-1), month(59 * DAY_US)
    (12.0, 3.0)
    """
    since_march = (5 * _day_of_year(at) + 2) // 153
    return float((since_march + 2) % 12 + 1)


def _day_of_year(at: int) -> int:
    """Return the day of a year that begins in March, from 0: so the leap day is its last, and months follow a rule.

    The calendar repeats after 146,097 days, and 1 March of the year 0 was 719,468 days before 1970.
    """
    of_era = (at // DAY_US + 719_468) % 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    return of_era - (365 * year + year // 4 - year // 100)


def add(left: float, right: float) -> float:
    """Return left + right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing
    """
    result = left + right
    return result if isfinite(result) else NAN


def subtract(left: float, right: float) -> float:
    """Return left - right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing
    """
    result = left - right
    return result if isfinite(result) else NAN


def multiply(left: float, right: float) -> float:
    """Return left * right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing
    """
    result = left * right
    return result if isfinite(result) else NAN


def divide(left: float, right: float) -> float:
    """Return left / right; missing where right is 0.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing

    Examples
    --------
    >>> divide(1.0, 0.0)
    nan
    """
    if right == 0.0:
        return NAN
    result = left / right
    return result if isfinite(result) else NAN


def less(left: float, right: float) -> float:
    """Return whether left < right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left < right else 0.0


def at_most(left: float, right: float) -> float:
    """Return whether left <= right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0

    Examples
    --------
    >>> at_most(6.0, 6.0)
    1.0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left <= right else 0.0


def more(left: float, right: float) -> float:
    """Return whether left > right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left > right else 0.0


def at_least(left: float, right: float) -> float:
    """Return whether left >= right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left >= right else 0.0


def equal(left: float, right: float) -> float:
    """Return whether left == right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left == right else 0.0


def unequal(left: float, right: float) -> float:
    """Return whether left != right.

    Parameters
    ----------
    left, right : numbers, NaN where missing; then the result is missing, else 1 or 0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left != right else 0.0


def both(left: float, right: float) -> float:
    """Return whether both conditions hold.

    Parameters
    ----------
    left, right : conditions: 0 does not hold, any other number does; NaN where missing, and then the result is missing
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left != 0.0 and right != 0.0 else 0.0


def either(left: float, right: float) -> float:
    """Return whether at least one condition holds.

    Parameters
    ----------
    left, right : conditions: 0 does not hold, any other number does; NaN where missing, and then the result is missing
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left != 0.0 or right != 0.0 else 0.0


def coalesce(left: float, right: float) -> float:
    """Return the left number, or the right one where it is missing.

    Parameters
    ----------
    left, right : numbers, NaN where missing
    """
    return right if isnan(left) else left


def negate(of: float) -> float:
    """Return whether a condition does not hold."""
    if isnan(of):
        return NAN
    return 1.0 if of == 0.0 else 0.0


def magnitude(of: float) -> float:
    """Return the number without its sign."""
    return 0.0 - of if of < 0.0 else of + 0.0


def is_missing(of: float) -> float:
    """Return whether there is no number."""
    return 1.0 if isnan(of) else 0.0


def log1p(of: float) -> float:
    """Return the natural logarithm of 1 + the number; missing at -1 and below.

    Mathematical libraries differ in the last bit, so this is made of + - * / alone, in this order. 1 + of is m * 2**k
    with m between 0.70 and 1.42, and log m = 2 atanh(f / (2 + f)) with f = m - 1, as an odd series of s = f / (2 + f)
    up to s**21. What rounding took from 1 + of is added to f for small numbers, where it matters.

    >>> log1p(0.0), log1p(-1.0)
    (0.0, nan)
    >>> abs(log1p(1.0) - 0.6931471805599453) < 2e-16
    True
    """
    if isnan(of) or of <= -1.0:
        return NAN
    m = 1.0 + of
    lost = of - (m - 1.0) if of < 1.0 else 0.0
    k = 0.0
    for step, power in STEPS:
        if m >= power:
            m = m / power
            k = k + step
        if m < 2.0 / power:
            m = m * power
            k = k - step
    if m > SQRT_2:
        m = m / 2.0
        k = k + 1.0
    f = of if k == 0.0 else m - 1.0
    s = f / (2.0 + f)
    z = s * s
    series = 2.0 / 21.0
    for odd in ODDS:
        series = series * z + 2.0 / odd
    rest = 0.0 if k == 0.0 else lost / (1.0 + of)
    return k * LN_2_HIGH + (s * series + (k * LN_2_LOW + rest))


OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "<": less,
    "<=": at_most,
    ">": more,
    ">=": at_least,
    "==": equal,
    "!=": unequal,
    "and": both,
    "or": either,
    "coalesce": coalesce,
}
CALLS: dict[str, Callable[[float], float]] = {
    "not": negate,
    "abs": magnitude,
    "log1p": log1p,
    "is_missing": is_missing,
}
PARTS: dict[str, Callable[[int], float]] = {"hour": hour, "weekday": weekday, "day": day, "month": month}
