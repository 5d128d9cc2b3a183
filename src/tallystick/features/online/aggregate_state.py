"""One group's part of the state: a record enters in its place, a question reads at the edges of windows."""

from collections.abc import Callable, Sequence
from math import isnan

from tallystick.data.records import Record
from tallystick.errors import FeatureOverflow
from tallystick.features.groups import Channel, Edge, Group
from tallystick.features.online.entity_names import check_length, entity_namer, entity_words
from tallystick.features.online.scalar import evaluator
from tallystick.features.online.slots import (
    Answer,
    TrackFindings,
    answer_over_nothing,
    edge_instant,
    finisher,
    looks,
    used_edges,
)
from tallystick.features.online.totals import TotalsLayout, added, overflow_at
from tallystick.features.online.tracking import TrackState
from tallystick.features.state import keys
from tallystick.features.state.store import Entry, StoreTransaction

Weigh = Callable[[Record, Sequence[float]], int]


class AggregateState:
    """Keeps and asks the entities of one group.

    A record costs one place among its entity's running totals, and the correction of every later total, of which there
    are none unless it arrives late; and what ``TrackState`` says for each track. A question costs one lookup for each
    different edge of the totals' windows, one for each series, and what ``TrackState`` says.

    Parameters
    ----------
    place : of the group among the plan's
    group : its part of the plan
    own_id : what the group's stream calls its ids
    spine_id : what the spine calls its ids
    longest : the most bytes that an entity may have
    later : the columns or streams whose values become known later, as the plan's ``later`` has them
    """

    def __init__(
        self, place: int, group: Group, own_id: str, spine_id: str, longest: int, *, later: Sequence[str]
    ) -> None:
        self.group, self._longest = group, longest
        self.columns = tuple(later[series.later] for series in group.series)
        """What each series counts, for whoever must know."""
        self._name, self._requested = entity_namer(group.keys, own_id), entity_namer(group.at, spine_id)
        self._conditions = tuple(evaluator(condition) for condition in group.conditions)
        self._weigh = tuple(_weigher(channel) for channel in group.channels[1:])
        self._layout = TotalsLayout(len(group.channels))
        self._events = keys.events_of(place)
        self._series = tuple(keys.list_of(keys.SERIES, place, each) for each in range(len(group.series)))
        self._tracks = tuple(TrackState(place, each, group, own_id) for each in range(len(group.tracks)))
        self._edges = _Ends([group.offsets[edge] for edge in used_edges(group)])
        self._looked = tuple(self._tracks[look.track].begins for look in looks(group))
        self._look_edges = _Ends([group.offsets[look.edge] for look in looks(group)])
        self._n_totals = self._edges.n + len(self._series)
        self._nothing = bytes(8 * len(group.channels))
        self._unpack = TotalsLayout(self._edges.n * len(group.channels) + len(self._series) + 1).unpack
        self._finish = tuple(finisher(slot, group, self._tracks) for slot in group.slots)
        self.nothing = [answer_over_nothing(slot) for slot in group.slots]
        """What the aggregates of nobody are."""
        self.n_questions = len(used_edges(group)) + len(self._series) + len(self._looked)

    def entity(self, record: Record) -> bytes | None:
        """Return the entity that a record of the group's stream belongs to, None where a part of its name is missing.

        Raises
        ------
        EntityTooLong
            If its name does not fit into the store's keys.
        """
        name = self._name(record)
        if name is not None and len(name) > self._longest:
            check_length(name, self._longest, self.group.keys)
        return name

    def requested(self, record: Record) -> bytes | None:
        """Return the entity that a record of the spine asks about, None where no event can belong to it."""
        name = self._requested(record)
        return None if name is None or len(name) > self._longest else name

    def met(self, record: Record) -> list[float]:
        """Return each of the group's conditions for a record: 1, 0 or missing."""
        return [condition(record, ()) for condition in self._conditions]

    def entering(
        self, store: StoreTransaction, entity: bytes, record: Record, position: int, met: Sequence[float]
    ) -> list[Entry]:
        """Return what to put for one more record: its own totals, and the corrected ones of all that are later.

        Parameters
        ----------
        store : with what was appended before, by this transaction too
        entity : the record's, as ``entity`` returned it
        record : of the group's stream
        position : its place in the order of arrival, above every earlier one
        met : each of the group's conditions for the record, as ``met`` returned them

        Raises
        ------
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        named, end = keys.length_prefixed(entity), keys.at(_time(record), position)
        # Channel 0 counts every event, so that it alone tells which place among the events an edge has.
        weights = [1, *[weigh(record, met) for weigh in self._weigh]]
        # A weight is held to the limit by itself too, as batch does: a total of the other sign could hide it.
        self._check(overflow_at(weights), weights, entity, record)
        entries, pack = [], self._layout.pack
        # A late record changes every later total of its entity, so each of them is held to the limit, as in batch.
        # Nothing is put here: who calls puts all of a record, or none.
        for key, totals in added(store, self._layout, self._events + named + end, weights):
            self._check(overflow_at(totals), weights, entity, record)
            entries.append((key, pack(*totals)))
        for track in self._tracks:
            entries += track.entering(store, named, end, record, met)
        return entries

    def series_of(self, place: int, entity: bytes) -> bytes:
        """Return how the keys of one series of an entity begin.

        Parameters
        ----------
        place : of the series among the group's
        entity : as ``entity`` returned it
        """
        return self._series[place] + keys.length_prefixed(entity)

    def questions(self, entity: bytes, time: int) -> list[bytes]:
        """Return the keys before which the entity's totals, series and tracked events are looked up.

        Parameters
        ----------
        entity : as ``requested`` returned it
        time : the instant that is asked about, microseconds since 1970 UTC
        """
        named = keys.length_prefixed(entity)
        begins = self._events + named
        # An edge's key is above every event at its instant and below all later ones, so that what stands right before
        # it is the last event that the edge leaves behind, with the totals up to there.
        looked_up = [begins + end for end in self._edges.at(time)]
        if self._series:
            now = named + keys.end_of(time)
            looked_up += [series + now for series in self._series]
        if self._looked:
            ends = self._look_edges.at(time)
            looked_up += [track + named + end for track, end in zip(self._looked, ends, strict=True)]
        return looked_up

    def answers(
        self, store: StoreTransaction, entity: bytes, time: int, entries: Sequence[Entry | None]
    ) -> list[Answer]:
        """Return every finished aggregate of the group at an instant.

        Parameters
        ----------
        store : for what the questions do not say: events after the older end, tiles
        entity : who is asked about
        time : the instant
        entries : what stands before each of the questions
        """
        named, nothing = keys.length_prefixed(entity), self._nothing
        begins, n_edges, n_totals = self._events + named, self._edges.n, self._n_totals
        # What stands before may be of another entity, or of another list: then this one has nothing there yet. All are
        # put together and unpacked by one call, rather than by one each.
        packed = [e[1] if e and e[0].startswith(begins) else nothing for e in entries[:n_edges]]
        packed += [
            entry[1] if entry and entry[0].startswith(series + named) else _NONE
            for series, entry in zip(self._series, entries[n_edges:n_totals], strict=True)
        ]
        # The last number is 0: what a slot does not need is read there.
        packed.append(_NONE)
        totals, tracked = self._unpack(b"".join(packed)), TrackFindings(entries[n_totals:], store, named, time)
        return [finish(totals, tracked) for finish in self._finish]

    def _check(self, place: int, weights: Sequence[int], entity: bytes, record: Record) -> None:
        if place >= 0:
            of = self.group.channels[place].of
            value = record.values.get(of) if isinstance(of, str) else None
            shown = weights[place] if value is None else value
            raise FeatureOverflow(str(of), entity=entity_words(self.group.keys, entity), value=shown)


_NONE = bytes(8)


class _Ends:
    """Ends of windows at an instant, as keys end."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.n, self._edges = len(edges), edges
        # Nearly all edges are not rounded, and then an end is one subtraction.
        self._offsets = None if any(edge.every_us for edge in edges) else tuple(edge.offset_us for edge in edges)

    def at(self, time: int) -> list[bytes]:
        if self._offsets is None:
            return [keys.end_of(edge_instant(edge, time)) for edge in self._edges]
        now, moment, no_later = time + keys.SIGN, keys.moment, keys.NO_LATER
        return [moment(now - offset, no_later) for offset in self._offsets]


