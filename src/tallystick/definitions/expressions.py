"""What a feature is made of: columns, parts of time, arithmetic, comparisons, aggregates over windows."""

from collections.abc import Iterator
from typing import Literal as OneOf
from typing import NoReturn

import msgspec

from tallystick.definitions.mistakes import where
from tallystick.errors import DefinitionError, LeakRefused

ArithmeticOp = OneOf["+", "-", "*", "/"]
ComparisonOp = OneOf["<", "<=", ">", ">=", "==", "!="]

_LARGEST = 2**1023  # beyond it, and for NaN, there is no number to compare or compute with


class Expr(msgspec.Struct, frozen=True, eq=False):
    """Base of every expression. ``==`` builds a comparison, so two are told apart by digest, and none is a bool."""

    def __add__(self, other: object) -> "Arithmetic":
        return _arithmetic("+", self, other)

    def __radd__(self, other: object) -> "Arithmetic":
        return _arithmetic("+", other, self)

    def __sub__(self, other: object) -> "Arithmetic":
        return _arithmetic("-", self, other)

    def __rsub__(self, other: object) -> "Arithmetic":
        return _arithmetic("-", other, self)

    def __mul__(self, other: object) -> "Arithmetic":
        return _arithmetic("*", self, other)

    def __rmul__(self, other: object) -> "Arithmetic":
        return _arithmetic("*", other, self)

    def __truediv__(self, other: object) -> "Arithmetic":
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: object) -> "Arithmetic":
        return _arithmetic("/", other, self)

    def __lt__(self, other: object) -> "Comparison":
        return _comparison("<", self, other)

    def __le__(self, other: object) -> "Comparison":
        return _comparison("<=", self, other)

    def __gt__(self, other: object) -> "Comparison":
        return _comparison(">", self, other)

    def __ge__(self, other: object) -> "Comparison":
        return _comparison(">=", self, other)

    def __eq__(self, other: object) -> "Comparison":  # type: ignore[override]
        return _comparison("==", self, other)

    def __ne__(self, other: object) -> "Comparison":  # type: ignore[override]
        return _comparison("!=", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        sentence = (
            "An expression has no truth of its own: it is a column, with a value for each record. "
            "Compare it inside a feature, without 'if', 'and', 'or' or 'not'."
        )
        raise DefinitionError(sentence, where=where())


class Literal(Expr, frozen=True, eq=False, tag="literal"):
    """A constant, as an IEEE double."""

    value: float


class Column(Expr, frozen=True, eq=False, tag="column"):
    """A number of the record itself: money and numbers in their unit, a flag as 0 or 1."""

    stream: str
    field: str


class TimeColumn(Expr, frozen=True, eq=False, tag="time"):
    """An instant of the record itself."""

    stream: str
    field: str

    def hour(self) -> "TimePart":
        """Return the hour of the day in UTC, 0 to 23."""
        return TimePart("hour", self)

    def weekday(self) -> "TimePart":
        """Return the day of the week in UTC, 0 for Monday to 6 for Sunday."""
        return TimePart("weekday", self)


class KeyColumn(Expr, frozen=True, eq=False, tag="key"):
    """The name of an entity or record: it groups and joins, and has no number."""

    stream: str
    field: str


class TableColumn(Expr, frozen=True, eq=False, tag="outcome"):
    """A value of a table that does not say when it became known: only ``flagged_by`` can date it."""

    table: str
    key: str
    field: str


class TimePart(Expr, frozen=True, eq=False, tag="part"):
    """A part of the calendar, in UTC."""

    part: OneOf["hour", "weekday"]
    of: TimeColumn


class Flagged(Expr, frozen=True, eq=False, tag="flagged"):
    """0 until a record is reported, then 1: a value that knows when it became known.

    Parameters
    ----------
    stream : the stream whose records are flagged
    by : the stream or table of reports
    on : the field of a report that holds the id of the flagged record
    known_after_us : for a table, how long after the event its outcome is known; None for a stream of reports
    flag : the reports' own flag, where they have one; None where every report means 1
    """

    stream: str
    by: str
    on: str
    known_after_us: int | None = None
    flag: str | None = None


class Aggregate(Expr, frozen=True, eq=False, tag="aggregate"):
    """One number about an entity's visible events with t - delay - window < time <= t - delay."""

    function: OneOf["count", "sum", "mean"]
    stream: str
    key: str
    of: Column | Flagged | None
    window_us: int
    delay_us: int


class Arithmetic(Expr, frozen=True, eq=False, tag="arithmetic"):
    """Two numbers combined in IEEE double; a missing operand or a result that is not finite is missing."""

    op: ArithmeticOp
    left: "AnyExpr"
    right: "AnyExpr"


class Comparison(Expr, frozen=True, eq=False, tag="comparison"):
    """1 where the comparison holds, 0 where it does not, missing where an operand is missing."""

    op: ComparisonOp
    left: "AnyExpr"
    right: "AnyExpr"


AnyExpr = (
    Literal | Column | TimeColumn | KeyColumn | TableColumn | TimePart | Flagged | Aggregate | Arithmetic | Comparison
)


def parts(expr: AnyExpr) -> Iterator[AnyExpr]:
    """Yield an expression and everything it is made of, outermost first."""
    yield expr
    match expr:
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            yield from parts(left)
            yield from parts(right)
        case TimePart(of=of):
            yield of
        case Aggregate(of=of) if of is not None:
            yield of
        case _:
            pass


def _arithmetic(op: ArithmeticOp, left: object, right: object) -> Arithmetic:
    return Arithmetic(op, _operand(left, op), _operand(right, op))


def _comparison(op: ComparisonOp, left: object, right: object) -> Comparison:
    return Comparison(op, _operand(left, op), _operand(right, op))


def _operand(value: object, op: str) -> AnyExpr:
    if isinstance(value, TableColumn):
        raise LeakRefused(f"{value.table}.{value.field}", where=where())
    if isinstance(value, Flagged):
        sentence = (
            f"The flag set by {value.by!r} is not known when a record of {value.stream!r} is decided. "
            "Use it inside an aggregate, such as terminal.mean(fraud).over('7d', delay='7d')."
        )
        raise DefinitionError(sentence, where=where())
    if isinstance(value, TimeColumn | KeyColumn):
        remedy = "Take .hour() or .weekday() of it." if isinstance(value, TimeColumn) else "Group by it instead."
        raise DefinitionError(f"{value.field!r} is no number, so '{op}' cannot take it. {remedy}", where=where())
    if isinstance(value, Literal | Column | TimePart | Aggregate | Arithmetic | Comparison):
        return value
    if isinstance(value, int | float) and abs(value) < _LARGEST:
        return Literal(float(value))
    shown = f"'{op}' cannot take {value!r}. It takes numbers, columns, parts of time and windows of an aggregate."
    raise DefinitionError(shown, where=where())
