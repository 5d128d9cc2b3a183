"""One group's share of a batch: its records by entity, what they weigh, who asks about whom, as arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset, FixedPoint, Records
from tallystick.definitions.expressions import Corrected
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import kernel, nodes, tracks
from tallystick.features.batch.native import native, read_only
from tallystick.features.batch.questions import Questions, by_entity, gather
from tallystick.features.batch.series import Crossings, first_overflow
from tallystick.features.batch.spine import RequestedRows, stream_of
from tallystick.features.entities import Codes, Entities, keys_of
from tallystick.features.finalise import LARGEST_SQUARED, LARGEST_TOTAL, NAN
from tallystick.features.groups import COUNT, DISTINCT, MAX, MIN, SUM, Channel, Group, Series, Slot, Track
from tallystick.features.late_crossing import crossing
from tallystick.features.plan import Plan
from tallystick.features.reports import Changes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOW_32 = 2**32 - 1
TOO_LARGE = LARGEST_TOTAL + 1
"""Weighs so much that the replay stops at the record, once a question sees it."""

_crossing = native(crossing)


@dataclass(frozen=True)
class GroupWork:
    """A group's records and questions.

    Parameters
    ----------
    plan : whose group
    group : what is asked
    records : the group's stream
    entities : whose records they are
    later : changes of every value of the plan that becomes known later
    requested : the rows that ask
    """

    plan: Plan
    group: Group
    records: Records
    entities: Entities
    later: Sequence[Changes]
    requested: RequestedRows

    @classmethod
    def of(
        cls, plan: Plan, group: Group, dataset: Dataset, later: Sequence[Changes], requested: RequestedRows
    ) -> "GroupWork":
        """Return a group's share of a dataset.

        Parameters
        ----------
        plan, group : whose, and which of its groups
        dataset : all records; a stream that it lacks has none
        later : changes of every value of the plan that becomes known later
        requested : the rows that ask
        """
        records = stream_of(plan, dataset, group.stream)
        return cls(plan, group, records, Entities.of(records, group.keys), later, requested)

    @cached_property
    def codes(self) -> Codes:
        """The entity that each asked row asks about, -1 for none; shape (n,)."""
        return self.entities.requested(self.requested.spine, self.group.at, self.requested.rows)

    @property
    def starts(self) -> Ints:
        """Where each entity's records start, by entity."""
        return self._by_entity[0]

    @cached_property
    def _by_entity(self) -> tuple[Ints, Ints]:
        return by_entity(read_only(self.entities.codes), self.entities.n)

    @cached_property
    def _conditions(self) -> tuple[Floats, ...]:
        """What each condition is worth for every record: 1, 0 or missing."""
        view = nodes.of_records(self.records)
        return tuple(nodes.evaluate_rows(node, view) for node in self.group.conditions)

    def satisfied(self, where: int) -> Bools | None:
        """Return which records satisfy a condition; None where there is none."""
        return None if where < 0 else self._conditions[where] == 1.0

    def nobody(self, columns: Ints, values: Floats) -> None:
        """Give the rows that ask about no entity what an empty window gives.

        Parameters
        ----------
        columns : shape (slots,), where each slot of the group goes
        values : shape (rows, columns or more), the result, changed in place
        """
        rows = np.flatnonzero(self.codes < 0)
        for slot, column in zip(self.group.slots, columns, strict=True):
            values[rows, column] = 0.0 if slot.function in (COUNT, SUM, DISTINCT) else NAN

    def questions(self, values: Floats) -> Questions:
        """Return the questions by entity."""
        requested, codes = self.requested, self.codes
        # The same array, not equal ones: ``Entities`` gives the events' own codes back only where rows and events are
        # the same records under the same keys.
        is_own = codes is self.entities.codes and requested.rows is None and requested.is_own
        if is_own:
            starts, rows = self._by_entity
        else:
            # The replay takes an entity's questions by as-of: what has entered for one is there for the next.
            starts, rows = by_entity(
                read_only(codes if requested.order is None else codes[requested.order]), self.entities.n
            )
            rows = rows if requested.order is None else requested.order[rows]
        return Questions(starts, rows, read_only(requested.time), read_only(requested.as_of), values, is_own)

    def events(self) -> kernel.Events:
        """Return the records by entity, with what each adds to the group's running totals."""
        return kernel.Events(
            *self._by_entity,
            read_only(self._gathered(self.records.time.reshape(-1, 1)).reshape(-1)),
            read_only(self.records.position),
            read_only(self._gathered(self._weights())),
        )

    def _gathered(self, values: Ints) -> Ints:
        # numpy's own memory comes in large pages, which makes up for a third of the time.
        out = np.empty((self.starts[-1], values.shape[1]), dtype=np.int64)
        gather(read_only(self.entities.codes), self.starts, read_only(values), out)
        return out

    def _weights(self) -> Ints:
        channels = self.group.channels[1:]
        if len(channels) == 1:
            return self._weight(channels[0]).reshape(-1, 1)
        weights = np.empty((len(self.records), len(channels)), dtype=np.int64)
        for i, channel in enumerate(channels):
            weights[:, i] = self._weight(channel)
        return weights

    def _weight(self, channel: Channel) -> Ints:
        """Return what every record adds to a channel."""
        values, present = self._value(channel.of)
        if channel.part == "number":
            values = np.ones(len(self.records), dtype=np.int64)
        elif channel.part != "sum":
            values = _squared(channel.part, values)
        # What does not count adds 0, rather than to be left out: all channels then share one list of instants, in which
        # an edge is looked for once.
        for mask in (present, self.satisfied(channel.where)):
            if mask is not None and not mask.all():
                values = np.where(mask, values, 0)
        return values

    def _value(self, of: str | int | None) -> tuple[Ints, Bools | None]:
        """Return a channel's values, and which records have one (None for all)."""
        if of is None:
            return np.ones(len(self.records), dtype=np.int64), None
        if isinstance(of, str):
            column = self.records.values[of]
            return column.values, ~column.missing
        # A condition that is missing is not counted; its 0 adds nothing either.
        return (self._conditions[of] == 1.0).astype(np.int64), ~np.isnan(self._conditions[of])

    def crossings(self) -> Crossings:
        """Return the entries and exits of all series, by entity, then order of arrival."""
        entity, series, position, enters, leaves, weight = self._all_crossed.T
        # Stable, so that an entity's changes stay in order of arrival.
        starts, place = by_entity(read_only(entity.astype(np.int32)), self.entities.n)
        kept = (part[place] for part in (series, position, enters, leaves, self._checked(weight)))
        return Crossings(starts, *kept)

    @cached_property
    def _all_crossed(self) -> Ints:
        """Every change that enters a series: entity, series, position, entry, exit, weight; by position, (n, 6)."""
        columns = [self._crossed(place, series) for place, series in enumerate(self.group.series)]
        found = np.concatenate([np.empty((0, 6), dtype=np.int64), *columns])
        return np.ascontiguousarray(found[np.argsort(found[:, 2], kind="stable")])

    def _checked(self, weight: Ints) -> Ints:
        """Return the weights, too large where a series' total becomes so; only where it can are totals looked at."""
        entity, series, position, enters, leaves, _ = self._all_crossed.T
        place = entity * len(self.group.series) + series
        # The sum of all sizes is more than any total can be, whatever the order. It is summed in doubles, and half of
        # the limit is left for their rounding. Beyond it the totals are looked at one by one, which is quadratic at
        # worst.
        largest = np.bincount(place, np.abs(weight.astype(np.float64))) if len(place) else np.zeros(0)
        checked = weight
        for each in np.flatnonzero(largest > LARGEST_TOTAL / 2):
            own = np.flatnonzero(place == each)
            first = first_overflow(position[own], enters[own], leaves[own], weight[own])
            if first >= 0:
                checked = checked.copy()
                # Not raised here: if no question sees this arrival, the total refuses nothing.
                checked[own[first]] = TOO_LARGE
        return checked

    def _crossed(self, place: int, series: Series) -> Ints:
        """Return every change that enters a series: entity, series, position, entry, exit, weight; (n, 6)."""
        found = self.later[series.later]
        entity, counts = self.entities.codes[found.row], np.ones(len(found.row), dtype=bool)
        satisfied = self.satisfied(series.where)
        if satisfied is not None:
            counts &= satisfied[found.row]
        later = self.plan.later[series.later]
        if isinstance(later, Corrected):
            # A correction of what is missing changes nothing: the record counts in no sum, before and after.
            counts &= ~self.records.values[later.field].missing[found.row]
        length = (series.delay_us, series.window_us, series.every_us)
        enters, leaves = _cross(read_only(found.known), read_only(found.before), self.records.time[found.row], length)
        columns = np.stack(
            [entity, np.full(len(entity), place), found.position, enters, leaves, found.weight], axis=1, dtype=np.int64
        )
        # What would leave before it enters never was in the window: it was known too late.
        kept: Ints = columns[counts & (entity >= 0) & (enters < leaves)]
        return kept

    def layout(self, chosen: Sequence[int], columns: Ints) -> kernel.QuestionLayout:
        """Return some slots as arrays, and the columns where their answers go.

        Parameters
        ----------
        chosen : places of slots among the group's, those of running totals
        columns : shape (slots of the group,), where each one's answers go
        """
        slots = [self.group.slots[i] for i in chosen]
        wanted = [list(_ends(slot)) for slot in slots]
        # A total is read once at each edge, however many slots take it: a mean and a count share theirs.
        reads = sorted({read for each in wanted for read in each if read[1] >= 0})
        whole = [
            (slot.function, slot.series, *(reads.index(read) if read[1] >= 0 else -1 for read in each))
            for slot, each in zip(slots, wanted, strict=True)
        ]
        return kernel.QuestionLayout(
            np.array([edge.offset_us for edge in self.group.offsets], dtype=np.int64),
            np.array([edge.every_us for edge in self.group.offsets], dtype=np.int64),
            np.array(reads, dtype=np.int64).reshape(-1, 2),
            len(self.group.series),
            np.array(whole, dtype=np.int64).reshape(-1, 10),
            np.array([slot.scale for slot in slots], dtype=np.float64),
            columns[chosen],
        )

    def track(self, number: int) -> tracks.EventValues:
        """Return the records by entity, with their values in a track."""
        track = self.group.tracks[number]
        keeps, values, n_values = self.satisfied(track.where), np.empty(0, np.int64), 0
        if track.of is not None:
            values, present, n_values = self._tracked(track)
            if track.keeps_missing:
                values = np.where(present, values, tracks.MISSING)
            elif not present.all():
                keeps = present if keeps is None else keeps & present
        codes = np.empty(0, np.int32)
        if any(slot.function == DISTINCT for slot in self._slots(number)):
            # Texts have numbers already. Those without a text have -1, and are no entries of a track that counts
            # values.
            codes, n_values = (values.astype(np.int32), n_values) if track.is_text else _numbered(values)
        everything = np.empty(0, np.bool_)
        return tracks.EventValues(
            *self._by_entity,
            read_only(self.records.time),
            read_only(self.records.position),
            read_only(everything if keeps is None else keeps),
            read_only(values),
            read_only(codes),
            n_values if len(codes) else 0,
        )

    def _tracked(self, track: Track) -> tuple[Ints, Bools, int]:
        """Return a track's values, which records have one, and for texts how many texts there are."""
        if track.is_text:
            keys = keys_of(self.records, str(track.of))
            return keys.codes.astype(np.int64), keys.codes >= 0, len(keys.names)
        column: FixedPoint = self.records.values[str(track.of)]
        return column.values, ~column.missing, 0

    def _slots(self, number: int) -> list[Slot]:
        return [slot for slot in self.group.slots if slot.track == number]

    def asks(self, number: int, columns: Ints) -> tracks.TrackQuestions:
        """Return what is asked of a track as arrays, and the columns where the answers go.

        Parameters
        ----------
        number : which track of the group
        columns : shape (slots of the group,), where each one's answers go
        """
        slots, offsets = self._slots(number), self.group.offsets
        used = sorted({edge for slot in slots for edge in (slot.newer, slot.older)})
        counting = [i for i, slot in enumerate(slots) if slot.function == DISTINCT]
        whole = [
            (
                s.function,
                used.index(s.newer),
                used.index(s.older),
                s.cap,
                s.is_text,
                counting.index(i) if i in counting else -1,
            )
            for i, s in enumerate(slots)
        ]
        return tracks.TrackQuestions(
            np.array([offsets[edge].offset_us for edge in used], dtype=np.int64),
            np.array([offsets[edge].every_us for edge in used], dtype=np.int64),
            np.array(whole, dtype=np.int64).reshape(-1, 6),
            np.array([slot.scale for slot in slots], dtype=np.float64),
            columns[[i for i, slot in enumerate(self.group.slots) if slot.track == number]],
            len(counting),
            any(slot.function == MIN for slot in slots),
            any(slot.function == MAX for slot in slots),
        )

    def overflow(self, outcome: kernel.Outcome) -> FeatureOverflow:
        """Return the error that names the column, entity and value of a replay that stopped."""
        kind, place, entity, at = outcome
        if kind == kernel.CHANNEL:
            column = str(self.group.channels[place].of)
            return self._overflow(column, entity, int(self.records.values[column].values[at]))
        column = self.plan.later_columns[self.group.series[place].later]
        of_entity = self._all_crossed[self._all_crossed[:, 0] == entity]
        return self._overflow(column, entity, int(of_entity[at, 5]))

    def _overflow(self, column: str, entity: int, value: int) -> FeatureOverflow:
        return FeatureOverflow(column, entity=self.entities.name(entity), value=value)


