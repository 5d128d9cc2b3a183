"""What later records say about earlier ones: reports that flag them, corrections that add to them."""

from collections.abc import Sequence
from typing import NamedTuple

from tallystick.data.records import Record
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.errors import FeatureOverflow
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.late_crossing import NEVER, crossing
from tallystick.features.online.aggregate_state import AggregateState
from tallystick.features.online.entity_names import check_length, entity_words
from tallystick.features.online.tiles import between
from tallystick.features.online.totals import SINGLE, stepped
from tallystick.features.state import keys
from tallystick.features.state.store import StoreTransaction


class PendingChanges:
    """What one record changes, before any of it is put: if it is refused, nothing was.

    Parameters
    ----------
    store : the transaction that is read now, and written once nothing is refused
    position : of the record that changes something
    """

    __slots__ = ("_steps", "position", "puts", "store")

    def __init__(self, store: StoreTransaction, position: int) -> None:
        self.store, self.position = store, position
        # What is put is seen by what the same record does next: one that reports about itself finds itself here.
        self.puts: dict[bytes, bytes] = {}
        # Weights by their moment, for each series of an entity. One record may have several of a series, as where
        # several corrections waited for it; the list is then read and corrected once for all of them.
        self._steps: dict[tuple[AggregateState, bytes, int], dict[bytes, int]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as it will be."""
        return self.puts[key] if key in self.puts else self.store.get(key)

    def waiting(self, begins: bytes) -> list[bytes]:
        """Return what waits under keys that begin so."""
        return [packed for _, packed in between(self.store, begins, begins + keys.AFTER)]

    def wait(self, begins: bytes, packed: bytes) -> None:
        """Put something that waits.

        Parameters
        ----------
        begins : how the key begins; the record's place in the order of arrival follows
        packed : what waits
        """
        self.puts[begins + keys.pack_whole(self.position)] = packed

    def enter(self, aggregate: AggregateState, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group.

        Parameters
        ----------
        aggregate : of the group
        entity, record : what enters, and whose it is
        met : each of the group's conditions for the record

        Raises
        ------
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        self.puts.update(aggregate.entering(self.store, entity, record, self.position, met))

    def step(self, aggregate: AggregateState, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on.

        Parameters
        ----------
        aggregate, series : the series, by its group and its place in it
        entity : whose total it is
        time : from when the weight counts, microseconds since 1970 UTC
        weight : in units of the last digit; negative where something leaves

        Raises
        ------
        FeatureOverflow
            If it is so large that no total could hold it.
        """
        check_total(weight, aggregate, series, entity, weight)
        steps = self._steps.setdefault((aggregate, entity, series), {})
        key = aggregate.series_of(series, entity) + keys.at(time, self.position)
        steps[key] = steps.get(key, 0) + weight

    def put(self) -> None:
        """Put everything.

        Raises
        ------
        FeatureOverflow
            If a series' total leaves the range in which every window is exact; then nothing was put.
        """
        # All totals are computed and held to the limit before the first entry is put.
        for (aggregate, entity, series), steps in self._steps.items():
            for key, total in stepped(self.store, steps):
                check_total(total, aggregate, series, entity, max(steps.values(), key=abs))
                self.puts[key] = SINGLE.pack(total)
        self.store.put_all(self.puts)


class LateValues:
    """A stream about whose records later ones say something.

    Parameters
    ----------
    place : of the stream among those watched
    aggregates : of the stream's groups that have series
    later : every value that becomes known later about its records, with its place in the plan
    longest : the most bytes that an id may have
    """

    def __init__(
        self,
        place: int,
        aggregates: Sequence[AggregateState],
        later: Sequence[tuple[int, Flagged | Corrected]],
        longest: int,
    ) -> None:
        self.later = tuple(later)
        self._place, self._aggregates, self._longest = place, tuple(aggregates), longest
        # A record's entities and the series in which it counts are kept with it. A report only has its id, and what the
        # conditions looked at is gone by then.
        self._n_series = [len(aggregate.group.series) for aggregate in aggregates]
        self._after = {number: getattr(value, "known_after_us", None) or 0 for number, value in later}
        corrected = {number: value.field for number, value in later if isinstance(value, Corrected)}
        self._needs = [[(s.where, corrected.get(s.later)) for s in aggregate.group.series] for aggregate in aggregates]
        self._always = [
            keys.pack_bits([True] * len(needs)) if all(need == (-1, None) for need in needs) else None
            for needs in self._needs
        ]

    def arrive(
        self, draft: PendingChanges, record: Record, watched: Sequence[tuple[bytes | None, Sequence[float]]]
    ) -> None:
        """Remember a record, and let what was said about it before count now.

        Parameters
        ----------
        draft : of this record
        record : of the stream
        watched : its entity in each group that watches it, and the group's conditions

        Raises
        ------
        EntityTooLong
            If its id does not fit into the store's keys.
        """
        check_length(record.id.encode(), self._longest, ("id",))
        bits = [(entity, self._bits(place, record, met)) for place, (entity, met) in enumerate(watched)]
        # Put before what was said about it is looked at: that is found by way of this entry.
        draft.puts[keys.record(self._place, record.id)] = keys.pack_record(record.time or 0, bits)
        for later, value in self.later:
            if isinstance(value, Flagged):
                packed = draft.get(keys.known(later, record.id))
                if packed is not None:
                    self._report(draft, later, record.id, keys.unpack_known(packed), NEVER)
            else:
                # They stay where they waited. The record comes once, so nobody looks again, and nothing is ever deleted
                # from a state: a rebuild leaves the same entries.
                for packed in draft.waiting(keys.waiting(later, record.id)):
                    self._correct(draft, later, record.id, *keys.unpack_pair(packed))

    def flag(self, draft: PendingChanges, later: int, flag: Flagged, name: str, report: Record) -> None:
        """Remember when a record became known to be flagged; if it is there, let the flag enter its windows.

        Parameters
        ----------
        draft : of the report
        later, flag : what it reports, with its place in the plan
        name : the id of the reported record, which may not have come yet
        report : the report
        """
        check_length(name.encode(), self._longest, (flag.on,))
        key = keys.known(later, name)
        packed = draft.get(key)
        known = report.time if flag.known_after_us is None else None
        before = NEVER if packed is None else keys.unpack_known(packed)
        # Known-at only ever becomes earlier. A report that is known later says nothing new, nor does any second one
        # where the instant follows from the record's own time.
        if before is None or (known is not None and known >= before):
            return
        draft.puts[key] = keys.pack_known(known)
        self._report(draft, later, name, known, before)

    def correct(self, draft: PendingChanges, later: int, corrected: Corrected, name: str, correction: Record) -> None:
        """Add a correction to the record's windows, or let it wait for the record.

        Parameters
        ----------
        draft : of the correction
        later, corrected : what it corrects, with its place in the plan
        name : the id of the corrected record, which may not have come yet
        correction : the record that corrects it
        """
        delta = correction.values[corrected.delta]
        if delta is None:
            return
        check_length(name.encode(), self._longest, (corrected.on,))
        known = correction.time or 0
        # Kept under its own place in the order of arrival, so that several that wait are found in the order they came.
        if draft.get(keys.record(self._place, name)) is None:
            draft.wait(keys.waiting(later, name), keys.pack_pair(known, delta))
        else:
            self._correct(draft, later, name, known, delta)

    def _report(self, draft: PendingChanges, later: int, name: str, known: int | None, before: int) -> None:
        packed = draft.get(keys.record(self._place, name))
        if packed is not None:
            self._cross(draft, packed, _Crossing(later, known, before, 1))

    def _correct(self, draft: PendingChanges, later: int, name: str, known: int, delta: int) -> None:
        packed = draft.get(keys.record(self._place, name))
        if packed is not None:
            self._cross(draft, packed, _Crossing(later, known, NEVER, delta))

    def _cross(self, draft: PendingChanges, packed: bytes, change: "_Crossing") -> None:
        """Let a change enter and leave every series of its later value in which a record counts."""
        time, watched = keys.unpack_record(packed, self._n_series)
        # Only here the record's time is known for certain: where a flag is known after a delay, it may come first.
        known = time + self._after[change.later] if change.known is None else change.known
        for aggregate, (entity, bits) in zip(self._aggregates, watched, strict=True):
            # A record counts in a series once, from when it is known until it leaves the window. Where it was known
            # later before, what is added ends there, since from there on it counts already.
            for place, series in enumerate(aggregate.group.series):
                if entity is None or series.later != change.later or not bits >> place & 1:
                    continue
                span = series.delay_us, series.window_us, series.every_us
                enters, leaves = crossing(known, change.before, time, *span)
                # Known only after the window has passed, it never enters. To write it anyway would count it negatively
                # between the two instants.
                if enters < leaves:
                    draft.step(aggregate, place, entity, enters, change.weight)
                    draft.step(aggregate, place, entity, leaves, -change.weight)

    def _bits(self, place: int, record: Record, met: Sequence[float]) -> bytes:
        """Return in which of a group's series a record counts, as bits."""
        always = self._always[place]
        if always is not None:
            return always
        counts = [
            (where < 0 or met[where] == 1.0) and (field is None or record.values[field] is not None)
            for where, field in self._needs[place]
        ]
        return keys.pack_bits(counts)


class _Crossing(NamedTuple):
    """A later value of a record becomes known (at None: it follows from its time), or known earlier than before."""

    later: int
    known: int | None
    before: int
    weight: int


def check_total(total: int, aggregate: AggregateState, series: int, entity: bytes, weight: int) -> None:
    """Hold a series' total against the range in which every window is exact.

    Parameters
    ----------
    total : of the series, at some moment
    aggregate, series : the series, by its group and its place in it
    entity : whose total it is
    weight : what was added last, for the sentence

    Raises
    ------
    FeatureOverflow
        If it left the range, with the weight that let it.
    """
    if abs(total) > LARGEST_TOTAL:
        raise FeatureOverflow(
            aggregate.columns[series], entity=entity_words(aggregate.group.keys, entity), value=weight
        )
