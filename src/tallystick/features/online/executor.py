"""The online executor: the same totals, one record at a time, over an ordered key-value store."""

import hashlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tallystick.data.records import Dataset, Record
from tallystick.definitions.progress import Progress
from tallystick.errors import PositionRefused, StateOccupied, StateOfOtherPlan
from tallystick.features.online.aggregate_state import AggregateState
from tallystick.features.online.arrivals import arrivals
from tallystick.features.online.late_values import PendingChanges
from tallystick.features.online.rebuild import Rebuilt
from tallystick.features.online.scalar import evaluator
from tallystick.features.online.slots import Answer
from tallystick.features.online.stream_roles import stream_roles
from tallystick.features.plan import Plan
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
        longest, spine_id = store.longest_key - keys.LONGEST_OVERHEAD, plan.definition.spine.id
        self.aggregates = tuple(
            AggregateState(place, group, plan.stream(group.stream).id, spine_id, longest, later=plan.later_columns)
            for place, group in enumerate(plan.groups)
        )
        self.roles = stream_roles(plan, self.aggregates, longest)
        self.features = tuple(evaluator(node) for node in plan.features)
        self._identify()
        self.position = self._current_position()
        """The last place in the order of arrival that was committed; 0 in the beginning."""

    def transaction(self) -> "Transaction":
        """Begin a transaction: a context that forgets everything unless it was committed."""
        return Transaction(self)

    def reread(self) -> None:
        """Learn from the store what was committed: where a commit got no answer, it is not known before."""
        self.position = self._current_position()

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
                for position, record in arrivals(dataset):
                    state.append(record, position)
                state.commit(dataset.last_position)
        self.position = dataset.last_position

    def dump(self) -> str:
        """Return a digest of everything in the state: equal states have equal digests."""
        digest = hashlib.sha256()
        for key, value in self.store.entries():
            digest.update(b"%d %d " % (len(key), len(value)) + key + value)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _current_position(self) -> int:
        packed = self.store.get(keys.POSITION)
        return 0 if packed is None else keys.unpack_whole(packed)

    def _identify(self) -> None:
        wanted, found = self.plan.state_digest.encode(), self.store.get(keys.PLAN)
        if found is None:
            return
        if found != wanted:
            raise StateOfOtherPlan(found=found.decode(), wanted=wanted.decode())


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a record will change in a state.

    Parameters
    ----------
    position : its place in the order of arrival
    draft : the changes; None where no feature looks at such records
    """

    position: int
    draft: PendingChanges | None


class Transaction:
    """Records appended and questions asked, all or nothing; each sees what was appended before it.

    ``append`` is all or nothing too: if it raises, the record left no trace and others can be appended.
    """

    def __init__(self, online: Online) -> None:
        self._online = online
        self._store = online.store.begin()
        self._current_position = online.position

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def append(self, record: Record, position: int) -> None:
        """Let a record enter the state.

        Parameters
        ----------
        record : of any source of the plan; those that no feature looks at change nothing
        position : its place in the order of arrival, above every earlier one

        Raises
        ------
        PositionRefused
            If a later record was appended before.
        EntityTooLong
            If its id or a key does not fit into the store's keys.
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        self.enter(self.prepare(record, position))

    def prepare(self, record: Record, position: int) -> "Prepared":
        """Compute what a record changes in the state, without changing it: who keeps several states asks all first.

        Parameters
        ----------
        record, position : as for ``append``, which also tells what this raises

        Raises
        ------
        PositionRefused
            If a later record was appended before.
        """
        if position <= self._current_position:
            raise PositionRefused(position, current_position=self._current_position, allowed="later")
        role = self._online.roles.get(record.stream)
        if role is None:
            return Prepared(position, None)
        draft = PendingChanges(self._store, position)
        role.enter(draft, record)
        return Prepared(position, draft)

    def enter(self, prepared: "Prepared") -> None:
        """Let a prepared record enter; nothing was appended since it was prepared."""
        if prepared.draft is not None:
            prepared.draft.put()
        self._current_position = prepared.position

    def vector(self, record: Record, as_of: int, *, of: Online | None = None) -> list[float]:
        """Compute the features of a record of the spine that was appended, as of now.

        Parameters
        ----------
        record : whose features
        as_of : the last place in the order of arrival it sees; the state has reached nothing later
        of : whose features are asked for: another plan's, whose state digest is this one's

        Returns
        -------
        list of float
            In the features' order, NaN where one is missing.

        Raises
        ------
        PositionRefused
            If the state holds records that arrived after ``as_of``.
        """
        if as_of < self._current_position:
            raise PositionRefused(as_of, current_position=self._current_position, allowed="its present")
        online = self._online if of is None else of
        slots = self._answers(online, record, 0 if record.time is None else record.time)
        return [feature(record, slots) for feature in online.features]

    def _answers(self, online: Online, record: Record, time: int) -> list[list[Answer]]:
        """Ask all groups at once, so that a store elsewhere is asked once."""
        store, requested, questions = self._store, [], []
        for aggregate in online.aggregates:
            entity = aggregate.requested(record)
            requested.append((aggregate, entity))
            if entity is not None:
                questions += aggregate.questions(entity, time)
        found, start, slots = store.before_all(questions), 0, []
        for aggregate, entity in requested:
            if entity is None:
                slots.append(aggregate.nothing)
                continue
            end = start + aggregate.n_questions
            slots.append(aggregate.answers(store, entity, time, found[start:end]))
            start = end
        return slots

    def commit(self, position: int) -> None:
        """Keep everything, and remember the place in the order of arrival that was reached.

        Raises
        ------
        PositionRefused
            If a record beyond this position was appended.
        """
        if position < self._current_position:
            raise PositionRefused(position, current_position=self._current_position, allowed="at or after it")
        self._store.put(keys.PLAN, self._online.plan.state_digest.encode())
        self._store.put(keys.POSITION, keys.pack_whole(position))
        self._store.commit()
        self._online.position = position

    def abort(self) -> None:
        """Forget everything that was appended; after a commit there is nothing to forget."""
        self._store.abort()
