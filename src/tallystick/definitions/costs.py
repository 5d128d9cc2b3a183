"""What a feature costs: what is kept at every event for it, and what is looked up at every question."""

from collections.abc import Hashable, Mapping

import msgspec

from tallystick.definitions.expressions import (
    Aggregate,
    AnyExpr,
    Column,
    Corrected,
    KeyColumn,
    LateValue,
    is_condition,
    subexpressions,
)
from tallystick.definitions.streams import Source

MOST_NAMED = 3
EVER = -1
_TOTALS = {"count": ("number",), "sum": ("sum",), "mean": ("number", "sum"), "std": ("number", "sum", "high", "low")}


class Cost(msgspec.Struct, frozen=True):
    """What a feature needs; what several features need is kept and looked up once for all of them.

    Parameters
    ----------
    totals : running totals to which each event of an entity adds
    tracks : lists in which each event of an entity is kept for itself, for what is no difference of totals
    series : totals of a value that becomes known later; each report enters them and leaves them again
    lookups : ends of windows, and totals of series, that a question looks up
    shared : how many of all these other features need too
    shared_with : those features
    """

    totals: int
    tracks: int
    series: int
    lookups: int
    shared: int
    shared_with: tuple[str, ...]

    def __str__(self) -> str:
        """Return it in words."""
        kept = [(self.totals, "running total"), (self.tracks, "track"), (self.series, "series of reports")]
        wording = ", ".join(f"{n} {what}{_plural(n, what)}" for n, what in kept if n)
        if not wording:
            return "nothing but the record"
        shared = f"; {self.shared} shared with {_some(self.shared_with)}" if self.shared else ""
        return f"{wording} per event, {self.lookups} lookup{_plural(self.lookups, '')} per question{shared}"


def costs(features: Mapping[str, AnyExpr], sources: Mapping[str, Source]) -> dict[str, Cost]:
    """Return what each feature of a set needs, by name.

    Parameters
    ----------
    features : their expressions by name
    sources : every stream and table that they look at, by name
    """
    needs = {name: requirements(expr, sources) for name, expr in features.items()}
    return {name: _cost(name, needs) for name in features}


def requirements(expr: AnyExpr, sources: Mapping[str, Source]) -> frozenset[tuple[Hashable, ...]]:
    """Return everything that a feature needs; two features share what is equal.

    Each is a tuple that begins with its kind ("total", "track", "series", "edge" or "crossing") and its group, the
    stream with its keys and the way they are asked.

    Parameters
    ----------
    expr : a feature, or a part of one
    sources : every stream and table that it looks at, by name
    """
    found: set[tuple[Hashable, ...]] = set()
    for part in subexpressions(expr):
        if isinstance(part, Aggregate):
            found |= _needed(part, sources)
    return frozenset(found)


def _needed(aggregate: Aggregate, sources: Mapping[str, Source]) -> set[tuple[Hashable, ...]]:
    of, where = aggregate.of, _text(aggregate.where)
    # Two aggregates share what is kept only if they group the same events by the same keys and are asked by the same
    # fields.
    group = (aggregate.stream, aggregate.keys, tuple(key.field for key in aggregate.at) or aggregate.keys)
    window = (aggregate.delay_us, aggregate.window_us, aggregate.every_us if aggregate.window_us else 0)
    found: set[tuple[Hashable, ...]] = set()
    if aggregate.function in _TOTALS:
        found |= {("total", group, *total, where) for total in _totals(aggregate, sources)}
    else:
        field = of.field if isinstance(of, Column | KeyColumn) else None
        found.add(("track", group, field, where, aggregate.function == "latest"))
    if found:
        # A total over a window is the difference of two running totals: one lookup for each end.
        oldest = aggregate.delay_us + aggregate.window_us if aggregate.window_us else EVER
        found |= {("edge", group, aggregate.delay_us, 0), ("edge", group, oldest, window[2])}
    if isinstance(of, LateValue):
        found |= {(kind, group, _text(of), *window, where) for kind in ("series", "crossing")}
    return found


def _totals(aggregate: Aggregate, sources: Mapping[str, Source]) -> set[tuple[str, str | None]]:
    """Return the totals of an aggregate: what is added, and of which value; None for the event itself."""
    of, kinds = aggregate.of, _TOTALS[aggregate.function]
    if isinstance(of, Column | Corrected):
        # The number of values that are never missing is the number of events, and is shared with every count.
        always = not sources[of.stream].fields[of.field].optional
        return {(kind, None if kind == "number" and always else of.field) for kind in kinds}
    if of is not None and is_condition(of):
        return {(kind, _text(of)) for kind in kinds}
    return {("number", None)} if "number" in kinds else set()


def _cost(name: str, needs: Mapping[str, frozenset[tuple[Hashable, ...]]]) -> Cost:
    own = needs[name]
    others = {other: own & need for other, need in needs.items() if other != name and own & need}
    kinds = [need[0] for need in own]
    shared = frozenset[tuple[Hashable, ...]]().union(*others.values())
    lookups = kinds.count("edge") + kinds.count("crossing")
    totals, tracks, series = (kinds.count(kind) for kind in ("total", "track", "series"))
    return Cost(totals, tracks, series, lookups, len(shared), tuple(others))


def _text(expr: AnyExpr | None) -> str | None:
    return None if expr is None else msgspec.json.encode(expr).decode()


def _plural(n: int, what: str) -> str:
    return "" if n == 1 or what.startswith("series") else "s"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
