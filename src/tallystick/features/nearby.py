"""The records that a few rows and a few entities need, picked out of all: what checks look at where memory is short."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.fingerprint import first_seen
from tallystick.data.merge import joined, no_records
from tallystick.data.records import Dataset, Records
from tallystick.features.entities import Entities
from tallystick.features.groups import Group
from tallystick.features.plan import Plan
from tallystick.features.sampling import Bounds, Draw
from tallystick.features.spill.pieces import Pieces
from tallystick.features.visibility import about

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
Pick = Callable[[Records], Marks]

_GENEROUS = 8
"""So many times the wanted records are counted at first: one entity has many more of them than another."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Parameters
    ----------
    rows : shape (m,), positions of rows of the spine: all that their features see is picked
    n_last : so many of the spine's last rows, and all that they see, too
    draw : entities of the spine: their first records, and what these see of other streams
    """

    rows: Ints
    n_last: int
    draw: Draw


def nearby(plan: Plan, records: Pieces, wanted: Wanted) -> tuple[Dataset, Bounds]:
    """Return the records that are wanted, at their places in the one order, and which entities were drawn.

    All records are read four times, or five where some entity has very many of them; only what is picked is kept. All
    records of an entity that one of the rows asks about are picked, however many they are.

    Parameters
    ----------
    plan : the features
    records : of the plan's sources at least
    wanted : which rows, and how many entities
    """
    spine, draw = plan.definition.spine.name, wanted.draw
    requested, counts = _RequestedEntities(plan, wanted), _Counts(draw, records.n_rows.get(spine, 0))
    _read(records, {spine: [requested.add, counts.add]})
    if not counts.are_enough:
        counts = _Counts(draw, 0)
        _read(records, {spine: [counts.add]})
    bounds, found = counts.bounds(), _Found(plan, requested.records)
    found.pick(records, _any(_events(plan.groups, requested.records), {spine: [draw.picker(bounds)]}))
    # Of the spine, rows of entities that were not drawn are not compared: their histories need not be there.
    drawn = found.records[spine]
    drawn = drawn.taken(draw.rows(drawn, bounds))
    found.pick(records, _any(_events([g for g in plan.groups if g.stream != spine or g.at != g.keys], drawn)))
    found.pick(records, _any(_reports(plan, found.records)))
    return found.dataset(), bounds


class _RequestedEntities:
    """The rows of the spine that are asked about by their positions, and its last ones."""

    def __init__(self, plan: Plan, wanted: Wanted) -> None:
        self._wanted, self._rows, self._last = (
            wanted,
            no_records(plan.definition.spine),
            no_records(plan.definition.spine),
        )

    def add(self, some: Records) -> None:
        """Look at the rows that come next."""
        n = self._wanted.n_last
        self._rows = joined(self._rows, _compact(some, np.isin(some.position, self._wanted.rows)))
        tail = joined(self._last, some.sliced(max(0, len(some) - n), len(some)))
        self._last = _compact(tail, np.arange(len(tail)) >= len(tail) - n)

    @property
    def records(self) -> Records:
        """The rows, in order of their places."""
        return joined(self._rows, _compact(self._last, ~np.isin(self._last.position, self._rows.position)))


class _Counts:
    """How many records the entities have that may be drawn: at first of those with the lowest numbers alone.

    Parameters
    ----------
    draw : which entities
    n_rows : about how many records there are; 0 where all entities are counted
    """

    def __init__(self, draw: Draw, n_rows: int) -> None:
        share = min(1.0, _GENEROUS * draw.n_each / n_rows) if n_rows else 1.0
        self._draw, self._is_all = draw, share >= 1.0
        self._until = np.uint64(2**64 - 1) if self._is_all else np.uint64(int(share * 2**64))
        self._found: list[dict[int, int]] = [{} for _ in draw.keys]

    def add(self, some: Records) -> None:
        """Count the records that come next."""
        for counted, keys in zip(self._found, self._draw.keys, strict=True):
            numbers = self._draw.numbers(some, keys)
            for number, n in zip(*np.unique(numbers[numbers < self._until], return_counts=True), strict=True):
                counted[int(number)] = counted.get(int(number), 0) + int(n)

    @property
    def are_enough(self) -> bool:
        """Whether the entities that were counted have as many records as are wanted."""
        return self._is_all or all(sum(counted.values()) >= self._draw.n_each for counted in self._found)

    def bounds(self) -> Bounds:
        """Return which entities are drawn."""
        arrays = [(np.array(list(c), np.uint64), np.array(list(c.values()), np.int64)) for c in self._found]
        return self._draw.bounds(arrays)


@dataclass(slots=True)
class _Found:
    """What has been picked so far."""

    plan: Plan
    requested: Records
    records: dict[str, Records] = field(init=False)
    last: int = 0

    def __post_init__(self) -> None:
        self.records = {source.name: no_records(source) for source in self.plan.sources}
        self.records[self.plan.definition.spine.name] = self.requested

    def pick(self, records: Pieces, picks: Mapping[str, Pick]) -> None:
        """Read everything once, and keep what is picked of some sources and not there yet."""

        def keep(some: Records) -> None:
            name = some.source.name
            marks = picks[name](some) & ~np.isin(some.position, self.records[name].position)
            self.records[name] = joined(self.records[name], _compact(some, marks))

        if picks:
            self.last = _read(records, {name: [keep] for name in picks})

    def dataset(self) -> Dataset:
        """Return it all."""
        return Dataset(self.records, "", self.last)


def _read(records: Pieces, readers: Mapping[str, Sequence[Callable[[Records], None]]]) -> int:
    """Show every piece of some sources to its readers; return the last place."""
    last = 0
    with records.pieces() as pieces:
        for piece in pieces:
            last = max(last, piece.last_position)
            for name in [name for name in readers if name in piece.records and len(piece.records[name])]:
                for reader in readers[name]:
                    reader(piece.records[name])
    return last


def _any(*several: Mapping[str, Sequence[Pick]]) -> dict[str, Pick]:
    """Return for each source what picks a record that any of its picks picks."""
    merged: dict[str, list[Pick]] = {}
    for each in several:
        for name, picks in each.items():
            merged.setdefault(name, []).extend(picks)
    return {name: _picker(picks) for name, picks in merged.items()}


def _picker(picks: Sequence[Pick]) -> Pick:
    def pick(some: Records) -> Marks:
        marks: Marks = np.any([each(some) for each in picks], axis=0)
        return marks

    return pick


def _events(groups: Sequence[Group], requested: Records) -> dict[str, list[Pick]]:
    """Return what picks the events of the entities that some rows ask about."""
    picks: dict[str, list[Pick]] = {}
    for group in groups:
        picks.setdefault(group.stream, []).append(_of_entities(group, requested))
    return picks


def _of_entities(group: Group, requested: Records) -> Pick:
    def pick(some: Records) -> Marks:
        entities = Entities.of(some, group.keys)
        wanted = np.unique(entities.requested(requested, group.at, None))
        marks: Marks = np.isin(entities.codes, wanted[wanted >= 0])
        return marks

    return pick


def _reports(plan: Plan, found: Mapping[str, Records]) -> dict[str, list[Pick]]:
    """Return what picks the reports and corrections of records that were found."""
    picks: dict[str, list[Pick]] = {}
    for later in plan.later:
        picks.setdefault(later.by, []).append(_about(later.on, found[later.stream].ids))
    return picks


def _about(on: str, ids: pa.Array) -> Pick:
    return lambda some: about(some, on, ids)


def _compact(records: Records, marks: Marks) -> Records:
    """Return some rows, with no texts but their own: those of a whole piece would add up to all there are."""
    kept = records.taken(np.flatnonzero(marks))
    return replace(kept, keys={name: first_seen(keys) for name, keys in kept.keys.items()})
