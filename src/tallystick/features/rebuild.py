"""The whole state at once: every entry that appending record by record would leave, in the order of the keys."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Fixed, Keys, Records
from tallystick.definitions.progress import Progress
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.keeper import named
from tallystick.features.known import crossing
from tallystick.features.plan import Group, Plan, Series
from tallystick.features.reports import Changes, changes, reported
from tallystick.features.state import keys
from tallystick.features.state.store import Entry

Ints = NDArray[np.int64]


class Rebuilt:
    """The entries of a state, in rising order of keys; made anew each time they are iterated.

    Parameters
    ----------
    plan : whose state
    dataset : the records it is made of
    longest_key : the most bytes of the store's keys
    progress : told how many of how many pieces of work are done
    """

    def __init__(self, plan: Plan, dataset: Dataset, longest_key: int, progress: Progress | None = None) -> None:
        self._plan, self._dataset, self._longest = plan, dataset, longest_key
        self._progress = progress
        self._spine = dataset.records[plan.definition.spine.name]
        self._changes = [changes(flag, dataset) for flag in plan.flags]
        self._check_lengths()

    @property
    def is_safe(self) -> bool:
        """Whether no order of arrival could have made a running total too large."""
        fields = {column.field for group in self._plan.groups for column in group.summed}
        columns = [_present(self._spine.values[field]).astype(np.float64) for field in fields]
        return all(float(np.abs(column).sum()) < LARGEST_TOTAL / 2 for column in columns)

    def __iter__(self) -> Iterator[Entry]:
        yield keys.PLAN, self._plan.state_digest.encode()
        yield keys.POSITION, keys.pack_whole(self._dataset.last_seq)
        parts: list[Iterator[Entry]] = [self._events(*numbered) for numbered in enumerate(self._plan.groups)]
        parts += [
            self._series(place, group, number, series)
            for place, group in enumerate(self._plan.groups)
            for number, series in enumerate(group.series)
        ]
        parts += [self._records()] if self._plan.flags else []
        parts += [self._known(place) for place in range(len(self._plan.flags))]
        for n_done, part in enumerate(parts, 1):
            yield from part
            if self._progress is not None:
                self._progress(n_done, len(parts))

    def _events(self, place: int, group: Group) -> Iterator[Entry]:
        entities = _Entities.of(self._spine, group.key)
        rows = np.flatnonzero(entities.rank >= 0)
        rows = rows[np.lexsort((self._spine.seq[rows], self._spine.time[rows], entities.rank[rows]))]
        weights = [np.ones(len(rows), dtype=np.int64)]
        for field, counts in group.channels[1:]:
            column = self._spine.values[str(field)]
            weights.append((~column.missing).astype(np.int64)[rows] if counts else _present(column)[rows])
        rank = entities.rank[rows]
        totals = np.stack([_running(weight, rank) for weight in weights], axis=1).astype(">i8").tobytes()
        prefixes = [keys.events_of(place, name) for name in entities.names]
        yield from _packed(
            prefixes, rank, self._spine.time[rows], self._spine.seq[rows], totals, width=8 * len(weights)
        )

    def _series(self, place: int, group: Group, number: int, series: Series) -> Iterator[Entry]:
        entities = _Entities.of(self._spine, group.key)
        rank, time, seq, weight = _crossings(self._changes[series.flag], series, self._spine.time, entities.rank)
        order = np.lexsort((seq, time, rank))
        rank, time, seq = rank[order], time[order], seq[order]
        total = _running(weight[order], rank)
        last = np.ones(len(rank), dtype=bool)  # entries of one key are one entry
        last[:-1] = (rank[1:] != rank[:-1]) | (time[1:] != time[:-1]) | (seq[1:] != seq[:-1])
        prefixes = [keys.series_of(place, number, name) for name in entities.names]
        yield from _packed(prefixes, rank[last], time[last], seq[last], _wholes(total[last]), width=8)

    def _records(self) -> Iterator[Entry]:
        order = pc.sort_indices(self._spine.ids).to_numpy()
        ids = self._spine.ids.take(pa.array(order)).to_pylist()
        times = _wholes(self._spine.time[order])
        watching = [_Entities.of(self._spine, group.key) for group in self._plan.groups if group.series]
        parts = [[*(len(name).to_bytes(2, "big") + name for name in e.names), keys.NOBODY] for e in watching]
        ranks = zip(*(e.rank[order].tolist() for e in watching), strict=True)
        for i, (name, at) in enumerate(zip(ids, ranks, strict=True)):
            value = b"".join([part[rank] for part, rank in zip(parts, at, strict=True)])
            yield keys.record(name), times[8 * i : 8 * i + 8] + value

    def _known(self, place: int) -> Iterator[Entry]:
        flag = self._plan.flags[place]
        reports = self._dataset.records.get(flag.by)
        if reports is None:
            return
        found = reported(flag, reports)
        known = np.full(len(found.names), np.iinfo(np.int64).max)
        np.minimum.at(known, found.codes, reports.time[found.rows])
        order = pc.sort_indices(found.names)
        for name, at in zip(found.names.take(order).to_pylist(), known[order.to_numpy()].tolist(), strict=True):
            yield keys.known(place, name), keys.pack_known(at if flag.known_after_us is None else None)

    def _check_lengths(self) -> None:
        """Raise ``EntityTooLong`` for the longest text that becomes part of a key, if it does not fit."""
        texts = [_Entities.texts(self._spine, group.key).names for group in self._plan.groups]
        for flag in self._plan.flags:
            texts.append(self._spine.ids)
            if flag.by in self._dataset.records:
                texts.append(reported(flag, self._dataset.records[flag.by]).names)
        for column in texts:
            if len(column):
                lengths = pc.binary_length(column)
                named(column[pc.index(lengths, pc.max(lengths)).as_py()].as_py(), self._longest)


class _Entities:
    """The entities of a key field in the order of their keys in the store: shorter ones first, then by bytes."""

    def __init__(self, names: list[bytes], rank: Ints) -> None:
        self.names, self.rank = names, rank

    @staticmethod
    def texts(spine: Records, key: str) -> Keys:
        if key in spine.keys:
            return spine.keys[key]
        return Keys(np.arange(len(spine), dtype=np.int32), spine.ids)

    @classmethod
    def of(cls, spine: Records, key: str) -> "_Entities":
        """Return the names in order, and each record's place among them, -1 where its key is missing."""
        texts = cls.texts(spine, key)
        names = [name.encode() for name in texts.names.to_pylist()]
        order = sorted(range(len(names)), key=lambda i: (len(names[i]), names[i]))
        rank = np.full(len(names) + 1, -1, dtype=np.int64)
        rank[order] = np.arange(len(names))
        return cls([names[i] for i in order], rank[texts.codes])


