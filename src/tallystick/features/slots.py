"""What is asked of a group, made into functions once per plan: from what was found in the state to finished numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tallystick.features import finalise
from tallystick.features.groups import COUNT, DISTINCT, FIRST, LAST, MAX, MEAN, MIN, SINCE, STD, SUM, Edge, Group, Slot
from tallystick.features.rowwise import NAN, decimal
from tallystick.features.state import keys
from tallystick.features.state.store import Entry, StoreTransaction
from tallystick.features.totals import Totals
from tallystick.features.tracking import TrackKeeper

Answer = float | str | None


class Found(NamedTuple):
    """What a group's questions found about an entity.

    Parameters
    ----------
    edges : running totals at the ends of windows
    counted : totals of the series
    looked : entries before the ends of windows over tracks
    store : for what else is needed
    named : the entity, with its length
    time : the instant that is asked about
    """

    edges: Sequence[Totals]
    counted: Sequence[int]
    looked: Sequence[Entry | None]
    store: StoreTransaction
    named: bytes
    time: int


class Look(NamedTuple):
    """The last event of a track before an end of a window."""

    track: int
    edge: int


Finish = Callable[[Found], Answer]
Finishing = Callable[[Slot, Sequence[Edge], TrackKeeper, int], Finish]


def instant(edge: Edge, time: int) -> int:
    """Return where a window's end is for a record at a time.

    >>> instant(Edge(5, 0), 18), instant(Edge(5, 10), 18), instant(Edge(5, 10), 4)
    (13, 10, -10)
    """
    at = time - edge.offset_us
    return at if edge.every_us == 0 else at // edge.every_us * edge.every_us


def used_edges(group: Group) -> list[int]:
    """Return the places of the edges at which running totals are looked up."""
    return sorted({edge for slot in group.slots if slot.track < 0 for edge in (slot.newer, slot.older) if edge >= 0})


def looks(group: Group) -> list[Look]:
    """Return the different lookups of last events."""
    wanted = (Look(slot.track, slot.newer) for slot in group.slots if slot.function in (LAST, SINCE))
    return list(dict.fromkeys(wanted))


def empty(slot: Slot) -> Answer:
    """Return what an aggregate over no events is."""
    if slot.is_text:
        return None
    return 0.0 if slot.function in (COUNT, SUM, DISTINCT) else NAN


def finisher(slot: Slot, group: Group, tracks: Sequence[TrackKeeper]) -> Finish:
    """Return the function that finishes one aggregate."""
    if slot.track < 0:
        return _totalled(slot, used_edges(group))
    track, older = tracks[slot.track], group.offsets[slot.older]
    if slot.function in (LAST, SINCE):
        return _latest(slot, older, track, looks(group).index(Look(slot.track, slot.newer)))
    return _ranged(slot, older, group.offsets[slot.newer], track)


def _totalled(slot: Slot, used: Sequence[int]) -> Finish:
    number, total, high, low, scale = slot.number, slot.total, slot.high, slot.low, slot.scale
    newer, older = (used.index(slot.newer), used.index(slot.older)) if slot.newer >= 0 else (-1, -1)

    def count(found: Found) -> float:
        return finalise.count(found.edges[newer][number] - found.edges[older][number])

    def summed(found: Found) -> int:
        s = found.edges[newer][total] - found.edges[older][total] if total >= 0 else 0
        return s + found.counted[slot.series] if slot.series >= 0 else s

    def sum_(found: Found) -> float:
        return finalise.total(summed(found), scale)

    def mean(found: Found) -> float:
        return finalise.mean(summed(found), found.edges[newer][number] - found.edges[older][number], scale)

    def std(found: Found) -> float:
        new, old = found.edges[newer], found.edges[older]
        n, s = new[number] - old[number], new[total] - old[total]
        return finalise.std(n, s, new[high] - old[high], new[low] - old[low], scale)

    return {COUNT: count, SUM: sum_, MEAN: mean, STD: std}[slot.function]


def _latest(slot: Slot, older: Edge, track: TrackKeeper, look: int) -> Finish:
    scale = slot.scale

    def last(found: Found) -> Answer:
        packed = track.last(found.looked[look], found.named, instant(older, found.time))
        return _told(track.unpacked(packed), scale, is_text=slot.is_text)

    def since(found: Found) -> float:
        entry = found.looked[look]
        if entry is None or track.last(entry, found.named, instant(older, found.time)) is None:
            return NAN
        return finalise.seconds(found.time - keys.time_of(entry[0]))

    return last if slot.function == LAST else since


def _ranged(slot: Slot, older: Edge, newer: Edge, track: TrackKeeper) -> Finish:
    scale, extremes, values = slot.scale, track.extremes, track.values

    def first(found: Found) -> Answer:
        begin, end = instant(older, found.time), instant(newer, found.time)
        return _told(track.unpacked(track.first(found.store, found.named, begin, end)), scale, is_text=slot.is_text)

    def extreme(found: Found) -> Answer:
        begin, end = instant(older, found.time), instant(newer, found.time)
        pair = None if extremes is None else extremes.extremes(found.store, found.named, begin, end)
        return NAN if pair is None else decimal(pair[slot.function == MAX], scale)

    def distinct(found: Found) -> float:
        begin, end = instant(older, found.time), instant(newer, found.time)
        n = 0 if values is None else values.n_distinct(found.store, found.named, begin, end, slot.cap)
        return finalise.distinct(n, slot.cap)

    return {FIRST: first, MIN: extreme, MAX: extreme, DISTINCT: distinct}[slot.function]


def _told(value: int | str | None, scale: float, *, is_text: bool) -> Answer:
    if value is None:
        return None if is_text else NAN
    return value if isinstance(value, str) else decimal(value, scale)
