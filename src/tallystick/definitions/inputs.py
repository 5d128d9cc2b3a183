"""The columns that an expression looks at: those it names, and those that tell whose and when."""

from collections.abc import Iterator, Mapping

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Column,
    Corrected,
    Flagged,
    KeyColumn,
    TableColumn,
    TimeColumn,
    subexpressions,
)
from tallystick.definitions.streams import Source, StreamDefinition


def input_columns(expr: AnyExpr, spine: StreamDefinition, sources: Mapping[str, Source]) -> tuple[tuple[str, str], ...]:
    """Return every column that an expression looks at, each once: its stream or table, and its name.

    Parameters
    ----------
    expr : of a record of the spine
    spine : the stream whose records are asked about
    sources : every stream and table that it looks at, by name

    Examples
    --------
    >>> from tallystick.definitions.fields import key
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at", fields={"customer_id": key})
    >>> n, spine = payments.by("customer_id").count().over("7d"), payments.definition
    >>> input_columns(n, spine, {"payments": spine})
    (('payments', 'customer_id'), ('payments', 'paid_at'))
    """
    found = (pair for part in subexpressions(expr) for pair in _columns(part, spine, sources) if pair[1])
    return tuple(dict.fromkeys(found))


def _columns(part: AnyExpr, spine: StreamDefinition, sources: Mapping[str, Source]) -> Iterator[tuple[str, str]]:
    """Yield the stream and name of the columns that a part takes by itself; a name is empty where there is none."""
    match part:
        case Column() | TimeColumn() | KeyColumn():
            yield part.stream, part.field
        case TableColumn():
            yield part.table, part.field
        case Flagged():
            yield part.by, part.flag or ""
            yield from _reported(part, sources)
        case Corrected():
            yield part.stream, part.field
            yield part.by, part.delta
            yield from _reported(part, sources)
        case Aggregate():
            yield from ((part.stream, key) for key in part.keys)
            yield part.stream, _time(sources[part.stream])
            yield from ((spine.name, key) for key in (tuple(at.field for at in part.at) or part.keys))
            yield spine.name, spine.time
        case _:
            pass


def _reported(later: Flagged | Corrected, sources: Mapping[str, Source]) -> Iterator[tuple[str, str]]:
    """Yield what ties a report to its record, and what says when each happened."""
    yield later.by, later.on
    yield later.by, _time(sources[later.by])
    flagged = sources[later.stream]
    yield later.stream, flagged.id if isinstance(flagged, StreamDefinition) else ""
    yield later.stream, _time(flagged)


def _time(source: Source) -> str:
    return source.time if isinstance(source, StreamDefinition) else ""
