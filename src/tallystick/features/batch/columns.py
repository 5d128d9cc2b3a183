"""The row functions over whole columns: each compiled from its one written definition, and applied row by row."""

import numpy as np
from numpy.typing import NDArray

from tallystick.definitions.zones import Zone
from tallystick.features import rowwise
from tallystick.features.batch.native import native, read_only

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

OPERATIONS = list(rowwise.OPERATIONS)
CALLS = list(rowwise.CALLS)
PARTS = list(rowwise.PARTS)

_add, _subtract, _multiply, _divide = (native(rowwise.OPERATIONS[op]) for op in "+-*/")
_less, _at_most, _more, _at_least = (native(rowwise.OPERATIONS[op]) for op in ("<", "<=", ">", ">="))
_equal, _unequal, _both, _either = (native(rowwise.OPERATIONS[op]) for op in ("==", "!=", "and", "or"))
_coalesce = native(rowwise.coalesce)
_negate, _magnitude, _log1p, _is_missing = map(native, rowwise.CALLS.values())
_hour, _weekday, _day, _month = map(native, rowwise.PARTS.values())
_decimal = native(rowwise.decimal)


def operation(op: str, left: Floats, right: Floats) -> Floats:
    """Return two columns combined, compared or joined.

    Parameters
    ----------
    op : one of ``OPERATIONS``
    left, right : shape (n,), NaN where missing
    """
    out = np.empty(len(left))
    _operate(OPERATIONS.index(op), read_only(left), read_only(right), out)
    return out


def call(function: str, of: Floats) -> Floats:
    """Return a function of a column.

    Parameters
    ----------
    function : one of ``CALLS``
    of : shape (n,), NaN where missing
    """
    out = np.empty(len(of))
    _call(CALLS.index(function), read_only(of), out)
    return out


def part(name: str, at: Ints, zone: Zone | None = None) -> Floats:
    """Return a calendar part of a column of instants, in UTC without zone.

    Parameters
    ----------
    name : one of ``PARTS``
    at : shape (n,), microseconds since 1970 UTC
    zone : whose clocks are read
    """
    out = np.empty(len(at))
    _take_part(PARTS.index(name), read_only(at if zone is None else at + _offsets(at, zone)), out)
    return out


def scaled(values: Ints, scale: float) -> Floats:
    """Return a column of whole numbers in its unit.

    Parameters
    ----------
    values : shape (n,), in units of the last digit
    scale : 10 to the power of the decimals
    """
    out = np.empty(len(values))
    _scale(read_only(values), scale, out)
    return out


def _offsets(at: Ints, zone: Zone) -> Ints:
    """Return local time less UTC at some instants: of the last change of the clock at or before each."""
    begins, offsets = np.array(zone.begins, dtype=np.int64), np.array(zone.offsets, dtype=np.int64)
    last: Ints = offsets[np.maximum(np.searchsorted(begins, at, side="right") - 1, 0)]
    return last


@native
def _operate(op: int, left: Floats, right: Floats, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = _one(op, left[i], right[i])


@native
def _call(function: int, of: Floats, out: Floats) -> None:
    for i in range(len(out)):
        if function == 0:
            out[i] = _negate(of[i])
        elif function == 1:
            out[i] = _magnitude(of[i])
        else:
            out[i] = _log1p(of[i]) if function == 2 else _is_missing(of[i])


@native
def _take_part(part: int, at: Ints, out: Floats) -> None:
    for i in range(len(out)):
        if part == 0:
            out[i] = _hour(at[i])
        elif part == 1:
            out[i] = _weekday(at[i])
        else:
            out[i] = _day(at[i]) if part == 2 else _month(at[i])


@native
def _scale(values: Ints, scale: float, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = _decimal(values[i], scale)


@native
def _one(op: int, left: float, right: float) -> float:
    if op < 4:
        return _arithmetic(op, left, right)
    if op < 8:
        return _ordered(op, left, right)
    if op < 10:
        return _equal(left, right) if op == 8 else _unequal(left, right)
    return _joined(op, left, right)


@native
def _arithmetic(op: int, left: float, right: float) -> float:
    if op == 0:
        return _add(left, right)
    if op == 1:
        return _subtract(left, right)
    return _multiply(left, right) if op == 2 else _divide(left, right)


@native
def _ordered(op: int, left: float, right: float) -> float:
    if op == 4:
        return _less(left, right)
    if op == 5:
        return _at_most(left, right)
    return _more(left, right) if op == 6 else _at_least(left, right)


@native
def _joined(op: int, left: float, right: float) -> float:
    if op == 10:
        return _both(left, right)
    return _either(left, right) if op == 11 else _coalesce(left, right)
