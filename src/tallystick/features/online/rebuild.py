"""The whole state at once: every entry that appending record by record would leave, in the order of the keys."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.definitions.progress import Progress
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.groups import DISTINCT, MAX, MIN
from tallystick.features.late_crossing import crossing
from tallystick.features.online.entity_names import check_length
from tallystick.features.online.packing import StoreOrder, packed_entries, running, wholes
from tallystick.features.online.stream_roles import watched_streams
from tallystick.features.online.tile_entries import distinct_entries, extreme_entries
from tallystick.features.online.weights import Weights
from tallystick.features.plan import Plan
from tallystick.features.reports import changes, reported_ids
from tallystick.features.state import keys
from tallystick.features.state.store import Entry

Ints = NDArray[np.int64]
Part = Callable[[], Iterator[Entry]]


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
        self._plan, self._dataset, self._progress = plan, dataset, progress
        self._longest = longest_key - keys.LONGEST_OVERHEAD
        records = dataset.records
        self._groups = [
            (place, Weights.of(group, records[group.stream]), StoreOrder.of(records[group.stream], group.keys))
            for place, group in enumerate(plan.groups)
            if group.stream in records
        ]
        self._changes = [changes(value, dataset) for value in plan.later]
        self._check_lengths()

    @property
    def is_safe(self) -> bool:
        """Whether no order of arrival could have made a running total too large."""
        # Every change enters and leaves: with a quarter of the limit, both of all of them together stay within it.
        corrected = (float(np.abs(found.weight.astype(np.float64)).sum()) for found in self._changes)
        return all(weights.are_safe for _, weights, _ in self._groups) and max(corrected, default=0) < LARGEST_TOTAL / 4

    def __iter__(self) -> Iterator[Entry]:
        yield keys.PLAN, self._plan.state_digest.encode()
        yield keys.POSITION, keys.pack_whole(self._dataset.last_position)
        # One stretch of keys after the other, each made when its turn comes, so that only one of them is in memory. A
        # store that was too small asks for all of them again.
        parts = list(self._parts())
        for n_done, part in enumerate(parts, 1):
            yield from part()
            if self._progress is not None:
                self._progress(n_done, len(parts))

    def _parts(self) -> Iterator[Part]:
        """Yield every stretch of keys, in their order."""
        # Kinds rise as they do in ``keys``, then places, then what each part sorts by itself: a store loads entries
        # only in the order of their keys.
        each = [(*group, track) for group in self._groups for track in range(len(group[1].group.tracks))]
        yield from (partial(self._events, *group) for group in self._groups)
        for group in self._groups:
            yield from (partial(self._series, *group, number) for number in range(len(group[1].group.series)))
        yield from (partial(self._tracked, *of) for of in each)
        yield from (partial(self._extremes, *of) for of in each if _is_requested(of[1], of[3], MIN, MAX))
        yield from (partial(self._distinct, *of) for of in each if _is_requested(of[1], of[3], DISTINCT))
        yield from (partial(self._records, *numbered) for numbered in enumerate(watched_streams(self._plan)))
        later = list(enumerate(self._plan.later))
        yield from (partial(self._known, place, value) for place, value in later if isinstance(value, Flagged))
        yield from (partial(self._waiting, place, value) for place, value in later if isinstance(value, Corrected))

    def _events(self, place: int, weights: Weights, entities: StoreOrder) -> Iterator[Entry]:
        rows = entities.rows
        columns = [weights.weight(channel)[rows] for channel in weights.group.channels]
        # Events of an entity lie in order of time and arrival, not as they arrived: a late record stands in its place,
        # and what it changed later is changed by having it summed there.
        totals = np.stack([running(column, entities.rank[rows]) for column in columns], axis=1).astype(">i8").tobytes()
        ends, rank = entities.ends(rows), entities.rank[rows]
        yield from packed_entries(entities.prefixes(keys.events_of(place)), rank, ends, totals)

    def _series(self, place: int, weights: Weights, entities: StoreOrder, number: int) -> Iterator[Entry]:
        series = weights.group.series[number]
        value, found = self._plan.later[series.later], self._changes[series.later]
        counts = weights.counting(series, value.field if isinstance(value, Corrected) else None)
        spans = zip(found.known.tolist(), found.before.tolist(), weights.records.time[found.row].tolist(), strict=True)
        both = np.array(
            [crossing(*span, series.delay_us, series.window_us, series.every_us) for span in spans], np.int64
        ).reshape(-1, 2)
        rank = entities.rank[found.row]
        kept = (both[:, 0] < both[:, 1]) & (rank >= 0) & counts[found.row]
        # Entries and exits become one list, as appending leaves them: at an instant, in order of the arrival that made
        # them.
        rank, time, position = np.tile(rank[kept], 2), both[kept].T.reshape(-1), np.tile(found.position[kept], 2)
        weight = np.concatenate([found.weight[kept], -found.weight[kept]])
        order = np.lexsort((position, time, rank))
        rank, time, position = rank[order], time[order], position[order]
        total = running(weight[order], rank)
        last = np.ones(len(rank), dtype=bool)  # entries of one key are one entry
        last[:-1] = (rank[1:] != rank[:-1]) | (time[1:] != time[:-1]) | (position[1:] != position[:-1])
        ends = wholes(np.stack([time[last], position[last]], axis=1))
        prefixes = entities.prefixes(keys.list_of(keys.SERIES, place, number))
        yield from packed_entries(prefixes, rank[last], ends, total[last].astype(">i8").tobytes())

    def _tracked(self, place: int, weights: Weights, entities: StoreOrder, track: int) -> Iterator[Entry]:
        rows, values = _track(weights, entities, track)
        prefixes, rank = entities.prefixes(keys.list_of(keys.TRACK, place, track)), entities.rank[rows]
        yield from packed_entries(prefixes, rank, entities.ends(rows), values)

    def _extremes(self, place: int, weights: Weights, entities: StoreOrder, track: int) -> Iterator[Entry]:
        rows, _ = _track(weights, entities, track)
        of = weights.group.tracks[track].of
        yield from extreme_entries(place, track, entities, rows, weights.records.values[str(of)].values[rows])

    def _distinct(self, place: int, weights: Weights, entities: StoreOrder, track: int) -> Iterator[Entry]:
        yield from distinct_entries(place, track, entities, *_track(weights, entities, track))

    def _records(self, place: int, stream: str) -> Iterator[Entry]:
        records = self._dataset.records.get(stream)
        if records is None:
            return
        # By the ids' bytes: their keys end with them, with no length before, unlike entities, which come shorter first.
        order = pc.sort_indices(records.ids).to_numpy()
        ids, times = records.ids.take(pa.array(order)).to_pylist(), wholes(records.time[order])
        watching = [group for group in self._groups if group[1].group.stream == stream and group[1].group.series]
        parts = [self._watched(weights, entities, order) for _, weights, entities in watching]
        for i, name in enumerate(ids):
            yield keys.record(place, name), times[8 * i : 8 * i + 8] + b"".join([part[i] for part in parts])

    def _watched(self, weights: Weights, entities: StoreOrder, order: Ints) -> list[bytes]:
        """Return each record's entity and in which of the group's series it counts."""
        corrected = [getattr(self._plan.later[series.later], "field", None) for series in weights.group.series]
        counts = [weights.counting(*of) for of in zip(weights.group.series, corrected, strict=True)]
        named = [*map(keys.length_prefixed, entities.names), keys.NOBODY]
        # There are few different combinations of series, however many records there are: each is packed once.
        codes, patterns = _patterns(counts, len(weights.records))
        bits = [keys.pack_bits([bool(c) for c in pattern]) for pattern in patterns]
        return [
            named[rank] + bits[code] if rank >= 0 else keys.NOBODY
            for rank, code in zip(entities.rank[order].tolist(), codes[order].tolist(), strict=True)
        ]

    def _known(self, place: int, flag: Flagged) -> Iterator[Entry]:
        reports = self._dataset.records.get(flag.by)
        if reports is None:
            return
        found = reported_ids(flag, reports)
        known = np.full(len(found.names), np.iinfo(np.int64).max)
        # Appending keeps the earliest report there has been, whatever came first.
        np.minimum.at(known, found.codes, reports.time[found.rows])
        order = pc.sort_indices(found.names)
        for name, at in zip(found.names.take(order).to_pylist(), known[order.to_numpy()].tolist(), strict=True):
            yield keys.known(place, name), keys.pack_known(at if flag.known_after_us is None else None)

    def _waiting(self, place: int, corrected: Corrected) -> Iterator[Entry]:
        """Yield the corrections that came before their record, or whose record never came."""
        corrections, records = (self._dataset.records.get(name) for name in (corrected.by, corrected.stream))
        if corrections is None:
            return
        found = reported_ids(corrected, corrections)
        position, named = corrections.position[found.rows], found.names.to_pylist()
        # A record that never comes arrives after every correction: those wait for ever, as they do when they are
        # appended.
        arrived = np.full(len(named), np.iinfo(np.int64).max)
        if records is not None:
            there = pc.index_in(found.names, value_set=records.ids)
            arrived[np.asarray(there.is_valid())] = records.position[np.asarray(there.drop_null())]
        waits = np.flatnonzero(position < arrived[found.codes])
        begins = [keys.waiting(place, name) for name in named]
        time, delta = corrections.time[found.rows], corrections.values[corrected.delta].values[found.rows]
        columns = zip(*(column[waits].tolist() for column in (found.codes, position, time, delta)), strict=True)
        # A name's length stands before it here, so the order is none that a column could be sorted by.
        yield from sorted((begins[code] + keys.pack_whole(at), keys.pack_pair(*pair)) for code, at, *pair in columns)

    def _check_lengths(self) -> None:
        """Hold the longest name that becomes part of a key against the longest that fits."""
        for _, weights, entities in self._groups:
            check_length(max(entities.names, key=len, default=b""), self._longest, weights.group.keys)
        for value in self._plan.later:
            for stream, of in ((value.stream, "id"), (value.by, value.on)):
                records = self._dataset.records.get(stream)
                if records is not None:
                    # Whoever is named must fit too: a report of a record that never comes is kept under its name.
                    names = records.ids if of == "id" else reported_ids(value, records).names
                    check_length(_longest(names), self._longest, (of,))


def _is_requested(weights: Weights, track: int, *functions: int) -> bool:
    return any(slot.track == track and slot.function in functions for slot in weights.group.slots)


def _track(weights: Weights, entities: StoreOrder, track: int) -> tuple[Ints, Sequence[bytes]]:
    """Return the rows of a track's events in order of their keys, and their values."""
    of, kept = weights.group.tracks[track], entities.rows
    kept = kept[weights.satisfying(of.where)[kept]]
    if of.of is None:
        return kept, [b""] * len(kept)
    there, values_at = entities.values(of.of, is_text=of.is_text)
    if not of.keeps_missing:
        kept = kept[there[kept]]
    return kept, values_at(kept)


def _patterns(counts: Sequence[NDArray[np.bool_]], n: int) -> tuple[Ints, Any]:
    """Return the different combinations of claims, and which each record has."""
    patterns, codes = np.unique(np.stack(counts, axis=1), axis=0, return_inverse=True)
    return codes.reshape(n), patterns


def _longest(names: pa.Array) -> bytes:
    if not len(names):
        return b""
    lengths = pc.binary_length(names)
    longest: str = names[pc.index(lengths, pc.max(lengths)).as_py()].as_py()
    return longest.encode()
