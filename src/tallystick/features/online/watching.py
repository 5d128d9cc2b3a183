"""What later records say about earlier ones: reports that flag them, corrections that add to them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from tallystick.data.records import Record
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.errors import FeatureOverflow
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.known import NEVER, crossing
from tallystick.features.online.keeper import Keeper
from tallystick.features.online.naming import check_length, told
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

    def enter(self, keeper: Keeper, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group, as ``Keeper.entering`` and ``Keeper.additions`` say."""

    def step(self, keeper: Keeper, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on. Raise ``FeatureOverflow`` if no total could hold it."""


class Draft:
    """What one record changes, before any of it is put: if it is refused, nothing was."""

    __slots__ = ("_steps", "puts", "seq", "store")

    def __init__(self, store: StoreTransaction, seq: int) -> None:
        self.store, self.seq = store, seq
        self.puts: dict[bytes, bytes] = {}
        self._steps: dict[tuple[Keeper, bytes, int], dict[bytes, int]] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key as it will be."""
        return self.puts[key] if key in self.puts else self.store.get(key)

    def waiting(self, begins: bytes) -> list[bytes]:
        """Return what waits under keys that begin so."""
        return [packed for _, packed in between(self.store, begins, begins + keys.AFTER)]

    def wait(self, begins: bytes, packed: bytes) -> None:
        """Put something that waits."""
        self.puts[begins + keys.pack_whole(self.seq)] = packed

    def enter(self, keeper: Keeper, entity: bytes, record: Record, met: Sequence[float]) -> None:
        """Let the record enter a group.

        Raises
        ------
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        self.puts.update(keeper.entering(self.store, entity, record, self.seq, met))

    def step(self, keeper: Keeper, series: int, entity: bytes, time: int, weight: int) -> None:
        """Let a weight count in a series from a time on.

        Raises
        ------
        FeatureOverflow
            If it is so large that no total could hold it.
        """
        check_total(weight, keeper, series, entity, weight)
        steps = self._steps.setdefault((keeper, entity, series), {})
        key = keeper.series_of(series, entity) + keys.at(time, self.seq)
        steps[key] = steps.get(key, 0) + weight

    def put(self) -> None:
        """Put everything.

        Raises
        ------
        FeatureOverflow
            If a series' total leaves the range in which every window is exact; then nothing was put.
        """
        for (keeper, entity, series), steps in self._steps.items():
            for key, total in stepped(self.store, steps):
                check_total(total, keeper, series, entity, max(steps.values(), key=abs))
                self.puts[key] = SINGLE.pack(total)
        self.store.put_all(self.puts)


class Watched:
    """A stream about whose records later ones say something.

    Parameters
    ----------
    place : of the stream among those watched
    keepers : of the stream's groups that have series
    later : every value that becomes known later about its records, with its place in the plan
    longest : the most bytes that an id may have
    """

    def __init__(
        self, place: int, keepers: Sequence[Keeper], later: Sequence[tuple[int, Flagged | Corrected]], longest: int
    ) -> None:
        self.later = tuple(later)
        self._place, self._keepers, self._longest = place, tuple(keepers), longest
        self._n_series = [len(keeper.group.series) for keeper in keepers]
        self._after = {number: getattr(value, "known_after_us", None) or 0 for number, value in later}
        corrected = {number: value.field for number, value in later if isinstance(value, Corrected)}
        self._needs = [[(s.where, corrected.get(s.later)) for s in keeper.group.series] for keeper in keepers]
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
        for keeper, (entity, bits) in zip(self._keepers, watched, strict=True):
            for place, series in enumerate(keeper.group.series):
                if entity is None or series.later != change.later or not bits >> place & 1:
                    continue
                span = series.delay_us, series.window_us, series.every_us
                enters, leaves = crossing(known, change.before, time, *span)
                if enters < leaves:
                    draft.step(keeper, place, entity, enters, change.weight)
                    draft.step(keeper, place, entity, leaves, -change.weight)

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


def check_total(total: int, keeper: Keeper, series: int, entity: bytes, weight: int) -> None:
    """Hold a series' total against the range in which every window is exact.

    Raises
    ------
    FeatureOverflow
        If it left the range, with the weight that let it.
    """
    if abs(total) > LARGEST_TOTAL:
        raise FeatureOverflow(keeper.columns[series], entity=told(keeper.group.keys, entity), value=weight)
