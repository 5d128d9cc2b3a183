"""The online executor for several writers: each record is one atomic step in a Redis that they share."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tallystick.data.records import Dataset, Record
from tallystick.definitions.progress import Progress
from tallystick.errors import PositionRefused
from tallystick.features.online.aggregate_state import AggregateState
from tallystick.features.online.executor import Online
from tallystick.features.online.program import Program, Truths
from tallystick.features.plan import Plan
from tallystick.features.state.redis import RedisStore
from tallystick.features.state.step import Done, Step, Window
from tallystick.features.state.store import Entry

MOST_PLACES = 2**53


class Ingested(NamedTuple):
    """What a step gave.

    Parameters
    ----------
    position : the record's place in the order of arrival; of a question, the place that was reached
    vector : the features as of it, in their order, NaN where one is missing
    """

    position: int
    vector: list[float]


class Shared:
    """Features of one record at a time, kept up to date by several processes at once.

    **One order.** The state gives each record its place, and the steps happen one after the other in this order, so a
    vector is batch's as of the record's place, and the state is what the records in this order give.
    **One step.** To append a record and read its features is one round trip and one atomic step. Where others said
    something about the record before, or it says something about others, what they said is found first: a round trip
    more, and one more each time another process comes in between.
    **Nothing is sent twice.** Where Redis does not answer, whether the record was kept is not known. A record that
    came with its own place can be sent again: ``PositionRefused`` says that it, or a later one, was kept.

    Parameters
    ----------
    plan : what to compute
    store : where the running totals are, empty or made by a plan of the same state digest

    Raises
    ------
    StateOfOtherPlan
        If the store holds the state of other features.
    """

    def __init__(self, plan: Plan, store: RedisStore) -> None:
        self._online = Online(plan, store)
        self._store, self._seen = store, self._online.position
        self._digest = plan.state_digest.encode()

    def append(self, record: Record, position: int | None = None) -> int:
        """Let a record enter the state, and return its place in the order of arrival.

        Parameters
        ----------
        record : of any source of the plan; those that no feature looks at only take a place
        position : its place, above every earlier one; by default the state gives it the next

        Raises
        ------
        SequenceRefused
            If a later record was appended before.
        EntityTooLong
            If its id or a key is longer than the state's may be.
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        StateAway
            If Redis does not answer or refuses.
        StateLost
            If Redis has lost some of the state.
        """
        return self._enter(record, position, None).position

    def take(self, record: Record, position: int | None = None) -> Ingested:
        """Append a record of the spine, and return its place and its features as of it, in the same step.

        The parameters and errors are those of ``append``.
        """
        reading = _Reading(self._online.aggregates, record)
        done = self._enter(record, position, reading)
        return Ingested(done.position, self._vector(record, reading, done))

    def vector(self, record: Record) -> Ingested:
        """Compute the features of a record of the spine that was appended, as of now, in one round trip.

        Raises
        ------
        StateAway
            If Redis does not answer or refuses.
        StateLost
            If Redis has lost some of the state.
        """
        reading = _Reading(self._online.aggregates, record)
        step = Step(seen=self._seen, before=reading.before, windows=reading.windows)
        done = self._done(self._store.step(step))
        return Ingested(done.position, self._vector(record, reading, done))

    def rebuild(self, dataset: Dataset, progress: Progress | None = None) -> None:
        """Load a whole dataset into the empty state, as ``Online.rebuild`` does."""
        self._online.rebuild(dataset, progress)
        self._seen = self._online.position

    def dump(self) -> str:
        """Return a digest of everything in the state: the same as that of the same state in any other store."""
        return self._online.dump()

    def close(self) -> None:
        """Close the store."""
        self._online.close()

    def _enter(self, record: Record, position: int | None, reading: "_Reading | None") -> Done:
        if position is not None and position >= MOST_PLACES:
            raise PositionRefused(position, reached_position=self._seen, allowed="below 2**53")
        role, truths = self._online.roles.get(record.stream), Truths()
        while True:
            program = Program(truths)
            if role is not None:
                role.enter(program, record)
            step = program.requested()
            step.seen, step.position, step.plan = self._seen, position, self._digest
            if reading is not None:
                step.before, step.windows = reading.before, reading.windows
            answer = self._store.step(step)
            match answer[0]:
                case b"done":
                    return self._done(answer)
                case b"passed":
                    raise PositionRefused(position or 0, reached_position=answer[1], allowed="later")
                case b"beyond":
                    program.refuse(answer[1], answer[2])
                case _:  # other
                    truths = dict(zip(program.supposed, answer[1], strict=True))

    def _done(self, answer: Sequence[object]) -> Done:
        done = Done.of(answer)
        self._seen = max(self._seen, done.position)
        return done

    def _vector(self, record: Record, reading: "_Reading", done: Done) -> list[float]:
        slots = reading.answers(done)
        return [feature(record, slots) for feature in self._online.features]


class _Reading:
    """All lookups of a record's features, to be asked at once."""

    def __init__(self, aggregates: Sequence[AggregateState], record: Record) -> None:
        self._time = 0 if record.time is None else record.time
        self._requested = [(aggregate, aggregate.requested(record)) for aggregate in aggregates]
        self.before: list[bytes] = []
        self.windows: list[Window] = []
        for aggregate, entity in self._requested:
            if entity is not None:
                self.before += aggregate.questions(entity, self._time)
                self.windows += aggregate.windows(entity, self._time)

    def answers(self, done: Done) -> list[list[float | str | None]]:
        """Return every group's finished aggregates."""
        found, start = _Found(self.windows, done.stretches), 0
        slots = []
        for aggregate, entity in self._requested:
            if entity is None:
                slots.append(aggregate.nothing)
                continue
            end = start + aggregate.n_questions
            slots.append(aggregate.answers(found, entity, self._time, done.before[start:end]))
            start = end
        return slots


class _Found:
    """What windows held, read as if it were the store.

    Stretches that begin with one key are parts of one another, and the longest has what any of them is asked for.
    """

    def __init__(self, windows: Sequence[Window], stretches: Sequence[list[Entry]]) -> None:
        self._found: dict[bytes, list[Entry]] = {}
        left = iter(stretches)
        for window in windows:
            few = next(left)
            self._keep(window.first, few)
            if len(few) >= window.most:
                for first, _ in window.pieces:
                    self._keep(first, next(left))

    def onwards(self, key: bytes) -> Iterator[Entry]:
        """Yield what was read from a key on."""
        return iter(self._found[key])

    def _keep(self, first: bytes, entries: list[Entry]) -> None:
        if len(entries) >= len(self._found.get(first, ())):
            self._found[first] = entries
