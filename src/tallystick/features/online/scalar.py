"""Expressions of one record, made into functions once per plan."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from tallystick.data.records import Record
from tallystick.definitions.zones import Zone
from tallystick.features.lowering import (
    AggregateNumber,
    AggregateText,
    Call,
    CategoryCode,
    Constant,
    InstantPart,
    Node,
    NumberField,
    Operation,
    TextConstant,
    TextEquality,
    TextField,
    TextMissing,
    TextNode,
)
from tallystick.features.rowwise import CALLS, NAN, OPERATIONS, PARTS, decimal

Slots = Sequence[Sequence[float | str | None]]
Evaluate = Callable[[Record, Slots], float]
EvaluateText = Callable[[Record, Slots], str | None]


def evaluator(node: Node) -> Evaluate:
    """Return the function that computes an expression from a record and its groups' finished aggregates."""
    match node:
        case Constant(value=value):
            evaluate = _constant(value)
        case NumberField(field=field, scale=scale):
            evaluate = _number(field, scale)
        case InstantPart(part=part, field=field, zone=zone):
            evaluate = _part(PARTS[part], field, zone)
        case AggregateNumber(group=group, slot=slot):
            evaluate = _place(group, slot)
        case Operation(op=op, left=left, right=right):
            evaluate = _operation(OPERATIONS[op], evaluator(left), evaluator(right))
        case Call(function=function, of=of):
            evaluate = _call(CALLS[function], evaluator(of))
        case TextEquality() | CategoryCode() | TextMissing():
            evaluate = _of_text(node)
    return evaluate


def texter(node: TextNode) -> EvaluateText:
    """Return the function that finds a text in a record or among its groups' finished aggregates."""
    match node:
        case TextConstant(value=value):
            return lambda _record, _slots: value
        case TextField(field=field):
            return _text(field)
        case AggregateText(group=group, slot=slot):
            return lambda _record, slots: slots[group][slot]  # type: ignore[return-value]


def _constant(value: float) -> Evaluate:
    return lambda _record, _slots: value


def _of_text(node: TextEquality | CategoryCode | TextMissing) -> Evaluate:
    match node:
        case TextEquality(op=op, left=left, right=right):
            return _same(texter(left), texter(right), is_equal=op == "==")
        case CategoryCode(of=of, vocabulary=vocabulary):
            return _coded(texter(of), vocabulary)
        case TextMissing(of=of):
            return _absent(texter(of))


def _text(field: str | None) -> EvaluateText:
    if field is None:
        return lambda record, _slots: record.id
    return lambda record, _slots: record.keys.get(field)


def _number(field: str, scale: float) -> Evaluate:
    def number(record: Record, _slots: Slots) -> float:
        value = record.values.get(field)
        return NAN if value is None else decimal(value, scale)

    return number


def _part(part: Callable[[int], float], field: str | None, zone: Zone | None) -> Evaluate:
    def of_time(record: Record, _slots: Slots) -> float:
        at = record.time if field is None else record.values.get(field)
        if at is None:
            return NAN
        return part(at if zone is None else local_time(at, zone))

    return of_time


def local_time(at: int, zone: Zone) -> int:
    """Return an instant as local time: with the offset of the last change at or before it.

    Parameters
    ----------
    at : microseconds since 1970 UTC
    zone : whose clocks are read; before its first change the first offset holds

    Examples
    --------
    >>> local_time(5, Zone("Here", "1", (0, 10), (100, 200))), local_time(-5, Zone("Here", "1", (0, 10), (100, 200)))
    (105, 95)
    """
    return at + zone.offsets[max(0, bisect_right(zone.begins, at) - 1)]


def _place(group: int, slot: int) -> Evaluate:
    return lambda _record, slots: slots[group][slot]  # type: ignore[return-value]


def _operation(operate: Callable[[float, float], float], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda record, slots: operate(left(record, slots), right(record, slots))


def _call(function: Callable[[float], float], of: Evaluate) -> Evaluate:
    return lambda record, slots: function(of(record, slots))


def _same(left: EvaluateText, right: EvaluateText, *, is_equal: bool) -> Evaluate:
    def same(record: Record, slots: Slots) -> float:
        one, other = left(record, slots), right(record, slots)
        if one is None or other is None:
            return NAN
        return 1.0 if (one == other) is is_equal else 0.0

    return same


def _coded(of: EvaluateText, vocabulary: tuple[str, ...]) -> Evaluate:
    places = {text: float(place) for place, text in enumerate(vocabulary)}
    unknown, missing = float(len(vocabulary)), float(len(vocabulary) + 1)

    def coded(record: Record, slots: Slots) -> float:
        text = of(record, slots)
        return missing if text is None else places.get(text, unknown)

    return coded


def _absent(of: EvaluateText) -> Evaluate:
    return lambda record, slots: 1.0 if of(record, slots) is None else 0.0
