"""Expressions of one record, made into functions once per plan."""

from collections.abc import Callable, Sequence

from tallystick.data.records import Record
from tallystick.features.lowering import Constant, Node, Number, Operation, Part, Place
from tallystick.features.rowwise import NAN, OPERATIONS, PARTS, decimal

Slots = Sequence[Sequence[float]]
Evaluate = Callable[[Record, Slots], float]


def evaluator(node: Node) -> Evaluate:
    """Return the function that computes an expression from a record and its groups' finished aggregates."""
    match node:
        case Constant(value=value):
            return lambda _record, _slots: value
        case Number(field=field, scale=scale):
            return _number(field, scale)
        case Part(part=part, field=field):
            return _part(PARTS[part], field)
        case Place(group=group, slot=slot):
            return lambda _record, slots: slots[group][slot]
        case Operation(op=op, left=left, right=right):
            return _operation(OPERATIONS[op], evaluator(left), evaluator(right))


def _number(field: str, scale: float) -> Evaluate:
    def number(record: Record, _slots: Slots) -> float:
        value = record.values.get(field)
        return NAN if value is None else decimal(value, scale)

    return number


def _part(part: Callable[[int], float], field: str | None) -> Evaluate:
    def of_time(record: Record, _slots: Slots) -> float:
        at = record.time if field is None else record.values.get(field)
        return NAN if at is None else part(at)

    return of_time


def _operation(operate: Callable[[float, float], float], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda record, slots: operate(left(record, slots), right(record, slots))
