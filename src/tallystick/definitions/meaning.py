"""What an expression means in plain words, exactly: one function for each kind of expression."""

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.definitions.durations import duration_text
from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Category,
    Coalesce,
    Column,
    Comparison,
    Corrected,
    Flagged,
    KeyColumn,
    Literal,
    Logical,
    TableColumn,
    Text,
    TextComparison,
    TimeColumn,
    TimePart,
    Unary,
    is_condition,
    subexpressions,
)
from tallystick.definitions.fields import Flag, Money
from tallystick.definitions.streams import Source, StreamDefinition

Sources = Mapping[str, Source]

UNITS = {"us": "microsecond", "ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day"}
OPERATIONS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
COMPARISONS = {
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
    "==": "equals",
    "!=": "differs from",
}
PARTS = {
    "hour": "the hour of {of} ({zone})",
    "weekday": "the weekday of {of} ({zone}, 0 for Monday)",
    "day": "the day of the month of {of} ({zone})",
    "month": "the month of {of} ({zone})",
}
AGGREGATES = {
    "count": "number of {events}",
    "sum": "sum of {of} over {events}",
    "mean": "mean of {of} over {events}",
    "std": "sample standard deviation of {of} over {events}",
    "min": "smallest {of} of {events}",
    "max": "largest {of} of {events}",
    "first": "{of} of the first of {events}",
    "last": "{of} of the last of {events}",
    "latest": "{of} of the latest of {events}",
    "distinct": "number of different {of} of {events}; missing where they are more than {cap}",
    "since": "seconds since the last of {events}",
}


def meaning(expr: AnyExpr, sources: Sources) -> str:
    """Return what a feature means, in words.

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
    >>> sources = {"payments": payments.definition}
    >>> meaning(payments.paid_at.hour("Europe/Berlin") <= 6, sources)
    '1 if the hour of paid_at (Europe/Berlin) is at most 6, else 0'
    >>> meaning(payments.by("customer_id").mean(payments.amount).over("7d"), sources)
    "mean of amount (EUR) over the customer's payments of the last 7 days"
    """
    if not is_condition(expr):
        return _WORDING[type(expr)](expr, sources)
    # Said only where it can happen: repeated everywhere, nobody would read it.
    lacking = ", missing where a part of it is missing" if _can_lack(expr, sources) else ""
    return f"1 if {_claim(expr, sources)}, else 0{lacking}"


def duration_in_words(us: int) -> str:
    """Return a length of time in words.

    >>> duration_in_words(604_800_000_000), duration_in_words(1)
    ('7 days', '1 microsecond')
    """
    text = duration_text(us)
    # The unit is what follows the digits: of "15ms" both letters.
    number = text.rstrip("dhmsu")
    return f"{number} {UNITS[text[len(number) :]]}{'' if number == '1' else 's'}"


def _can_lack(expr: AnyExpr, sources: Sources) -> bool:
    """Return whether a value can be missing: an optional field, a lookup, an aggregate of nothing, a quotient."""
    lacks = False
    match expr:
        case Column() | KeyColumn():
            lacks = sources[expr.stream].fields[expr.field].optional
        case TimePart():
            lacks = sources[expr.of.stream].fields[expr.of.field].optional
        case Aggregate():
            lacks = expr.function not in ("count", "sum")
        case Coalesce():
            lacks = _can_lack(expr.left, sources) and _can_lack(expr.right, sources)
        case Unary():
            lacks = expr.function == "log1p" or (expr.function != "is_missing" and _can_lack(expr.of, sources))
        case Arithmetic() | Comparison() | TextComparison() | Logical():
            divides = expr.op == "/" and not (isinstance(expr.right, Literal) and expr.right.value)
            lacks = divides or _can_lack(expr.left, sources) or _can_lack(expr.right, sources)
        case _:
            pass
    return lacks


