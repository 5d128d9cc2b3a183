"""What later records say about earlier ones: reports that flag them, corrections that add to them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tallystick.data.records import Record
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.errors import FeatureOverflow
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.known import NEVER, crossing
from tallystick.features.online.aggregate_state import AggregateState
from tallystick.features.online.naming import check_length, entity_words
from tallystick.features.online.tiles import between
from tallystick.features.online.totals import SINGLE, stepped
from tallystick.features.state import keys
from tallystick.features.state.store import StoreTransaction


class Change(Protocol):
    """What one record changes: put together here, then written at once or not at all."""

    puts: dict[bytes, bytes]
    """What is put under keys without a place in the order of arrival."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as it will be."""

    def waiting(self, begins: bytes) -> list[bytes]:
        """Return what waits under keys that begin so, in their order."""
        ...

    def wait(self, begins: bytes, packed: bytes) -> None:
        """Put something that waits, under a key that ends with the record's place."""

    def enter(self, aggregate: AggregateState, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group, as ``AggregateState.entering`` and ``AggregateState.additions`` say."""

    def step(self, aggregate: AggregateState, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on. Raise ``FeatureOverflow`` if no total could hold it."""


class Draft:
    """What one record changes, before any of it is put: if it is refused, nothing was."""

    __slots__ = ("_steps", "position", "puts", "store")

    def __init__(self, store: StoreTransaction, position: int) -> None:
        self.store, self.position = store, position
        self.puts: dict[bytes, bytes] = {}
        self._steps: dict[tuple[AggregateState, bytes, int], dict[bytes, int]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as it will be."""
        return self.puts[key] if key in self.puts else self.store.get(key)

    def waiting(self, begins: bytes) -> list[bytes]:
        """Return what waits under keys that begin so."""
        return [packed for _, packed in between(self.store, begins, begins + keys.AFTER)]

    def wait(self, begins: bytes, packed: bytes) -> None:
        """Put something that waits."""
        self.puts[begins + keys.pack_whole(self.position)] = packed

    def enter(self, aggregate: AggregateState, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group.

        Raises
        ------
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        self.puts.update(aggregate.entering(self.store, entity, record, self.position, met))

    def step(self, aggregate: AggregateState, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on.

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
        self._n_series = [len(aggregate.group.series) for aggregate in aggregates]
        self._after = {number: getattr(value, "known_after_us", None) or 0 for number, value in later}
        corrected = {number: value.field for number, value in later if isinstance(value, Corrected)}
        self._needs = [[(s.where, corrected.get(s.later)) for s in aggregate.group.series] for aggregate in aggregates]
        self._always = [
            keys.pack_bits([True] * len(needs)) if all(need == (-1, None) for need in needs) else None
            for needs in self._needs
        ]

    def arrive(self, draft: Change, record: Record, watched: Sequence[tuple[bytes | None, Sequence[float]]]) -> None:
        """Remember a record, and let what was said about it before count now.

        Parameters
        ----------
        draft : of this record
        record : of the stream
        watched : its entity in each keeper's group, and the group's conditions

        Raises
        ------
        EntityTooLong
            If its id does not fit into the store's keys.
        """
        check_length(record.id.encode(), self._longest, ("id",))
        bits = [(entity, self._bits(place, record, met)) for place, (entity, met) in enumerate(watched)]
        draft.puts[keys.record(self._place, record.id)] = keys.pack_record(record.time or 0, bits)
        for later, value in self.later:
            if isinstance(value, Flagged):
                packed = draft.get(keys.known(later, record.id))
                if packed is not None:
                    self._report(draft, later, record.id, keys.unpack_known(packed), NEVER)
            else:
                for packed in draft.waiting(keys.waiting(later, record.id)):
                    self._correct(draft, later, record.id, *keys.unpack_pair(packed))

    def flag(self, draft: Change, later: int, flag: Flagged, name: str, report: Record) -> None:
        """Remember when a record became known to be flagged; if it is there, let the flag enter its windows."""
        check_length(name.encode(), self._longest, (flag.on,))
        key = keys.known(later, name)
        packed = draft.get(key)
        known = report.time if flag.known_after_us is None else None
        before = NEVER if packed is None else keys.unpack_known(packed)
        if before is None or (known is not None and known >= before):
            return
        draft.puts[key] = keys.pack_known(known)
        self._report(draft, later, name, known, before)

    def correct(self, draft: Change, later: int, corrected: Corrected, name: str, correction: Record) -> None:
        """Add a correction to the record's windows, or let it wait for the record."""
        delta = correction.values[corrected.delta]
        if delta is None:
            return
        check_length(name.encode(), self._longest, (corrected.on,))
        known = correction.time or 0
        if draft.get(keys.record(self._place, name)) is None:
            draft.wait(keys.waiting(later, name), keys.pack_pair(known, delta))
        else:
            self._correct(draft, later, name, known, delta)

    def _report(self, draft: Change, later: int, name: str, known: int | None, before: int) -> None:
        packed = draft.get(keys.record(self._place, name))
        if packed is not None:
            self._cross(draft, packed, _Crossing(later, known, before, 1))

    def _correct(self, draft: Change, later: int, name: str, known: int, delta: int) -> None:
        packed = draft.get(keys.record(self._place, name))
        if packed is not None:
            self._cross(draft, packed, _Crossing(later, known, NEVER, delta))

    def _cross(self, draft: Change, packed: bytes, change: "_Crossing") -> None:
        """Let a change enter and leave every series of its later value in which a record counts."""
        time, watched = keys.unpack_record(packed, self._n_series)
        known = time + self._after[change.later] if change.known is None else change.known
        for aggregate, (entity, bits) in zip(self._aggregates, watched, strict=True):
            for place, series in enumerate(aggregate.group.series):
                if entity is None or series.later != change.later or not bits >> place & 1:
                    continue
                span = series.delay_us, series.window_us, series.every_us
                enters, leaves = crossing(known, change.before, time, *span)
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

    Raises
    ------
    FeatureOverflow
        If it left the range, with the weight that let it.
    """
    if abs(total) > LARGEST_TOTAL:
        raise FeatureOverflow(
            aggregate.columns[series], entity=entity_words(aggregate.group.keys, entity), value=weight
        )
