"""What a feature is made of: columns, parts of time, functions of a record, aggregates over windows."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, cast
from typing import Literal as OneOf

import msgspec

from tallystick.definitions import zones
from tallystick.definitions.column_checks import check_key, check_order, check_unit, check_words, known_fields
from tallystick.definitions.diagnostics import shown, where
from tallystick.definitions.unsupported_operators import UnsupportedOperators
from tallystick.errors import DefinitionError, LeakRefused

ArithmeticOp = OneOf["+", "-", "*", "/"]
ComparisonOp = OneOf["<", "<=", ">", ">=", "==", "!="]
CalendarPart = OneOf["hour", "weekday", "day", "month"]
AggregateFunction = OneOf["count", "sum", "mean", "std", "min", "max", "first", "last", "latest", "distinct", "since"]

FOREVER_US = 0
"""As a window: it reaches before every instant."""

_EQUALITIES, _COMPARISONS = ("==", "!="), ("<", "<=", ">", ">=")
_LARGEST = 2**1023  # beyond it, and for NaN, there is no number to compare or compute with


def _binary(op: str) -> "Callable[[Expr, object], Any]":
    return lambda left, right: _combined(op, left, right)


def _reflected(op: str) -> "Callable[[Expr, object], Any]":
    return lambda right, left: _combined(op, left, right)


class Expr(UnsupportedOperators, msgspec.Struct, frozen=True, eq=False):
    """Base of every expression. ``==`` builds a comparison, so two are told apart by digest, and none is a bool."""

    __add__, __radd__ = _binary("+"), _reflected("+")
    __sub__, __rsub__ = _binary("-"), _reflected("-")
    __mul__, __rmul__ = _binary("*"), _reflected("*")
    __truediv__, __rtruediv__ = _binary("/"), _reflected("/")
    __lt__, __le__, __gt__, __ge__ = _binary("<"), _binary("<="), _binary(">"), _binary(">=")
    __eq__, __ne__ = _binary("=="), _binary("!=")

    def __and__(self, other: object) -> "Logical":
        return Logical("and", _operand(self, "&"), _operand(other, "&"))

    def __or__(self, other: object) -> "Logical":
        return Logical("or", _operand(self, "|"), _operand(other, "|"))

    def __invert__(self) -> "Unary":
        return Unary("not", _operand(self, "~"))

    def abs(self) -> "Unary":
        """Return the number without its sign."""
        return Unary("abs", _operand(self, "abs"))

    def log1p(self) -> "Unary":
        """Return the natural logarithm of 1 + the number; missing at -1 and below."""
        return Unary("log1p", _operand(self, "log1p"))

    def between(self, low: object, high: object) -> "Logical":
        """Return whether low <= number <= high; both ends belong to it.

        Parameters
        ----------
        low, high : numbers, columns or other expressions; two plain numbers must be in order

        Raises
        ------
        DefinitionError
            If low is above high, so that no number lies between.
        """
        check_order(low, high)
        return Logical("and", _comparison(">=", self, low), _comparison("<=", self, high))

    def is_missing(self) -> "Unary":
        """Return 1 where there is no value and 0 where there is one; it is never missing itself."""
        return Unary("is_missing", cast("AnyExpr", self) if is_text(self) else _operand(self, "is_missing"))

    def coalesce(self, other: object) -> "Coalesce":
        """Return the number, or the other one where it is missing."""
        return Coalesce(_operand(self, "coalesce"), _operand(other, "coalesce"))

    def category(self, *vocabulary: str) -> "Category":
        """Return the place of a text in a frozen vocabulary.

        Raises
        ------
        DefinitionError
            If it is no text, or the vocabulary is empty, has a word twice, or something that is no word.
        """
        if not is_text(self):
            sentence = f"category() is taken of a key field or a looked-up text, and {shown(self)} is none."
            raise DefinitionError(sentence, where=where())
        check_words(vocabulary)
        return Category(cast("AnyExpr", self), vocabulary)

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        sentence = (
            "An expression has no truth of its own: it is a column, with a value for each record. "
            "Combine conditions with & | ~ and .between(), without 'if', 'and', 'or' or 'not'."
        )
        raise DefinitionError(sentence, where=where())


class Literal(Expr, frozen=True, eq=False, tag="literal"):
    """A constant, as an IEEE double."""

    value: float


class Text(Expr, frozen=True, eq=False, tag="text"):
    """A constant text, to compare with."""

    value: str


class Column(Expr, frozen=True, eq=False, tag="column", dict=True):
    """A number of the record itself: money and numbers in their unit, a flag as 0 or 1."""

    stream: str
    field: str

    def corrected_by(self, corrections: object, *, on: str) -> "Corrected":
        """Return the value to which later records add: a refund of -20 leaves 80 of 100, from when it is known.

        Parameters
        ----------
        corrections : the column of another stream with the signed amount to add, in the same unit
        on : the field of a correction that holds the id of the corrected record

        Raises
        ------
        DefinitionError
            If the corrections are no column of a stream, have another unit, or ``on`` is no key of theirs.
        """
        if not isinstance(corrections, Column):
            sentence = f"corrected_by needs a column of a stream of corrections, not {shown(corrections)}."
            raise DefinitionError(sentence, where=where())
        check_key(known_fields(corrections), corrections.stream, on)
        check_unit(self, corrections)
        return Corrected(self.stream, self.field, corrections.stream, corrections.field, on)


class TimeColumn(Expr, frozen=True, eq=False, tag="time"):
    """An instant of the record itself; its parts are taken in UTC, or in a zone such as "Europe/Berlin"."""

    stream: str
    field: str

    def hour(self, zone: str = "UTC") -> "TimePart":
        """Return the hour of the day, 0 to 23."""
        return _part("hour", self, zone)

    def weekday(self, zone: str = "UTC") -> "TimePart":
        """Return the day of the week, 0 for Monday to 6 for Sunday."""
        return _part("weekday", self, zone)

    def day(self, zone: str = "UTC") -> "TimePart":
        """Return the day of the month, 1 to 31."""
        return _part("day", self, zone)

    def month(self, zone: str = "UTC") -> "TimePart":
        """Return the month, 1 to 12."""
        return _part("month", self, zone)


class KeyColumn(Expr, frozen=True, eq=False, tag="key"):
    """A name: of an entity, a record, a country. It groups, joins and compares, and has no number."""

    stream: str
    field: str


class TableColumn(Expr, frozen=True, eq=False, tag="outcome"):
    """A value of a table that does not say when it became known: only ``flagged_by`` can date it."""

    table: str
    key: str
    field: str


class TimePart(Expr, frozen=True, eq=False, tag="part"):
    """A part of the calendar in a time zone."""

    part: CalendarPart
    of: TimeColumn
    zone: str = "UTC"


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


class Corrected(Expr, frozen=True, eq=False, tag="corrected"):
    """A column of a record, and all that later records of ``by`` add to it, each from when it became known.

    Parameters
    ----------
    stream, field : the corrected column
    by, delta : the stream of corrections, and its column of signed amounts to add
    on : the field of a correction that holds the id of the corrected record
    """

    stream: str
    field: str
    by: str
    delta: str
    on: str


class Aggregate(Expr, frozen=True, eq=False, tag="aggregate"):
    """One number about an entity's visible events with t - delay - window < time <= t - delay.

    Parameters
    ----------
    function : what it tells of them
    stream, keys : whose events, and the fields that name their entity
    at : fields of the spine that name the entity whose events are meant; empty where they are called as ``keys`` are
    of : the value it is about; None where it is about the events themselves
    where : which events count: those for which this condition on the event's own record is 1; None for all
    window_us, delay_us : how long the window is (0: since ever), and how long before the record it ends
    every_us : the older end is rounded down to a multiple of this; 0 for not at all
    cap : how many different values are told apart; beyond it the number is missing
    """

    function: AggregateFunction
    stream: str
    keys: tuple[str, ...]
    of: "AnyExpr | None"
    window_us: int
    delay_us: int = 0
    where: "AnyExpr | None" = None
    at: tuple[KeyColumn, ...] = ()
    every_us: int = 0
    cap: int = 0


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


class TextComparison(Expr, frozen=True, eq=False, tag="same"):
    """Whether two texts are equal, byte for byte: 1 or 0, missing where one is missing."""

    op: OneOf["==", "!="]
    left: "AnyExpr"
    right: "AnyExpr"


class Logical(Expr, frozen=True, eq=False, tag="logical"):
    """Two conditions joined: 1 or 0, missing where one is missing; whatever is not 0 holds."""

    op: OneOf["and", "or"]
    left: "AnyExpr"
    right: "AnyExpr"


class Coalesce(Expr, frozen=True, eq=False, tag="coalesce"):
    """The left number, or the right one where it is missing."""

    left: "AnyExpr"
    right: "AnyExpr"


class Unary(Expr, frozen=True, eq=False, tag="unary"):
    """A function of one number (``is_missing`` also of a text)."""

    function: OneOf["not", "abs", "log1p", "is_missing"]
    of: "AnyExpr"


class Category(Expr, frozen=True, eq=False, tag="category"):
    """The place of a text in a frozen vocabulary from 0 on; its length for an unknown text, one more for a missing."""

    of: "AnyExpr"
    vocabulary: tuple[str, ...]


Leaf = Literal | Text | Column | TimeColumn | KeyColumn | TableColumn
LateValue = Flagged | Corrected
Pair = Arithmetic | Comparison | TextComparison | Logical | Coalesce
AnyExpr = Leaf | TimePart | LateValue | Aggregate | Pair | Unary | Category


def subexpressions(expr: AnyExpr) -> Iterator[AnyExpr]:
    """Yield an expression and everything it is made of, outermost first; not the keys that name entities."""
    yield expr
    inner: list[Any] = []
    match expr:
        case Arithmetic() | Comparison() | TextComparison() | Logical() | Coalesce():
            inner = [expr.left, expr.right]
        case TimePart() | Unary() | Category():
            inner = [expr.of]
        case Aggregate():
            inner = [part for part in (expr.of, expr.where) if part is not None]
        case _:
            pass
    for part in inner:
        yield from subexpressions(part)


def is_text(value: object) -> bool:
    """Return whether an expression is a text: a key, a constant, or the last or latest key of an entity's events."""
    if isinstance(value, Aggregate):
        return value.function in ("first", "last", "latest") and isinstance(value.of, KeyColumn)
    return isinstance(value, KeyColumn | Text)