def _claim(expr: AnyExpr, sources: Sources) -> str:
    """Return a condition as what it claims: without 'if' and 'else'; any other number holds where it is not 0."""
    return _WORDING[type(expr)](expr, sources) if is_condition(expr) else f"{_part(expr, sources)} is not 0"


def _part(expr: AnyExpr, sources: Sources) -> str:
    """Return an operand, in brackets where it could be read as more than one thing."""
    is_one = isinstance(expr, Literal | Text | Column | KeyColumn | TimePart | TimeColumn)
    return meaning(expr, sources) if is_one else f"({meaning(expr, sources)})"


def _literal(expr: Literal, _: Sources) -> str:
    return str(int(expr.value)) if expr.value.is_integer() and abs(expr.value) < 1e15 else repr(expr.value)


def _text(expr: Text, _: Sources) -> str:
    return f"'{expr.value}'"


def _column(expr: Column | Corrected, sources: Sources) -> str:
    kind = sources[expr.stream].fields[expr.field]
    return f"{expr.field} ({kind.currency})" if isinstance(kind, Money) else expr.field


def _name(expr: TimeColumn | KeyColumn, _: Sources) -> str:
    return expr.field


def _outcome(expr: TableColumn, _: Sources) -> str:
    return f"{expr.field} of {expr.table}, whenever it became known"


def _calendar(expr: TimePart, _: Sources) -> str:
    return PARTS[expr.part].format(of=expr.of.field, zone=expr.zone)


def _flagged(expr: Flagged, _: Sources) -> str:
    if expr.known_after_us is not None:
        return f"with {expr.flag} in {expr.by}, known {duration_in_words(expr.known_after_us)} after each"
    if expr.flag is not None:
        return f"with {expr.flag} in {expr.by} by then"
    return f"that had been reported in {expr.by} by then"


def _corrected(expr: Corrected, sources: Sources) -> str:
    return f"{_column(expr, sources)}, as corrected by {expr.delta} of {expr.by} until then,"


def _arithmetic(expr: Arithmetic, sources: Sources) -> str:
    return f"{_part(expr.left, sources)} {OPERATIONS[expr.op]} {_part(expr.right, sources)}"


def _comparison(expr: Comparison | TextComparison, sources: Sources) -> str:
    return f"{_part(expr.left, sources)} {COMPARISONS[expr.op]} {_part(expr.right, sources)}"


def _logical(expr: Logical, sources: Sources) -> str:
    def side(part: AnyExpr) -> str:
        claim = _claim(part, sources)
        # "a and b and c" needs no brackets; "a and b or c" can be read in two ways.
        return f"({claim})" if isinstance(part, Logical) and part.op != expr.op else claim

    return f"{side(expr.left)} {expr.op} {side(expr.right)}"


def _coalesce(expr: Coalesce, sources: Sources) -> str:
    return f"{_part(expr.left, sources)}, or {_part(expr.right, sources)} where that is missing"


def _unary(expr: Unary, sources: Sources) -> str:
    match expr.function:
        case "not":
            return f"not ({_claim(expr.of, sources)})"
        case "is_missing":
            return f"{_part(expr.of, sources)} is missing"
        case "abs":
            return f"{_part(expr.of, sources)} without its sign"
        case "log1p":
            return f"the natural logarithm of 1 + {_part(expr.of, sources)}"


def _category(expr: Category, sources: Sources) -> str:
    n = len(expr.vocabulary)
    return (
        f"the place of {meaning(expr.of, sources)} in {', '.join(map(repr, expr.vocabulary))} (from 0 on; {n} for "
        f"another, {n + 1} where missing)"
    )


def _aggregate(expr: Aggregate, sources: Sources) -> str:
    stream = sources[expr.stream]
    if expr.function == "latest" and isinstance(stream, StreamDefinition) and stream.key and expr.of is not None:
        when = " as of the record" if stream.time else ""
        return f"{meaning(expr.of, sources)} in {expr.stream}{when}, looked up by {_names(expr, stream)}"
    of = "" if expr.of is None else _value(expr.of, sources)
    return _pattern(expr, sources).format(events=_events(expr, sources), of=of, cap=expr.cap)


