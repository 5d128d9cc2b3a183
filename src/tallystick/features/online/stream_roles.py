"""What the records of each stream do in a plan: enter groups, be watched, say something about others."""

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.data.records import Record
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.features.online.aggregate_state import AggregateState
from tallystick.features.online.late_values import LateValues, PendingChanges
from tallystick.features.plan import Plan


@dataclass(frozen=True, slots=True)
class LateSource:
    """What a stream's records say about those of another, or of their own.

    Parameters
    ----------
    place : of the later value in the plan
    value : the flag or correction
    is_own : the record that says so has the id of the one it is about
    about : the stream that it is about
    """

    place: int
    value: Flagged | Corrected
    is_own: bool
    about: LateValues

    def say(self, draft: PendingChanges, record: Record) -> None:
        """Let a record say what it says, if it names one and says yes.

        Parameters
        ----------
        draft : of the record
        record : the one that says something
        """
        name = record.id if self.is_own else record.keys[self.value.on]
        if name is None:
            return
        if isinstance(self.value, Corrected):
            self.about.correct(draft, self.place, self.value, name, record)
        elif self.value.flag is None or record.values[self.value.flag] == 1:
            self.about.flag(draft, self.place, self.value, name, record)


@dataclass(frozen=True, slots=True)
class StreamRole:
    """What the records of one stream do.

    Parameters
    ----------
    aggregates : of the groups that they enter, the watching ones first
    n_watching : how many of those have series
    watched : what is remembered of them, if later records say something about them
    sayings : what they say about others
    """

    aggregates: tuple[AggregateState, ...]
    n_watching: int
    watched: LateValues | None
    sayings: tuple[LateSource, ...]

    def enter(self, draft: PendingChanges, record: Record) -> None:
        """Write down all that a record changes.

        Parameters
        ----------
        draft : where the changes are put together; nothing is put before all is known to be allowed
        record : of the role's stream

        Raises
        ------
        EntityTooLong
            If its id or a key does not fit into the store's keys.
        FeatureOverflow
            If a running total leaves the range in which every window is exact.
        """
        entered = []
        for aggregate in self.aggregates:
            entity, met = aggregate.entity(record), aggregate.met(record)
            entered.append((entity, met))
            if entity is not None:
                draft.enter(aggregate, entity, record, met)
        # After its groups and before what it says: a record that reports about its own stream may name itself.
        if self.watched is not None:
            self.watched.arrive(draft, record, entered[: self.n_watching])
        for saying in self.sayings:
            saying.say(draft, record)


def stream_roles(plan: Plan, aggregates: Sequence[AggregateState], longest: int) -> dict[str, StreamRole]:
    """Return what the records of every stream do that the features look at.

    Parameters
    ----------
    plan : the plan
    aggregates : of its groups
    longest : the most bytes that an id may have
    """
    watched: dict[str, LateValues] = {}
    for stream in watched_streams(plan):
        watching = [
            aggregate for aggregate in aggregates if aggregate.group.stream == stream and aggregate.group.series
        ]
        about = [(place, value) for place, value in enumerate(plan.later) if value.stream == stream]
        watched[stream] = LateValues(len(watched), watching, about, longest)
    sayings = {
        place: LateSource(place, value, value.on == _own_id(plan, value.by), watched[value.stream])
        for place, value in enumerate(plan.later)
    }
    found = {}
    for stream in dict.fromkeys([*(k.group.stream for k in aggregates), *watched, *(v.by for v in plan.later)]):
        own = sorted(
            (k for k in aggregates if k.group.stream == stream), key=lambda aggregate: not aggregate.group.series
        )
        says = tuple(saying for saying in sayings.values() if saying.value.by == stream)
        found[stream] = StreamRole(tuple(own), sum(bool(k.group.series) for k in own), watched.get(stream), says)
    return found


def watched_streams(plan: Plan) -> list[str]:
    """Return the streams about whose records later ones say something, in order of first use."""
    return list(dict.fromkeys(value.stream for value in plan.later))


def _own_id(plan: Plan, stream: str) -> str | None:
    return getattr(plan.streams.get(stream), "id", None)
