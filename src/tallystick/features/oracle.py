"""The oracle: features by brute force, straight from the text of the contract; it shares nothing with other executors.

1. Order: one sequence numbers all records in order of arrival.
2. Visible: a row sees a record if seq(record) <= as-of, itself included.
3. Windows: over(W, delay=d) at time t counts the entity's visible events with t - d - W < time <= t - d.
4. Known-at: a flag enters a window at max(known-at, time + d) and leaves at time + d + W; a report before its event
   waits for it; of several visible reports the earliest known-at counts.
5. Exact: totals are whole numbers in units of the last digit; missing values are skipped; ``count()`` counts events.
6. Finaliser: mean = (s / n) / scale in IEEE double; empty means are missing, empty counts and sums are 0.
7. Row functions: UTC, floor division; what is not finite is missing; comparing with missing is missing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Arithmetic,
    Column,
    Comparison,
    Flagged,
    Literal,
    TimePart,
)
from tallystick.definitions.features import FeatureDefinition
from tallystick.errors import DefinitionError, FeatureOverflow

PlainRecord = Mapping[str, Any]
"""A record as a mapping: ``seq``, ``time`` (None for a table's row), ``id``, and ``fields`` by name."""

MISSING = float("nan")
TOO_LARGE = 2**62


def compute(
    definition: FeatureDefinition,
    streams: Mapping[str, Sequence[PlainRecord]],
    rows: Sequence[int],
    as_of: Sequence[int] | None = None,
) -> list[list[float]]:
    """Compute the features of some records of the spine.

    Parameters
    ----------
    definition : the features
    streams : every stream's and table's records
    rows : places among the spine's records
    as_of : for each row the last sequence number it sees; its own if None

    Returns
    -------
    list of list of float
        One list per row, in the features' order; NaN where a feature is missing.

    Raises
    ------
    FeatureOverflow
        If the visible running totals of an entity leave the range in which every window fits 64 bits.
    """
    world = _World(definition, streams)
    spine = streams[definition.spine.name]
    seen = [spine[row]["seq"] for row in rows] if as_of is None else as_of
    return [
        [world.value(expr, spine[row], bound) for expr in definition.features.values()]
        for row, bound in zip(rows, seen, strict=True)
    ]


class _World:
    """All records, looked up by the names they share and in no cleverer way."""

    def __init__(self, definition: FeatureDefinition, streams: Mapping[str, Sequence[PlainRecord]]) -> None:
        self.definition = definition
        self.streams = streams
        self._events: dict[str, dict[str, list[PlainRecord]]] = {}
        self._reports: dict[tuple[str, str], dict[str, list[PlainRecord]]] = {}

    def value(self, expr: AnyExpr, row: PlainRecord, as_of: int) -> float:
        """Return what an expression is worth for one record.

        Raises
        ------
        DefinitionError
            If the expression is no number.
        """
        match expr:
            case Literal(value=value):
                return value
            case Column(field=field):
                whole = row["fields"].get(field)
                return MISSING if whole is None else float(whole) / self._scale(field)
            case TimePart(part=part, of=of):
                at = row["time"] if of.field == self.definition.spine.time else row["fields"].get(of.field)
                return MISSING if at is None else _part(part, at)
            case Arithmetic(op=op, left=left, right=right):
                return _arithmetic(op, self.value(left, row, as_of), self.value(right, row, as_of))
            case Comparison(op=op, left=left, right=right):
                return _comparison(op, self.value(left, row, as_of), self.value(right, row, as_of))
            case Aggregate():
                return self._aggregate(expr, row, as_of)
            case _:
                raise DefinitionError(f"{expr!r} is no number of a record.")

    def _aggregate(self, aggregate: Aggregate, row: PlainRecord, as_of: int) -> float:
        visible = self._visible(aggregate, row, as_of)
        newest = row["time"] - aggregate.delay_us
        window = [event for event in visible if newest - aggregate.window_us < event["time"] <= newest]
        if isinstance(aggregate.of, Flagged):
            n, scale = len(window), 1.0
            s = sum(self._counts(aggregate.of, event, row["time"], as_of) for event in window)
        elif isinstance(aggregate.of, Column):
            present = [e["fields"][aggregate.of.field] for e in window if e["fields"][aggregate.of.field] is not None]
            n, s, scale = len(present), sum(present), self._scale(aggregate.of.field)
        else:
            n, s, scale = len(window), 0, 1.0
        match aggregate.function:
            case "count":
                return float(n)
            case "sum":
                return float(s) / scale
            case "mean":
                return (float(s) / float(n)) / scale if n else MISSING

    def _visible(self, aggregate: Aggregate, row: PlainRecord, as_of: int) -> list[PlainRecord]:
        """Return the entity's visible events in order of time, after a look at their running totals."""
        entity = row["fields"][aggregate.key]
        if entity is None:
            return []
        visible = [event for event in self._entity(aggregate.key)[entity] if event["seq"] <= as_of]
        visible.sort(key=lambda event: (event["time"], event["seq"]))
        if isinstance(aggregate.of, Column):
            total = 0
            for event in visible:
                value = event["fields"][aggregate.of.field] or 0
                total += value
                if abs(total) >= TOO_LARGE or abs(value) >= TOO_LARGE:
                    raise FeatureOverflow(aggregate.of.field, entity=f"{aggregate.key} {entity}", value=value)
        return visible

    def _counts(self, flag: Flagged, event: PlainRecord, t: int, as_of: int) -> bool:
        """Return whether the flag of an event in the window has entered it: known by then, as far as is visible."""
        known = [
            report["time"] if flag.known_after_us is None else event["time"] + flag.known_after_us
            for report in self._of(flag).get(event["id"], [])
            if report["seq"] <= as_of
        ]
        return bool(known) and min(known) <= t

    def _entity(self, key: str) -> dict[str, list[PlainRecord]]:
        if key not in self._events:
            found: dict[str, list[PlainRecord]] = {}
            for event in self.streams[self.definition.spine.name]:
                found.setdefault(event["fields"][key], []).append(event)
            self._events[key] = found
        return self._events[key]

    def _of(self, flag: Flagged) -> dict[str, list[PlainRecord]]:
        place = (flag.by, f"{flag.on} {flag.flag}")
        if place not in self._reports:
            found: dict[str, list[PlainRecord]] = {}
            for report in self.streams.get(flag.by, []):
                if flag.flag is None or report["fields"][flag.flag] == 1:
                    found.setdefault(report["fields"][flag.on], []).append(report)
            self._reports[place] = found
        return self._reports[place]

    def _scale(self, field: str) -> float:
        return float(10 ** self.definition.spine.fields[field].decimals)


def _part(part: str, at: int) -> float:
    return float(at // 3_600_000_000 % 24) if part == "hour" else float((at // 86_400_000_000 + 3) % 7)


def _arithmetic(op: str, left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right) or (op == "/" and right == 0):
        return MISSING
    result = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
    }[op]()
    return result if math.isfinite(result) else MISSING


def _comparison(op: str, left: float, right: float) -> float:
    if math.isnan(left) or math.isnan(right):
        return MISSING
    holds = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
        "!=": left != right,
    }
    return float(holds[op])