def _weigher(channel: Channel) -> Weigh:
    """Return the function that tells how much an event adds to a channel."""
    of, where = channel.of, channel.where
    taken = _PARTS[channel.part]
    weigh = _of_field(of, taken) if isinstance(of, str) else _of_event if of is None else _of_condition(of, taken)
    # An event that does not satisfy the condition is an entry all the same, and adds 0: see ``Channel``.
    if where < 0:
        return weigh
    return lambda record, met: weigh(record, met) if met[where] == 1.0 else 0


_PARTS: dict[str, Callable[[int], int]] = {
    "number": lambda _: 1,
    "sum": lambda value: value,
    "high": lambda value: value * value >> 32,
    "low": lambda value: value * value & 0xFFFF_FFFF,
}


def _of_field(field: str, taken: Callable[[int], int]) -> Weigh:
    def weigh(record: Record, _: Sequence[float]) -> int:
        value = record.values[field]
        return 0 if value is None else taken(value)

    return weigh


def _of_event(_record: Record, _met: Sequence[float]) -> int:
    return 1


def _of_condition(place: int, taken: Callable[[int], int]) -> Weigh:
    def weigh(_: Record, met: Sequence[float]) -> int:
        return 0 if isnan(met[place]) else taken(int(met[place]))

    return weigh


def _time(record: Record) -> int:
    if record.time is None:
        raise TypeError(f"{record.stream!r} is a stream, and its record {record.id!r} has no time.")
    return record.time