def is_condition(value: object) -> bool:
    """Return whether an expression can only be 1, 0 or missing."""
    if isinstance(value, Unary):
        return value.function in ("not", "is_missing")
    return isinstance(value, Comparison | TextComparison | Logical)


def _combined(op: Any, left: object, right: object) -> "Arithmetic | Comparison | TextComparison":
    if op in _EQUALITIES:
        return _equality(op, left, right)
    if op in _COMPARISONS:
        return _comparison(op, left, right)
    return Arithmetic(op, _operand(left, op), _operand(right, op))


def _comparison(op: ComparisonOp, left: object, right: object) -> Comparison:
    return Comparison(op, _operand(left, op), _operand(right, op))


def _equality(op: OneOf["==", "!="], left: object, right: object) -> "Comparison | TextComparison":
    sides: list[Any] = [Text(side) if isinstance(side, str) else side for side in (left, right)]
    texts = [is_text(side) for side in sides]
    if all(texts):
        return TextComparison(op, *sides)
    if any(texts):
        other = sides[texts.index(False)]
        sentence = (
            f"A text is compared with a text, and {shown(other)} is none. Compare keys with keys, or with a 'text'."
        )
        raise DefinitionError(sentence, where=where())
    return _comparison(op, left, right)


def _part(part: CalendarPart, of: TimeColumn, zone: str) -> TimePart:
    zones.check_zone(zone, where=where())
    return TimePart(part, of, zone)


def _operand(value: object, op: str) -> AnyExpr:
    if isinstance(value, TableColumn):
        raise LeakRefused(f"{value.table}.{value.field}", where=where())
    if isinstance(value, LateValue):
        sentence = (
            f"What {value.by!r} says is not known when a record of {value.stream!r} is decided. "
            "Use it inside an aggregate, such as terminal.mean(fraud).over('7d', delay='7d')."
        )
        raise DefinitionError(sentence, where=where())
    if isinstance(value, TimeColumn) or is_text(value):
        what = "the text" if not isinstance(value, TimeColumn | KeyColumn) else repr(value.field)
        remedy = (
            "Take .hour() or .weekday() of it."
            if isinstance(value, TimeColumn)
            else "Group by it, compare it with ==, or take .category(...) of it."
        )
        raise DefinitionError(f"{what} is no number, so '{op}' cannot take it. {remedy}", where=where())
    if isinstance(value, Expr):
        return cast("AnyExpr", value)
    if isinstance(value, int | float) and abs(value) < _LARGEST:
        return Literal(float(value))
    taken = "It takes numbers, columns, parts of time and windows of an aggregate."
    raise DefinitionError(f"'{op}' cannot take {shown(value)}. {taken}", where=where())