def _value(of: AnyExpr, sources: Sources) -> str:
    return _claim(of, sources) if is_condition(of) else meaning(of, sources)


def _pattern(expr: Aggregate, sources: Sources) -> str:
    """Return the words of an aggregate; a sum or mean of a flag or condition is a number or share of events."""
    if expr.of is not None and expr.function in ("first", "last"):
        return AGGREGATES[expr.function] + (" that has it" if _known(expr.of, sources) else "")
    if expr.of is None or expr.function not in ("sum", "mean"):
        return AGGREGATES[expr.function]
    counted, known = "number" if expr.function == "sum" else "share", _known(expr.of, sources)
    # The flag's own words say which events, so that "for which" would be one clause too many.
    if isinstance(expr.of, Flagged):
        return f"{counted} of {{events}} {{of}}"
    if is_condition(expr.of):
        return f"{counted} of {{events}} for which {{of}}{known}"
    if isinstance(expr.of, Column) and isinstance(sources[expr.stream].fields[expr.of.field], Flag):
        return f"{counted} of {{events}} with {{of}}{known}"
    return AGGREGATES[expr.function]


def _known(of: AnyExpr, sources: Sources) -> str:
    """Return which events a share leaves out: those that lack what it asks for."""
    fields = [
        sources[part.stream].fields[part.field] for part in subexpressions(of) if isinstance(part, Column | KeyColumn)
    ]
    return ", among those where that is known" if any(field.optional for field in fields) else ""


def _events(expr: Aggregate, sources: Sources) -> str:
    """Return which events an aggregate is about: whose, when, and under which condition."""
    called, window = [key.removesuffix("_id") for key in expr.keys], _window(expr)
    named_by = tuple(key.field for key in expr.at) or expr.keys
    whose = f"the {called[0]}'s {expr.stream}{window}"
    if named_by != expr.keys:
        pairs = " and ".join(f"{own} is the record's {other}" for own, other in zip(expr.keys, named_by, strict=True))
        whose = f"the {expr.stream}{window} whose {pairs}"
    elif len(called) > 1:
        whose = f"the {expr.stream} of the same {' and '.join(called)}{window}"
    joined = " and" if named_by != expr.keys else ""
    return whose if expr.where is None else f"{whose}{joined} for which {_claim(expr.where, sources)}"


def _window(expr: Aggregate) -> str:
    if not expr.window_us and not expr.delay_us:
        return ""
    rounded = f" (from the last multiple of {duration_in_words(expr.every_us)} before)" if expr.every_us else ""
    if not expr.delay_us:
        return f" of the last {duration_in_words(expr.window_us)}{rounded}"
    lasted = f"the {duration_in_words(expr.window_us)}{rounded}" if expr.window_us else "all time"
    return f" of {lasted} up to {duration_in_words(expr.delay_us)} before the record"


def _names(expr: Aggregate, stream: StreamDefinition) -> str:
    return " and ".join(key.field for key in expr.at) or stream.key


_WORDING: dict[type, Callable[[Any, Sources], str]] = {
    Literal: _literal,
    Text: _text,
    Column: _column,
    TimeColumn: _name,
    KeyColumn: _name,
    TableColumn: _outcome,
    TimePart: _calendar,
    Flagged: _flagged,
    Corrected: _corrected,
    Aggregate: _aggregate,
    Arithmetic: _arithmetic,
    Comparison: _comparison,
    TextComparison: _comparison,
    Logical: _logical,
    Coalesce: _coalesce,
    Unary: _unary,
    Category: _category,
}
DESCRIBABLE = frozenset(_WORDING)
"""The kinds of expressions that have words: all of them."""