def _present(column: Fixed) -> Ints:
    return np.where(column.missing, 0, column.values)


def _running(weight: Ints, rank: Ints) -> Ints:
    """Return the running totals of each entity: of all, less what stood before the entity's first."""
    total = np.cumsum(weight)
    first = np.ones(len(rank), dtype=bool)
    first[1:] = rank[1:] != rank[:-1]
    start = np.flatnonzero(first)
    before = np.repeat((total - weight)[start], np.diff(np.append(start, len(rank))))
    running: Ints = total - before
    return running


def _crossings(found: Changes, series: Series, times: Ints, rank: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return entity, time, place and weight of every entry that a flag's changes make in a series."""
    entity, time = rank[found.row], times[found.row]
    columns = zip(found.known.tolist(), found.before.tolist(), time.tolist(), strict=True)
    both = np.array([crossing(*c, series.delay_us, series.window_us) for c in columns], np.int64).reshape(-1, 2)
    kept = (both[:, 0] < both[:, 1]) & (entity >= 0)
    n, both = int(kept.sum()), both[kept]
    weight = np.repeat(np.array([1, -1], dtype=np.int64), n)
    return np.tile(entity[kept], 2), both.T.reshape(-1), np.tile(found.seq[kept], 2), weight


def _packed(
    prefixes: Sequence[bytes], rank: Ints, time: Ints, seq: Ints, values: bytes, *, width: int
) -> Iterator[Entry]:
    """Yield entries from their packed parts, entity by entity."""
    ends = _wholes(np.stack([time, seq], axis=1))
    edges = np.searchsorted(rank, np.arange(len(prefixes) + 1))
    for prefix, first, last in zip(prefixes, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        for i in range(first, last):
            yield prefix + ends[16 * i : 16 * i + 16], values[width * i : width * i + width]


def _wholes(values: NDArray[Any]) -> bytes:
    """Pack whole numbers so that their bytes rise as they do: big-endian, sign bit flipped."""
    return (values.astype(np.int64).view(np.uint64) ^ np.uint64(keys.SIGN)).astype(">u8").tobytes()
