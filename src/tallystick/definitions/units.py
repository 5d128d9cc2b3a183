"""The unit of an expression: a currency, a count, a share, seconds, or none."""

from collections.abc import Mapping

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Coalesce,
    Column,
    Corrected,
    Flagged,
    Literal,
    Unary,
    is_condition,
)
from tallystick.definitions.fields import Flag, Money
from tallystick.definitions.streams import Source

COUNT, SHARE, SECONDS, NONE = "count", "share 0-1", "seconds", "none"


def unit(expr: AnyExpr, sources: Mapping[str, Source]) -> str:
    """Return the unit of a number, such as "EUR", "count", "share 0-1", "seconds" or "none".

    Parameters
    ----------
    expr : a feature, or a part of one
    sources : every stream and table that it looks at, by name

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at",
    ...                   fields={"customer_id": key, "amount": money("EUR")})
    >>> spend = payments.by("customer_id").mean(payments.amount).over("1d", "30d")
    >>> [unit(each, {"payments": payments.definition}) for each in (spend["1d"], spend.trend("1d", "30d"))]
    ['EUR', 'none']
    """
    return _unit(expr, sources) or NONE


def _unit(expr: AnyExpr, sources: Mapping[str, Source]) -> str | None:
    """Return the unit, None for a constant: it has the unit that it is used with."""
    match expr:
        case Literal():
            return None
        case Aggregate():
            return _of_aggregate(expr, sources)
        case Arithmetic() | Coalesce():
            sides = _unit(expr.left, sources), _unit(expr.right, sources)
            return _product(expr.op, *sides) if isinstance(expr, Arithmetic) and expr.op in "*/" else _same(*sides)
        case Unary(function="abs"):
            return _unit(expr.of, sources)
        case _:
            return _of_column(expr, sources)


def _of_column(expr: AnyExpr, sources: Mapping[str, Source]) -> str:
    kind = sources[expr.stream].fields[expr.field] if isinstance(expr, Column | Corrected) else None
    return kind.currency if isinstance(kind, Money) else NONE


def _of_aggregate(expr: Aggregate, sources: Mapping[str, Source]) -> str | None:
    if expr.function in ("count", "distinct"):
        return COUNT
    if expr.function == "since" or expr.of is None:
        return SECONDS
    if expr.function in ("sum", "mean") and _is_yes_or_no(expr.of, sources):
        return COUNT if expr.function == "sum" else SHARE
    return _unit(expr.of, sources)


def _is_yes_or_no(of: AnyExpr, sources: Mapping[str, Source]) -> bool:
    # A flag is kept as 1 and 0, but its mean is a share and its sum a count.
    if isinstance(of, Column):
        return isinstance(sources[of.stream].fields[of.field], Flag)
    return isinstance(of, Flagged) or is_condition(of)


def _product(op: str, left: str | None, right: str | None) -> str:
    """Return the unit of a product or quotient: pure numbers, counts and shares leave the other's as it is."""
    left, right = (NONE if side in (None, COUNT, SHARE) else str(side) for side in (left, right))
    if right == NONE:
        return left
    if op == "/":
        # EUR by EUR is a pure number; EUR by seconds is not.
        return NONE if left == right else f"{'1' if left == NONE else left}/{right}"
    return right if left == NONE else f"{left}*{right}"


def _same(left: str | None, right: str | None) -> str | None:
    if left is None or right is None:
        return left or right
    return left if left == right else f"{left} and {right}"
