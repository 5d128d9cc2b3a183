"""Functions of one record: scale, parts of time, arithmetic, comparison; each has this one written definition.

Plain functions of scalars. Online calls them as they stand; batch compiles these same functions to array functions.
Missing is NaN, always the same one: no function returns an infinity or another NaN.
"""

from collections.abc import Callable
from math import isfinite, isnan

NAN = float("nan")
HOUR_US = 3_600_000_000
DAY_US = 86_400_000_000


def decimal(value: int, scale: float) -> float:
    """Return a whole count of a column's last digit in the column's unit.

    >>> decimal(1250, 100.0)
    12.5
    """
    return float(value) / scale


def hour(at: int) -> float:
    """Return the hour of the day in UTC, 0 to 23, of an instant in microseconds since 1970.

    >>> hour(-1)
    23.0
    """
    return float(at // HOUR_US % 24)


def weekday(at: int) -> float:
    """Return the day of the week in UTC, 0 for Monday to 6 for Sunday; 1970 began on a Thursday.

    >>> weekday(0)
    3.0
    """
    return float((at // DAY_US + 3) % 7)


def add(left: float, right: float) -> float:
    """Return left + right."""
    result = left + right
    return result if isfinite(result) else NAN


def subtract(left: float, right: float) -> float:
    """Return left - right."""
    result = left - right
    return result if isfinite(result) else NAN


def multiply(left: float, right: float) -> float:
    """Return left * right."""
    result = left * right
    return result if isfinite(result) else NAN


def divide(left: float, right: float) -> float:
    """Return left / right; missing where right is 0.

    >>> divide(1.0, 0.0)
    nan
    """
    if right == 0.0:
        return NAN
    result = left / right
    return result if isfinite(result) else NAN


def less(left: float, right: float) -> float:
    """Return whether left < right."""
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left < right else 0.0


def at_most(left: float, right: float) -> float:
    """Return whether left <= right.

    >>> at_most(6.0, 6.0)
    1.0
    """
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left <= right else 0.0


def more(left: float, right: float) -> float:
    """Return whether left > right."""
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left > right else 0.0


def at_least(left: float, right: float) -> float:
    """Return whether left >= right."""
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left >= right else 0.0


def equal(left: float, right: float) -> float:
    """Return whether left == right."""
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left == right else 0.0


def unequal(left: float, right: float) -> float:
    """Return whether left != right."""
    if isnan(left) or isnan(right):
        return NAN
    return 1.0 if left != right else 0.0


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
}
PARTS: dict[str, Callable[[int], float]] = {"hour": hour, "weekday": weekday}
