"""Drawing a group of the plan: aggregates come in one by one, and share channels, edges, series and tracks."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tallystick.definitions.expressions import Aggregate, AnyExpr, Column, Corrected, KeyColumn, is_condition, is_text
from tallystick.definitions.streams import StreamDefinition
from tallystick.definitions.zones import Zone
from tallystick.errors import DefinitionError
from tallystick.features.groups import ALL_TIME_US, FUNCTIONS, Channel, ChannelPart, Edge, Group, Series, Slot, Track
from tallystick.features.lowering import Lowering, Node

EVENTS = Channel("number", None, -1)
TOTALLED = ("count", "sum", "mean", "std")


@dataclass(slots=True)
class _Planned:
    """One aggregate and the things it uses; places follow when the group is complete."""

    aggregate: Aggregate
    channels: dict[str, Channel]
    series: Series | None
    track: Track | None
    edges: tuple[Edge, Edge] | None
    scale: float


@dataclass(slots=True)
class Planner:
    """A group while it is filled, in order of first use.

    Parameters
    ----------
    stream : whose events
    keys : fields that name their entity
    at : fields of the spine that name it
    zone : looks up a time zone
    """

    stream: StreamDefinition
    keys: tuple[str, ...]
    at: tuple[str, ...]
    zone: Callable[[str], Zone]
    slots: dict[str, _Planned] = field(default_factory=dict)
    # Dicts, for their order: places among channels, series and tracks are in the keys of a state, so that they must
    # follow from the definition alone, and not from the order of a set.
    _conditions: dict[Node, int] = field(default_factory=dict)
    _channels: dict[Channel, None] = field(default_factory=lambda: {EVENTS: None})
    _tracks: dict[Track, None] = field(default_factory=dict)
    _series: dict[Series, None] = field(default_factory=dict)
    _edges: set[Edge] = field(default_factory=set)

    def add(self, identity: str, aggregate: Aggregate, later: int) -> None:
        """Take in one aggregate, if it is not there yet.

        Parameters
        ----------
        identity : what the same aggregate shares
        aggregate : of this group's stream and keys
        later : place of its value among those that become known later, -1 if it is none
        """
        if identity in self.slots:
            return
        where = -1 if aggregate.where is None else self._condition(aggregate.where)
        window = aggregate.window_us or ALL_TIME_US
        newer = Edge(aggregate.delay_us, 0)
        # Only an older end is rounded, and only of a window that has one: a newer end that moved back would hide what
        # has just happened.
        older = Edge(aggregate.delay_us + window, aggregate.every_us if aggregate.window_us else 0)
        series = None if later < 0 else Series(later, aggregate.delay_us, window, older.every_us, where)
        # Either a difference of totals or events one by one, never both: each keeps only what it is asked for.
        track = None if aggregate.function in TOTALLED else self._track(aggregate, where)
        channels = {} if track is not None else self._totals(aggregate, where)
        # What a flag alone adds up to needs no edge: its series is looked up at the record's own instant.
        edges = (newer, older) if channels or track is not None else None
        self._channels |= dict.fromkeys(channels.values())
        self._edges |= set(edges or ())
        if series is not None:
            self._series[series] = None
        if track is not None:
            self._tracks[track] = None
        self.slots[identity] = _Planned(aggregate, channels, series, track, edges, self._scale(aggregate.of))

    def group(self) -> Group:
        """Return the group with everything in its place."""
        # Rising: a walk over an entity's events meets the record's own instant first, and then edges further in the
        # past.
        offsets = tuple(sorted(self._edges, key=lambda edge: (edge.offset_us, edge.every_us)))
        channels, series, tracks = tuple(self._channels), tuple(self._series), tuple(self._tracks)
        slots = tuple(_slot(drawn, channels, series, tracks, offsets) for drawn in self.slots.values())
        conditions = tuple(self._conditions)
        return Group(self.stream.name, self.keys, self.at, conditions, channels, offsets, series, tracks, slots)

    def _condition(self, expr: AnyExpr) -> int:
        def nowhere(aggregate: Aggregate) -> tuple[int, int]:
            raise DefinitionError(f"A condition on an event of {self.stream.name!r} holds an aggregate: {aggregate!r}.")

        node = Lowering(self.stream, self.zone, nowhere).number(expr)
        return self._conditions.setdefault(node, len(self._conditions))

    def _totals(self, aggregate: Aggregate, where: int) -> dict[str, Channel]:
        """Return the channels that a count, sum, mean or standard deviation needs, by their part in it."""
        of, parts = self._value(aggregate.of), _PARTS[aggregate.function]
        if aggregate.of is not None and of is None:  # a flag: its sum is a series, and every event has it
            # Its mean still divides by how many events there are.
            parts = tuple(part for part in parts if part == "number")
        found: dict[str, Channel] = {part: Channel(part, of, where) for part in parts}
        if isinstance(of, str) and not self.stream.fields[of].optional and "number" in found:
            # Then it is the same channel as every other count under the condition, and kept once.
            found["number"] = Channel("number", None, where)  # every event has the value
        return found

    def _value(self, of: AnyExpr | None) -> str | int | None:
        if isinstance(of, Column | Corrected):
            return of.field
        return self._condition(of) if is_condition(of) and of is not None else None

    def _track(self, aggregate: Aggregate, where: int) -> Track:
        of = aggregate.of
        if of is None:
            return Track(None, is_text=False, where=where, keeps_missing=False)
        if not isinstance(of, Column | KeyColumn):
            raise DefinitionError(f"{aggregate.function} takes a column or a key, not {of!r}.")
        is_latest = aggregate.function == "latest"
        return Track(of.field, is_text=isinstance(of, KeyColumn), where=where, keeps_missing=is_latest)

    def _scale(self, of: AnyExpr | None) -> float:
        return float(10 ** self.stream.fields[of.field].decimals) if isinstance(of, Column | Corrected) else 1.0


_PARTS: dict[str, tuple[ChannelPart, ...]] = {
    "count": ("number",),
    "sum": ("sum",),
    "mean": ("number", "sum"),
    "std": ("number", "sum", "high", "low"),
}


def _slot(
    drawn: _Planned,
    channels: tuple[Channel, ...],
    series: tuple[Series, ...],
    tracks: tuple[Track, ...],
    offsets: tuple[Edge, ...],
) -> Slot:
    at = {part: channels.index(channel) for part, channel in drawn.channels.items()}
    newer, older = (-1, -1) if drawn.edges is None else map(offsets.index, drawn.edges)
    return Slot(
        function=FUNCTIONS[drawn.aggregate.function],
        number=at.get("number", -1),
        total=at.get("sum", -1),
        high=at.get("high", -1),
        low=at.get("low", -1),
        series=-1 if drawn.series is None else series.index(drawn.series),
        track=-1 if drawn.track is None else tracks.index(drawn.track),
        newer=newer,
        older=older,
        scale=drawn.scale,
        cap=drawn.aggregate.cap,
        is_text=is_text(drawn.aggregate),
    )
