"""Expressions as executors see them: fields with their scale, parts of time, places of aggregates, operations."""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Column,
    Comparison,
    Literal,
    TimePart,
)
from tallystick.definitions.streams import StreamDefinition
from tallystick.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that stands in the definition."""

    value: float


@dataclass(frozen=True, slots=True)
class Number:
    """A field of the record, divided by ``scale`` (10 to the power of its decimals)."""

    field: str
    scale: float


@dataclass(frozen=True, slots=True)
class Part:
    """Hour or weekday of a time field; of the record's own instant where ``field`` is None."""

    part: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """The aggregate that stands in slot ``slot`` of group ``group``."""

    group: int
    slot: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Two numbers, combined or compared."""

    op: str
    left: "Node"
    right: "Node"


Node = Constant | Number | Part | Place | Operation


def lower(expr: AnyExpr, spine: StreamDefinition, place: Callable[[Aggregate], tuple[int, int]]) -> Node:
    """Return an expression with its fields' scales looked up and its aggregates replaced by their places.

    Raises
    ------
    DefinitionError
        If the expression is no number of a record of the spine.
    """
    match expr:
        case Literal(value=value):
            return Constant(value)
        case Column(field=field):
            return Number(field, float(10 ** spine.fields[field].decimals))
        case TimePart(part=part, of=of):
            return Part(part, None if of.field == spine.time else of.field)
        case Aggregate():
            return Place(*place(expr))
        case Arithmetic(op=op, left=left, right=right) | Comparison(op=op, left=left, right=right):
            return Operation(op, lower(left, spine, place), lower(right, spine, place))
        case _:
            raise DefinitionError(f"{expr!r} is no number of a record of {spine.name!r}.")