def _ends(slot: Slot) -> Iterator[tuple[int, int]]:
    """Yield the edge and channel of everything that a slot reads, newer before older."""
    for channel in (slot.number, slot.total, slot.high, slot.low):
        yield slot.newer, channel
        yield slot.older, channel


def _numbered(values: Ints) -> tuple[Codes, int]:
    """Return each value's place among the different ones, and how many there are."""
    encoded = pa.array(values).dictionary_encode()
    return np.asarray(encoded.indices, dtype=np.int32), len(encoded.dictionary)


def _squared(part: str, values: Ints) -> Ints:
    """Return the upper or lower part of squares; the upper is too large a weight where squares are not kept."""
    # One weight that is too large stops the replay, once a question sees it, as online refuses the record.
    fits = np.abs(values) <= LARGEST_SQUARED
    # A kept value is a * 2**24 + b, so that none of the three products of its square leaves 64 bits.
    kept = np.where(fits, np.abs(values), 0)
    a, b = kept >> 24, kept & (2**24 - 1)
    middle, last = 2 * a * b, b * b
    low = ((middle & 255) << 24) + (last & LOW_32)
    if part == "low":
        return low & LOW_32
    return np.where(fits, (a * a << 16) + (middle >> 8) + (last >> 32) + (low >> 32), TOO_LARGE)


@native
def _cross(known: Ints, before: Ints, time: Ints, length: tuple[int, int, int]) -> Ints:
    """Return when changes enter and leave a series of some delay, window and every; shape (2, n)."""
    crossed = np.empty((2, len(known)), np.int64)
    for i in range(len(known)):
        crossed[0, i], crossed[1, i] = _crossing(known[i], before[i], time[i], *length)
    return crossed
