"""One group's running totals in the store: a record enters in its place, a question reads at the edges of windows."""

from collections.abc import Sequence
from itertools import takewhile
from struct import Struct

from tallystick.data.records import Record
from tallystick.errors import EntityTooLong, FeatureOverflow
from tallystick.features import finalise
from tallystick.features.known import Change, crossing
from tallystick.features.plan import COUNT, SUM, Group, Slot
from tallystick.features.state import keys
from tallystick.features.state.store import Entry, StoreTransaction


class Keeper:
    """Keeps and asks the entities of one group.

    Parameters
    ----------
    place : of the group among the plan's
    group : its part of the plan
    id_field : what the spine calls its ids, for a group whose entities are single records
    """

    def __init__(self, place: int, group: Group, id_field: str) -> None:
        self.group = group
        self._place, self._key = place, None if group.key == id_field else group.key
        self._packed = Struct(f">{len(group.channels)}q")
        self._nothing = (0,) * len(group.channels)
        self._series = tuple(enumerate(group.series))

    def entity(self, record: Record) -> bytes | None:
        """Return the entity a record belongs to, None where its key is missing."""
        name = record.id if self._key is None else record.keys[self._key]
        return None if name is None else name.encode()

    def appended(self, store: StoreTransaction, entity: bytes, record: Record, seq: int) -> list[Entry]:
        """Return what to put for one more record: its own totals, and the corrected ones of all that are later.

        Raises
        ------
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        begins = keys.events_of(self._place, entity)
        key = begins + keys.moment(_time(record), seq)
        weights = self._weights(record)
        entries = [(key, self._totals_before(store, begins, key))]
        later = takewhile(lambda entry: entry[0].startswith(begins), store.onwards(key))
        entries += [(late, self._packed.unpack(packed)) for late, packed in later]
        return [(late, self._sum(totals, weights, record)) for late, totals in entries]

    def cross(self, store: StoreTransaction, entity: bytes, change: Change) -> None:
        """Let a change of a record's flag enter and leave the flag's series."""
        for place, series in self._series:
            if series.flag == change.flag:
                enters, leaves = crossing(change.known, change.before, change.time, series.delay_us, series.window_us)
                if enters < leaves:
                    begins = keys.series_of(self._place, place, entity)
                    _step(store, begins, begins + keys.moment(enters, change.seq), 1)
                    _step(store, begins, begins + keys.moment(leaves, change.seq), -1)

    def answers(self, store: StoreTransaction, entity: bytes | None, time: int) -> list[float]:
        """Return every finished aggregate of the group at an instant."""
        if entity is None:
            return [_finished(slot, 0, 0) for slot in self.group.slots]
        begins = keys.events_of(self._place, entity)
        edges = [
            self._totals_before(store, begins, begins + keys.end_of(time - offset)) for offset in self.group.offsets
        ]
        counted = [
            _total_before(store, begins, begins + keys.end_of(time))
            for begins in (keys.series_of(self._place, place, entity) for place, _ in self._series)
        ]
        return [_answer(slot, edges, counted) for slot in self.group.slots]

    def _weights(self, record: Record) -> list[int]:
        weights = [1]
        for column in self.group.summed:
            value = record.values[column.field]
            if column.optional:
                weights.append(value is not None)
            weights.append(value or 0)
        return weights

    def _totals_before(self, store: StoreTransaction, begins: bytes, key: bytes) -> tuple[int, ...]:
        found = store.before(key)
        return self._packed.unpack(found[1]) if found is not None and found[0].startswith(begins) else self._nothing

    def _sum(self, totals: Sequence[int], weights: Sequence[int], record: Record) -> bytes:
        summed = [total + weight for total, weight in zip(totals, weights, strict=True)]
        for channel, (total, weight) in enumerate(zip(summed, weights, strict=True)):
            if abs(total) > finalise.LARGEST_TOTAL or abs(weight) > finalise.LARGEST_TOTAL:
                column = str(self.group.channels[channel][0])
                name = record.id if self._key is None else record.keys[self._key]
                raise FeatureOverflow(column, entity=f"{self.group.key} {name}", value=weight)
        return self._packed.pack(*summed)


def named(text: str, longest_key: int) -> str:
    """Return a key or id that the store can hold.

    Raises
    ------
    EntityTooLong
        If its bytes do not fit into the store's keys.
    """
    allowed = longest_key - keys.LONGEST_OVERHEAD
    if len(text) * 4 > allowed and len(text.encode()) > allowed:
        raise EntityTooLong(text, n_bytes=len(text.encode()), allowed=allowed)
    return text


def _time(record: Record) -> int:
    if record.time is None:
        raise TypeError(f"{record.stream!r} is a stream, and its record {record.id!r} has no time.")
    return record.time


def _step(store: StoreTransaction, begins: bytes, key: bytes, weight: int) -> None:
    """Add to the total of a series at a key, and to all that are later."""
    later = list(takewhile(lambda entry: entry[0].startswith(begins), store.onwards(key)))
    if not later or later[0][0] != key:
        store.put(key, keys.pack_whole(_total_before(store, begins, key) + weight))
    for late, packed in later:
        store.put(late, keys.pack_whole(keys.unpack_whole(packed) + weight))


def _total_before(store: StoreTransaction, begins: bytes, key: bytes) -> int:
    found = store.before(key)
    return keys.unpack_whole(found[1]) if found is not None and found[0].startswith(begins) else 0


def _answer(slot: Slot, edges: Sequence[Sequence[int]], counted: Sequence[int]) -> float:
    n = s = 0
    if slot.newer >= 0:
        n = edges[slot.newer][slot.number] - edges[slot.older][slot.number]
    if slot.series >= 0:
        s = counted[slot.series]
    elif slot.total >= 0:
        s = edges[slot.newer][slot.total] - edges[slot.older][slot.total]
    return _finished(slot, n, s)


def _finished(slot: Slot, n: int, s: int) -> float:
    if slot.function == COUNT:
        return finalise.count(n)
    return finalise.total(s, slot.scale) if slot.function == SUM else finalise.mean(s, n, slot.scale)
