"""The online executor: the same totals, one record at a time, over an ordered key-value store."""

import hashlib
from types import TracebackType
from typing import NamedTuple, Self

from tallystick.data.records import Dataset, Record
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Progress
from tallystick.errors import SequenceRefused, StateOccupied, StateOfOtherPlan
from tallystick.features.arrivals import arrivals
from tallystick.features.keeper import Keeper, named
from tallystick.features.known import NEVER, Change
from tallystick.features.plan import Plan
from tallystick.features.rebuild import Rebuilt
from tallystick.features.scalar import evaluator
from tallystick.features.state import keys
from tallystick.features.state.store import OrderedStore


class Online:
    """Features of one record at a time, kept up to date record by record.

    Parameters
    ----------
    plan : what to compute
    store : where the running totals are, empty or made by a plan of the same state digest

    Raises
    ------
    StateOfOtherPlan
        If the store holds the state of other features.
    """

    def __init__(self, plan: Plan, store: OrderedStore) -> None:
        self.plan, self.store = plan, store
        spine = plan.definition.spine
        self.keepers = tuple(Keeper(place, group, spine.id) for place, group in enumerate(plan.groups))
        self.watching = tuple(keeper for keeper in self.keepers if keeper.group.series)
        self.flags = tuple(enumerate(plan.flags))
        self.report_ids = {source.name: getattr(source, "id", None) for source in plan.sources}
        self.features = tuple(evaluator(node) for node in plan.features)
        self._identify()
        packed = store.get(keys.POSITION)
        self.position = 0 if packed is None else keys.unpack_whole(packed)
        """The last place in the order of arrival that was committed; 0 in the beginning."""

    def transaction(self) -> "Transaction":
        """Begin a transaction: a context that forgets everything unless it was committed."""
        return Transaction(self)

    def rebuild(self, dataset: Dataset, progress: Progress | None = None) -> None:
        """Load a whole dataset into the empty state: the same bytes as appending its records one by one, faster.

        Parameters
        ----------
        dataset : the records, every one with its place in the order of arrival
        progress : told how many of how many pieces of work are done

        Raises
        ------
        StateOccupied
            If the state has records already.
        EntityTooLong
            If a key does not fit into the store's.
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        if self.position:
            raise StateOccupied(position=self.position)
        rebuilt = Rebuilt(self.plan, dataset, self.store.longest_key, progress)
        if rebuilt.is_safe:
            self.store.load(rebuilt)
        else:  # totals so large that only the order of arrival tells whether one was ever too large
            with self.transaction() as state:
                for seq, record in arrivals(dataset):
                    state.append(record, seq)
                state.commit(dataset.last_seq)
        self.position = dataset.last_seq

    def dump(self) -> str:
        """Return a digest of everything in the state: equal states have equal digests."""
        digest = hashlib.sha256()
        for key, value in self.store.entries():
            digest.update(b"%d %d " % (len(key), len(value)) + key + value)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _identify(self) -> None:
        wanted, found = self.plan.state_digest.encode(), self.store.get(keys.PLAN)
        if found is None:
            return
        if found != wanted:
            raise StateOfOtherPlan(found=found.decode(), wanted=wanted.decode())


class Transaction:
    """Records appended and questions asked, all or nothing; each sees what was appended before it.

    ``append`` is all or nothing too: if it raises, the record left no trace and others can be appended.
    """

    def __init__(self, online: Online) -> None:
        self._online = online
        self._store = online.store.begin()
        self._reached = online.position
        self._spine = online.plan.definition.spine.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def append(self, record: Record, seq: int) -> None:
        """Let a record enter the running totals.

        Parameters
        ----------
        record : of any source of the plan; those that no feature looks at change nothing
        seq : its place in the order of arrival, above every earlier one

        Raises
        ------
        SequenceRefused
            If a later record was appended before.
        EntityTooLong
            If its id or a key does not fit into the store's keys.
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        if seq <= self._reached:
            raise SequenceRefused(seq, reached=self._reached, allowed="later")
        reports = [
            (place, flag, self._reported(flag, record))
            for place, flag in self._online.flags
            if flag.by == record.stream
        ]
        if record.stream == self._spine:
            self._event(record, seq)
        for place, flag, name in reports:
            if name is not None:
                self._report(place, flag, name, record, seq)
        self._reached = seq

    def vector(self, record: Record, as_of: int) -> list[float]:
        """Compute the features of a record of the spine that was appended, as of now.

        Parameters
        ----------
        record : whose features
        as_of : the last place in the order of arrival it sees; the state has reached nothing later

        Returns
        -------
        list of float
            In the features' order, NaN where one is missing.

        Raises
        ------
        SequenceRefused
            If the state holds records that arrived after ``as_of``.
        """
        if as_of < self._reached:
            raise SequenceRefused(as_of, reached=self._reached, allowed="its present")
        time = 0 if record.time is None else record.time
        slots = [keeper.answers(self._store, keeper.entity(record), time) for keeper in self._online.keepers]
        return [feature(record, slots) for feature in self._online.features]

    def commit(self, position: int) -> None:
        """Keep everything, and remember the place in the order of arrival that was reached.

        Raises
        ------
        SequenceRefused
            If a record beyond this position was appended.
        """
        if position < self._reached:
            raise SequenceRefused(position, reached=self._reached, allowed="at or after it")
        self._store.put(keys.PLAN, self._online.plan.state_digest.encode())
        self._store.put(keys.POSITION, keys.pack_whole(position))
        self._store.commit()
        self._online.position = position

    def abort(self) -> None:
        """Forget everything that was appended; after a commit there is nothing to forget."""
        self._store.abort()

    def _reported(self, flag: Flagged, record: Record) -> str | None:
        """Return the id of the record that a report flags, None where it flags none."""
        if flag.flag is not None and record.values[flag.flag] != 1:
            return None
        is_own = flag.on == self._online.report_ids.get(flag.by)
        name = record.id if is_own else record.keys[flag.on]
        return None if name is None else named(name, self._online.store.longest_key)

    def _event(self, record: Record, seq: int) -> None:
        longest, entries = self._online.store.longest_key, []
        for keeper in self._online.keepers:
            entity = keeper.entity(record)
            if entity is not None:
                named(entity.decode(), longest)
                entries += keeper.appended(self._store, entity, record, seq)
        if self._online.flags:
            entities = [keeper.entity(record) for keeper in self._online.watching]
            entries.append((keys.record(named(record.id, longest)), keys.pack_record(record.time or 0, entities)))
        for key, value in entries:
            self._store.put(key, value)
        for place, flag in self._online.flags:
            packed = self._store.get(keys.known(place, record.id))
            if packed is not None:
                self._cross(flag, record.id, Known(place, keys.unpack_known(packed), NEVER, seq))

    def _report(self, place: int, flag: Flagged, name: str, record: Record, seq: int) -> None:
        """Remember when a record became known to be flagged; if it is there, let the flag enter its windows."""
        key = keys.known(place, name)
        packed = self._store.get(key)
        known = record.time if flag.known_after_us is None else None
        before = NEVER if packed is None else keys.unpack_known(packed)
        if before is None or (known is not None and known >= before):
            return
        self._store.put(key, keys.pack_known(known))
        self._cross(flag, name, Known(place, known, before, seq))

    def _cross(self, flag: Flagged, name: str, report: "Known") -> None:
        packed = self._store.get(keys.record(name))
        if packed is None:
            return
        time, entities = keys.unpack_record(packed)
        known = time + (flag.known_after_us or 0) if report.known is None else report.known
        change = Change(report.flag, time, known, report.before, report.seq)
        for keeper, entity in zip(self._online.watching, entities, strict=True):
            if entity is not None:
                keeper.cross(self._store, entity, change)


class Known(NamedTuple):
    """What reports say about a record: its flag, earliest known-at (None: it follows from its time), what it was."""

    flag: int
    known: int | None
    before: int
    seq: int
