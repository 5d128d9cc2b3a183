"""Expressions as executors see them: fields with their scale, parts of time, places of aggregates, operations."""

from collections.abc import Callable
from dataclasses import dataclass

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
from tallystick.definitions.zones import Zone
from tallystick.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that stands in the definition."""

    value: float


@dataclass(frozen=True, slots=True)
class NumberField:
    """A field of the record, divided by ``scale`` (10 to the power of its decimals)."""

    field: str
    scale: float


@dataclass(frozen=True, slots=True)
class InstantPart:
    """A calendar part of a time field, or of the record's own instant where ``field`` is None; in UTC without zone."""

    part: str
    field: str | None
    zone: Zone | None


@dataclass(frozen=True, slots=True)
class AggregateNumber:
    """The aggregate that stands in slot ``slot`` of group ``group``: a number."""

    group: int
    slot: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Two numbers, combined, compared or joined: the names of ``rowwise.OPERATIONS``."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one number: the names of ``rowwise.CALLS``."""

    function: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class TextConstant:
    """A text that stands in the definition."""

    value: str


@dataclass(frozen=True, slots=True)
class TextField:
    """A key field of the record, or its id where ``field`` is None."""

    field: str | None


@dataclass(frozen=True, slots=True)
class AggregateText:
    """The aggregate that stands in slot ``slot`` of group ``group``: a text."""

    group: int
    slot: int


@dataclass(frozen=True, slots=True)
class TextEquality:
    """Whether two texts are equal ("==") or differ ("!=")."""

    op: str
    left: "TextNode"
    right: "TextNode"


@dataclass(frozen=True, slots=True)
class CategoryCode:
    """The place of a text in a vocabulary."""

    of: "TextNode"
    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextMissing:
    """1 where a text is missing, else 0."""

    of: "TextNode"


TextNode = TextConstant | TextField | AggregateText
Node = (
    Constant
    | NumberField
    | InstantPart
    | AggregateNumber
    | Operation
    | Call
    | TextEquality
    | CategoryCode
    | TextMissing
)

Placing = Callable[[Aggregate], tuple[int, int]]
Zoning = Callable[[str], Zone]


@dataclass(frozen=True, slots=True)
class Lowering:
    """Lowers expressions of one stream's record.

    Parameters
    ----------
    stream : whose record it is
    zone : looks up a time zone
    place : looks up where an aggregate stands
    """

    stream: StreamDefinition
    zone: Zoning
    place: Placing

    def number(self, expr: AnyExpr) -> Node:
        """Return a number's expression with its fields' scales looked up and its aggregates replaced by their places.

        Raises
        ------
        DefinitionError
            If the expression is no number of a record of the stream.
        """
        match expr:
            case Literal(value=value):
                return Constant(value)
            case Column(field=field):
                return NumberField(field, float(10 ** self.stream.fields[field].decimals))
            case TimePart(part=part, of=of, zone=zone):
                field_or_own = None if of.field == self.stream.time else of.field
                return InstantPart(part, field_or_own, None if zone == "UTC" else self.zone(zone))
            case Aggregate() if not is_text(expr):
                return AggregateNumber(*self.place(expr))
            case _:
                return self._function(expr)

    def text(self, expr: AnyExpr) -> TextNode:
        """Return a text's expression.

        Raises
        ------
        DefinitionError
            If the expression is no text of a record of the stream.
        """
        match expr:
            case Text(value=value):
                return TextConstant(value)
            case KeyColumn(field=field):
                return TextField(None if field == self.stream.id else field)
            case Aggregate() if is_text(expr):
                return AggregateText(*self.place(expr))
            case _:
                raise DefinitionError(f"{expr!r} is no text of a record of {self.stream.name!r}.")

    def _function(self, expr: AnyExpr) -> Node:
        match expr:
            case Arithmetic() | Comparison() | Logical():
                return Operation(expr.op, self.number(expr.left), self.number(expr.right))
            case Coalesce(left=left, right=right):
                return Operation("coalesce", self.number(left), self.number(right))
            case Unary(function=function, of=of):
                return TextMissing(self.text(of)) if is_text(of) else Call(function, self.number(of))
            case TextComparison(op=op, left=left, right=right):
                return TextEquality(op, self.text(left), self.text(right))
            case Category(of=of, vocabulary=vocabulary):
                return CategoryCode(self.text(of), vocabulary)
            case _:
                raise DefinitionError(f"{expr!r} is no number of a record of {self.stream.name!r}.")
