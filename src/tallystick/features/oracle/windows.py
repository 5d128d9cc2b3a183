"""The oracle's windows: an entity's events one by one, what they add up to, and what later records change."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Column,
    Corrected,
    Flagged,
    KeyColumn,
    is_text,
)
from tallystick.definitions.streams import Source, StreamDefinition
from tallystick.errors import DefinitionError, FeatureOverflow
from tallystick.features.oracle.rows import MISSING, OwnRecord, PlainRecord, evaluate_number
from tallystick.features.oracle.totals import NEVER, Refusal, Step, deviation, first_overflow

Entity = tuple[str, ...]
Answer = float | str | None
"""A number, NaN where missing; of an aggregate that is a text, the text or None."""


class RecordIndex:
    """All records, looked up by the names they share and in no cleverer way.

    Parameters
    ----------
    sources : definitions of all streams and tables by name
    streams : their records
    """

    def __init__(self, sources: Mapping[str, Source], streams: Mapping[str, Sequence[PlainRecord]]) -> None:
        self._sources, self._streams = sources, streams
        self._named: dict[tuple[str, Entity], dict[Entity, list[PlainRecord]]] = {}
        self._events: dict[tuple[Aggregate, Entity], list[PlainRecord]] = {}
        self._refused: dict[tuple[Aggregate, Entity], Refusal] = {}

    def answer(self, aggregate: Aggregate, row: PlainRecord, as_of: int) -> Answer:
        """Return what an aggregate is for a row as of a moment: a number, or a text where it is one.

        Parameters
        ----------
        aggregate : what is asked
        row : of the spine, with the time and the keys it asks by
        as_of : the last place in the order of arrival that it sees

        Raises
        ------
        FeatureOverflow
            If a total of the row's entity was too large at any moment up to then.
        """
        entity = tuple(row["fields"][name] for name in [key.field for key in aggregate.at] or aggregate.keys)
        # A row without a key asks about nobody, and gets what an empty window gives.
        if None in entity:
            return self._finished(aggregate, [], row, as_of)
        events = self._counting(aggregate, entity)
        refused, value = self._refusal(aggregate, entity)
        # A total that was once too large refuses every later question, whatever its window holds by then.
        if refused <= as_of:
            named = f"{' '.join(aggregate.keys)} {' '.join(entity)}"
            raise FeatureOverflow(str(getattr(aggregate.of, "field", "")), entity=named, value=value)
        newer = row["time"] - aggregate.delay_us
        older = _older(aggregate, newer)
        # Rules 2 and 3: what arrived by then, in a window that is open at its older end and closed at its newer.
        window = [event for event in events if event["position"] <= as_of and older < event["time"] <= newer]
        return self._finished(aggregate, window, row, as_of)

    def _counting(self, aggregate: Aggregate, entity: Entity) -> list[PlainRecord]:
        """Return the entity's events that satisfy the aggregate's condition, in order of time and arrival."""
        place = aggregate, entity
        if place not in self._events:
            named = self._by(aggregate.stream, aggregate.keys).get(entity, [])
            found = [event for event in named if self._satisfies(aggregate.where, event, aggregate.stream)]
            # Rule 5's order of a track: by time, then by arrival. First and last are the ends of this list.
            self._events[place] = sorted(found, key=lambda event: (event["time"], event["position"]))
        return self._events[place]

    def _by(self, stream: str, keys: tuple[str, ...]) -> dict[Entity, list[PlainRecord]]:
        if (stream, keys) not in self._named:
            found: dict[Entity, list[PlainRecord]] = {}
            for record in self._streams.get(stream, []):
                found.setdefault(tuple(record["fields"][key] for key in keys), []).append(record)
            self._named[stream, keys] = found
        return self._named[stream, keys]

    def _satisfies(self, where: AnyExpr | None, event: PlainRecord, stream: str) -> bool:
        return where is None or self._own(where, event, stream) == 1.0

    def _own(self, expr: AnyExpr, event: PlainRecord, stream: str) -> float:
        return evaluate_number(expr, OwnRecord(self._stream(stream), event, _nowhere))

    def _stream(self, name: str) -> StreamDefinition:
        source = self._sources[name]
        if not isinstance(source, StreamDefinition):
            raise DefinitionError(f"{name!r} is no stream, and only streams' events are aggregated.")
        return source

    def _value(self, aggregate: Aggregate, event: PlainRecord) -> Any:
        """Return an event's value as a whole number or text; None where it is missing."""
        match aggregate.of:
            case None | Flagged():
                return 1
            case Column(field=field) | KeyColumn(field=field) | Corrected(field=field):
                return event["fields"][field]
            case condition:
                # A condition on the event is 1, 0 or missing, and is counted and averaged like a column.
                holds = self._own(condition, event, aggregate.stream)
                return None if math.isnan(holds) else int(holds)

    def _finished(self, aggregate: Aggregate, window: list[PlainRecord], row: PlainRecord, as_of: int) -> Answer:
        """Return the aggregate of the events in its window."""
        values = [self._value(aggregate, event) for event in window]
        # Rule 5: missing values are skipped, but by count() without a column, for which every event is 1.
        present = [value for value in values if value is not None]
        match aggregate.function:
            case "count" | "sum" | "mean" | "std":
                s = self._sum(aggregate, window, row["time"], as_of)
                return self._total(aggregate, present, s)
            case "distinct":
                return float(len(set(present))) if len(set(present)) <= aggregate.cap else MISSING
            case "since":
                return float(row["time"] - window[-1]["time"]) / 1e6 if window else MISSING
        chosen: Any = _chosen(aggregate.function, values, present)
        if is_text(aggregate):
            return None if chosen is None else str(chosen)
        return MISSING if chosen is None else float(chosen) / self._scale(aggregate)

    def _total(self, aggregate: Aggregate, present: list[int], s: int) -> float:
        n, scale = len(present), self._scale(aggregate)
        match aggregate.function:
            case "count":
                return float(n)
            case "sum":
                return float(s) / scale
            case "mean":
                return (float(s) / float(n)) / scale if n else MISSING
            case _:
                return deviation(present) / scale if n > 1 else MISSING

    def _sum(self, aggregate: Aggregate, window: list[PlainRecord], t: int, as_of: int) -> int:
        """Return the sum over a window, with what is known at t of later records."""
        of = aggregate.of
        if isinstance(of, Flagged):
            return sum(self._is_flagged(of, event, t, as_of) for event in window)
        present = [event for event in window if self._value(aggregate, event) is not None]
        s: int = sum(self._value(aggregate, event) for event in present)
        if isinstance(of, Corrected):
            # A correction counts from when it is known and here; one of an event without the value changes nothing.
            corrections = [each for event in present for each in self._corrections(of, event)]
            s += sum(
                each["fields"][of.delta] for each in corrections if each["position"] <= as_of and each["time"] <= t
            )
        return s

    def _is_flagged(self, flag: Flagged, event: PlainRecord, t: int, as_of: int) -> bool:
        """Return whether a report of an event in the window is known by then."""
        after = flag.known_after_us
        # Rule 4, said of one event: the earliest report that is here by now decides when it became known.
        known = [
            report["time"] if after is None else event["time"] + after
            for report in self._by(flag.by, (flag.on,)).get((event["id"],), [])
            if report["position"] <= as_of and (flag.flag is None or report["fields"][flag.flag] == 1)
        ]
        return bool(known) and min(known) <= t

    def _corrections(self, of: Corrected, event: PlainRecord) -> list[PlainRecord]:
        """Return the records that add something to an event's value, whenever they arrive."""
        found = self._by(of.by, (of.on,)).get((event["id"],), [])
        return [each for each in found if each["fields"][of.delta] is not None]

    def _scale(self, aggregate: Aggregate) -> float:
        if isinstance(aggregate.of, Column | Corrected):
            return float(10 ** self._stream(aggregate.stream).fields[aggregate.of.field].decimals)
        return 1.0

    def _refusal(self, aggregate: Aggregate, entity: Entity) -> Refusal:
        """Return when a total of the entity is first too large."""
        place = aggregate, entity
        if place not in self._refused:
            self._refused[place] = min(map(first_overflow, self._totalled(aggregate, entity)), default=NEVER)
        return self._refused[place]

    def _totalled(self, aggregate: Aggregate, entity: Entity) -> list[list[Step]]:
        """Return what each running total of the entity is made of."""
        if aggregate.function not in ("sum", "mean", "std") or not isinstance(aggregate.of, Column | Corrected):
            return []
        events = self._counting(aggregate, entity)
        present = [event for event in events if self._value(aggregate, event) is not None]

        def total(weight: Callable[[int], int]) -> list[Step]:
            return [(event["time"], event["position"], weight(self._value(aggregate, event))) for event in present]

        # Squares are totals in two parts, each with the same limit. Python needs no parts, but refuses what others
        # must.
        sums = [total(lambda value: value)]
        if aggregate.function == "std":
            sums += [total(lambda value: value * value >> 32), total(lambda value: value * value & 2**32 - 1)]
        if isinstance(aggregate.of, Corrected):
            sums.append([step for event in present for step in self._steps(aggregate, aggregate.of, event)])
        return sums

    def _steps(self, aggregate: Aggregate, of: Corrected, event: PlainRecord) -> list[Step]:
        """Return when an event's corrections enter the aggregate's window, and leave it."""
        # Rule 4 as steps: in at max(known-at, time + delay), out when the window leaves the event, and never if that is
        # no interval. This list is only for the limit; values are summed above, from the events.
        begins = event["time"] + aggregate.delay_us
        leaves = _next(event["time"], aggregate.every_us) + aggregate.delay_us + aggregate.window_us
        steps = []
        for each in self._corrections(of, event):
            enters, position, delta = (
                max(each["time"], begins),
                max(each["position"], event["position"]),
                each["fields"][of.delta],
            )
            if enters < leaves:
                steps += [(enters, position, delta), (leaves, position, -delta)]
        return steps


def _older(aggregate: Aggregate, newer: int) -> float:
    """Return the instant after which an event is in the window."""
    if not aggregate.window_us:
        return -math.inf
    older = newer - aggregate.window_us
    # Rounded down to a multiple of it since 1970; Python's remainder has the divisor's sign, so also before.
    return older - older % aggregate.every_us if aggregate.every_us else older


def _next(at: int, every: int) -> int:
    """Return the first multiple at or after an instant."""
    # An older end that is rounded down passes an instant when it reaches the next multiple, or the instant if it is
    # one.
    return at + -at % every if every else at


def _chosen(function: str, values: list[Any], present: list[Any]) -> Any:
    """Return one of the values of a window, which are in order of time and arrival; None for none."""
    # The last event, though its value be missing: a lookup says what holds, not what once held.
    if function == "latest":
        return values[-1] if values else None
    if not present:
        return None
    if function in ("min", "max"):
        return min(present) if function == "min" else max(present)
    return present[0] if function == "first" else present[-1]


def _nowhere(aggregate: Aggregate) -> NoReturn:
    raise DefinitionError(f"A condition on an event looks at no aggregate, and this one does: {aggregate!r}.")
