"""Round numbers along an axis: few enough to be read, close enough to read values off."""

import math

import msgspec

from tallystick.reporting.table import Column
from tallystick.reporting.written import written

MOST_TICKS = 5


def ticks(column: Column, first: float, last: float) -> list[tuple[float, str]]:
    """Return round numbers between two, each as the column writes it, with no more digits than they need.

    Parameters
    ----------
    column : says how they are written
    first, last : the ends of the axis, in rising order

    Examples
    --------
    >>> ticks(Column("rate", "share", digits=4), 0.0, 0.03)
    [(0.0, '0 %'), (0.01, '1 %'), (0.02, '2 %'), (0.03, '3 %')]
    """
    step = _step(last - first)
    shown = step * 100 if column.kind == "share" else step
    digits = next((digits for digits in range(20) if math.isclose(round(shown, digits), shown)), 20)
    brief = msgspec.structs.replace(column, digits=digits)
    numbers = range(math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9) + 1)
    return [(number * step, written(number * step, brief)) for number in numbers]


def ceiling(top: float) -> float:
    """Return the lowest round number that is not below the largest value.

    >>> ceiling(2.63), ceiling(41.3)
    (3.0, 50.0)
    """
    step = _step(top)
    return math.ceil(top / step - 1e-9) * step


def evenly(n: int, most: int) -> list[int]:
    """Return all of so many places, or some of them, evenly chosen; the first and the last are among them.

    Parameters
    ----------
    n : how many places there are
    most : how many may be chosen, 2 or more

    Examples
    --------
    >>> evenly(3, 5), evenly(101, 5)
    ([0, 1, 2], [0, 25, 50, 75, 100])
    """
    return list(range(n)) if n <= most else [round(place * (n - 1) / (most - 1)) for place in range(most)]


def _step(length: float) -> float:
    """Return the distance of round numbers, of which no more than a few lie on a length above 0."""
    power = 10.0 ** math.floor(math.log10(length / MOST_TICKS))
    return next((power * n for n in (1, 2, 2.5, 5) if length / (power * n) <= MOST_TICKS), power * 10)
