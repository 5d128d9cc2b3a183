"""The row functions over whole columns: each compiled from its one written definition, and applied row by row."""

import numpy as np
from numpy.typing import NDArray

from tallystick.features import rowwise
from tallystick.features.native import native

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OPERATIONS = list(rowwise.OPERATIONS)
PARTS = list(rowwise.PARTS)

_add, _subtract, _multiply, _divide, _less, _at_most, _more, _at_least, _equal, _unequal = map(
    native, rowwise.OPERATIONS.values()
)
_hour, _weekday = map(native, rowwise.PARTS.values())
_decimal = native(rowwise.decimal)


def operation(op: str, left: Floats, right: Floats) -> Floats:
    """Return two columns combined or compared."""
    out = np.empty(len(left))
    _operate(OPERATIONS.index(op), left, right, out)
    return out


def part(name: str, at: Ints) -> Floats:
    """Return the hour or weekday of a column of instants."""
    out = np.empty(len(at))
    _take_part(PARTS.index(name), at, out)
    return out


def scaled(values: Ints, scale: float) -> Floats:
    """Return a column of whole numbers in its unit."""
    out = np.empty(len(values))
    _scale(values, scale, out)
    return out


@native
def _operate(op: int, left: Floats, right: Floats, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = _one(op, left[i], right[i])


@native
def _take_part(part: int, at: Ints, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = _hour(at[i]) if part == 0 else _weekday(at[i])


@native
def _scale(values: Ints, scale: float, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = _decimal(values[i], scale)


@native
def _one(op: int, left: float, right: float) -> float:
    if op < 4:
        return _arithmetic(op, left, right)
    if op == 4:
        return _less(left, right)
    if op == 5:
        return _at_most(left, right)
    if op == 6:
        return _more(left, right)
    if op == 7:
        return _at_least(left, right)
    return _equal(left, right) if op == 8 else _unequal(left, right)


@native
def _arithmetic(op: int, left: float, right: float) -> float:
    if op == 0:
        return _add(left, right)
    if op == 1:
        return _subtract(left, right)
    return _multiply(left, right) if op == 2 else _divide(left, right)
