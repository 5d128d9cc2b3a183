"""The oracle's functions of one record, written a second time from the text of the contract."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Category,
    Coalesce,
    Column,
    Comparison,
    KeyColumn,
    Literal,
    Logical,
    Text,
    TextComparison,
    TimePart,
    Unary,
    is_text,
)
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import DefinitionError
from tallystick.features.oracle.calendar import part_of

PlainRecord = Mapping[str, Any]
"""A record as a mapping: ``position``, ``time`` (None for a table's row), ``id``, and ``fields`` by name."""

MISSING = float("nan")

_BINARY: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else MISSING,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "and": lambda left, right: bool(left) and bool(right),
    "or": lambda left, right: bool(left) or bool(right),
}


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A record with all that its expressions can look at.

    Parameters
    ----------
    stream : whose record it is
    record : the record
    aggregate : answers an aggregate about it: a number, NaN where missing; or a text, None where missing
    """

    stream: StreamDefinition
    record: PlainRecord
    aggregate: Callable[[Aggregate], Any]


def evaluate_number(expr: AnyExpr, own: OwnRecord) -> float:
    """Return what an expression is worth for one record; NaN where it is missing.

    Parameters
    ----------
    expr : of a record
    own : the record, and what its aggregates are

    Raises
    ------
    DefinitionError
        If the expression is no number.
    """
    match expr:
        case Literal(value=value):
            return value
        case Column(field=field):
            whole = own.record["fields"][field]
            return MISSING if whole is None else unscaled(whole, own.stream, field)
        case TimePart(part=part, of=of, zone=zone):
            at = own.record["fields"][of.field]
            return MISSING if at is None else part_of(part, at, zone)
        case Aggregate() if not is_text(expr):
            return float(own.aggregate(expr))
        case _:
            return _function(expr, own)


def evaluate_text(expr: AnyExpr, own: OwnRecord) -> str | None:
    """Return the text that an expression is for one record; None where it is missing.

    Parameters
    ----------
    expr : of a record
    own : the record, and what its aggregates are

    Raises
    ------
    DefinitionError
        If the expression is no text.
    """
    found: str | None
    match expr:
        case Text(value=found):
            return found
        case KeyColumn(field=field):
            found = own.record["fields"][field]
            return found
        case Aggregate() if is_text(expr):
            found = own.aggregate(expr)
            return found
        case _:
            raise DefinitionError(f"{expr!r} is no text of a record.")


def unscaled(whole: int, stream: StreamDefinition, field: str) -> float:
    """Return a count of a column's last digit in the column's unit.

    Parameters
    ----------
    whole : how many
    stream, field : whose column, and so how many decimals
    """
    return float(whole) / float(10 ** stream.fields[field].decimals)


def log1p(of: float) -> float:
    """Return log(1 + of) with the documented operations in the documented order, so that every bit is prescribed.

    1 + of = m * 2**k with m from 0.70 to 1.42; s = f / (2 + f) with f = m - 1, or ``of`` itself where k is 0; the
    series 2 s + 2/3 s**3 + ... + 2/21 s**21 by Horner's rule in s*s; log 2 in two parts; and what rounding took from
    1 + of, by 1 + of.
    """
    if math.isnan(of) or of <= -1.0:
        return MISSING
    one_more = 1.0 + of
    fraction, k = math.frexp(one_more)
    m, k = fraction * 2.0, k - 1
    if m > 2.0**0.5:
        m, k = m / 2.0, k + 1
    f = m - 1.0 if k else of
    s = f / (2.0 + f)
    series = 2.0 / 21.0
    for odd in range(19, 0, -2):
        series = series * (s * s) + 2.0 / odd
    took = (of - (one_more - 1.0)) / one_more if k and of < 1.0 else 0.0
    return k * 0.6931471803691238 + (s * series + (k * 1.9082149292705877e-10 + took))


def _function(expr: AnyExpr, own: OwnRecord) -> float:
    match expr:
        case Arithmetic() | Comparison() | Logical():
            return _binary(expr.op, evaluate_number(expr.left, own), evaluate_number(expr.right, own))
        case Coalesce(left=left, right=right):
            first, second = evaluate_number(left, own), evaluate_number(right, own)
            return second if math.isnan(first) else first
        case Unary(function=function, of=of):
            return _unary(function, _as_number(of, own))
        case TextComparison(op=op, left=left, right=right):
            return _same(op, evaluate_text(left, own), evaluate_text(right, own))
        case Category(of=of, vocabulary=vocabulary):
            return _place(evaluate_text(of, own), vocabulary)
        case _:
            raise DefinitionError(f"{expr!r} is no number of a record.")


def _binary(op: str, left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right):
        return MISSING
    result = float(_BINARY[op](left, right))
    return result if math.isfinite(result) else MISSING


def _as_number(of: AnyExpr, own: OwnRecord) -> float:
    """Return the operand of a function of one number; a text is 0, only for whether it is missing."""
    if not is_text(of):
        return evaluate_number(of, own)
    return MISSING if evaluate_text(of, own) is None else 0.0


def _unary(function: str, of: float) -> float:
    if function == "is_missing":
        return float(math.isnan(of))
    if function == "log1p":
        return log1p(of)
    if math.isnan(of):
        return MISSING
    return math.fabs(of) if function == "abs" else float(of == 0.0)


def _same(op: str, left: str | None, right: str | None) -> float:
    if left is None or right is None:
        return MISSING
    return float((left.encode() == right.encode()) == (op == "=="))


def _place(word: str | None, vocabulary: tuple[str, ...]) -> float:
    if word is None:
        return float(len(vocabulary) + 1)
    return float(vocabulary.index(word) if word in vocabulary else len(vocabulary))
