"""What is asked of a group, made into functions once per plan: from what was found in the state to finished numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tallystick.features import finalise
from tallystick.features.groups import COUNT, DISTINCT, FIRST, LAST, MAX, MEAN, MIN, SINCE, STD, SUM, Edge, Group, Slot
from tallystick.features.online.tracking import TrackState
from tallystick.features.rowwise import NAN, decimal
from tallystick.features.state import keys
from tallystick.features.state.store import Entry, StoreTransaction

Answer = float | str | None


class TrackFindings(NamedTuple):
    """What a group's questions found about the tracks of an entity, and where the rest is.

    Parameters
    ----------
    entries : what stands before each of the group's ``looks``
    store : for what else is needed
    named : the entity, with its length
    time : the instant that is asked about
    """

    entries: Sequence[Entry | None]
    store: StoreTransaction
    named: bytes
    time: int


class LastEventLookup(NamedTuple):
    """The last event of a track before an end of a window."""

    track: int
    edge: int


Finish = Callable[[Sequence[int], TrackFindings], Answer]
"""Takes the totals at the group's used edges one after the other, the totals of its series, and 0; and its tracks."""


def edge_instant(edge: Edge, time: int) -> int:
    """Return where a window's end is for a record at a time.

    Parameters
    ----------
    edge : the window's end
    time : of the record, microseconds since 1970 UTC

    Examples
    --------
    >>> edge_instant(Edge(5, 0), 18), edge_instant(Edge(5, 10), 18), edge_instant(Edge(5, 10), 4)
    (13, 10, -10)
    """
    at = time - edge.offset_us
    return at if edge.every_us == 0 else at // edge.every_us * edge.every_us


def used_edges(group: Group) -> list[int]:
    """Return the places of the edges at which running totals are looked up."""
    return sorted({edge for slot in group.slots if slot.track < 0 for edge in (slot.newer, slot.older) if edge >= 0})


def looks(group: Group) -> list[LastEventLookup]:
    """Return the different lookups of last events."""
    wanted = (LastEventLookup(slot.track, slot.newer) for slot in group.slots if slot.function in (LAST, SINCE))
    return list(dict.fromkeys(wanted))


def answer_over_nothing(slot: Slot) -> Answer:
    """Return what an aggregate over no events is."""
    if slot.is_text:
        return None
    return 0.0 if slot.function in (COUNT, SUM, DISTINCT) else NAN


def finisher(slot: Slot, group: Group, tracks: Sequence[TrackState]) -> Finish:
    """Return the function that finishes one aggregate.

    Parameters
    ----------
    slot : the aggregate
    group : whose it is
    tracks : of the group, in its order
    """
    if slot.track < 0:
        return _totalled(slot, group)
    track, older = tracks[slot.track], group.offsets[slot.older]
    if slot.function in (LAST, SINCE):
        return _latest(slot, older, track, looks(group).index(LastEventLookup(slot.track, slot.newer)))
    return _ranged(slot, older, group.offsets[slot.newer], track)


def _totalled(slot: Slot, group: Group) -> Finish:
    """Return the function that finishes a count, sum, mean or deviation.

    Totals are told apart by their places; what is not there is the last of them, which is 0.
    """
    used, n, scale = used_edges(group), len(group.channels), slot.scale
    nothing = len(used) * n + len(group.series)

    def between(channel: int) -> tuple[int, int]:
        if channel < 0:
            return nothing, nothing
        return used.index(slot.newer) * n + channel, used.index(slot.older) * n + channel

    (n1, n0), (s1, s0), (h1, h0), (l1, l0) = map(between, (slot.number, slot.total, slot.high, slot.low))
    later = len(used) * n + slot.series if slot.series >= 0 else nothing
    finish: dict[int, Finish] = {
        COUNT: lambda t, _: finalise.count(t[n1] - t[n0]),
        SUM: lambda t, _: finalise.total(t[s1] - t[s0] + t[later], scale),
        MEAN: lambda t, _: finalise.mean(t[s1] - t[s0] + t[later], t[n1] - t[n0], scale),
        STD: lambda t, _: finalise.std(t[n1] - t[n0], t[s1] - t[s0], t[h1] - t[h0], t[l1] - t[l0], scale),
    }
    return finish[slot.function]


def _latest(slot: Slot, older: Edge, track: TrackState, look: int) -> Finish:
    def last(_: Sequence[int], of: TrackFindings) -> Answer:
        packed = track.last(of.entries[look], of.named, edge_instant(older, of.time))
        return _answer(track.unpacked(packed), slot.scale, is_text=slot.is_text)

    def since(_: Sequence[int], of: TrackFindings) -> float:
        entry = of.entries[look]
        if entry is None or track.last(entry, of.named, edge_instant(older, of.time)) is None:
            return NAN
        return finalise.seconds(of.time - keys.time_of(entry[0]))

    return last if slot.function == LAST else since


def _ranged(slot: Slot, older: Edge, newer: Edge, track: TrackState) -> Finish:
    def first(_: Sequence[int], of: TrackFindings) -> Answer:
        packed = track.first(of.store, of.named, edge_instant(older, of.time), edge_instant(newer, of.time))
        return _answer(track.unpacked(packed), slot.scale, is_text=slot.is_text)

    def extreme(_: Sequence[int], of: TrackFindings) -> float:
        if track.extremes is None:
            return NAN
        pair = track.extremes.extremes(of.store, of.named, edge_instant(older, of.time), edge_instant(newer, of.time))
        return NAN if pair is None else decimal(pair[slot.function == MAX], slot.scale)

    def distinct(_: Sequence[int], of: TrackFindings) -> float:
        if track.values is None:
            return NAN
        window = edge_instant(older, of.time), edge_instant(newer, of.time)
        return finalise.distinct(track.values.n_distinct(of.store, of.named, *window, slot.cap), slot.cap)

    return {FIRST: first, MIN: extreme, MAX: extreme, DISTINCT: distinct}[slot.function]


def _answer(value: int | str | None, scale: float, *, is_text: bool) -> Answer:
    if value is None:
        return None if is_text else NAN
    return value if isinstance(value, str) else decimal(value, scale)
