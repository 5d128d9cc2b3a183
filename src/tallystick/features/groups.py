"""What is kept and asked about entities, as plain values: channels, edges, series, tracks and slots."""

from dataclasses import astuple, dataclass
from typing import Any
from typing import Literal as OneOf

from tallystick.features.lowering import Node

# These numbers are in the digest of a state, by ``Group.held``: a new function gets a new one.
COUNT, SUM, MEAN, STD, MIN, MAX, FIRST, LAST, DISTINCT, SINCE = range(10)
FUNCTIONS = {
    "count": COUNT,
    "sum": SUM,
    "mean": MEAN,
    "std": STD,
    "min": MIN,
    "max": MAX,
    "first": FIRST,
    "last": LAST,
    "latest": LAST,  # its track keeps events without the value
    "distinct": DISTINCT,
    "since": SINCE,
}
# Static rows stand at -(2**59); from any instant up to 2**59 this reaches behind them, and stays within 64 bits.
ALL_TIME_US = 2**60
"""A window that reaches before every instant, those of static tables too."""

ChannelPart = OneOf["number", "sum", "high", "low"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One running total of an entity: how much an event adds to it.

    An event that does not satisfy ``where`` adds 0. Else "number" adds 1 if the value is present, "sum" the value,
    "high" and "low" the upper and lower part of its square: value**2 >> 32 and value**2 & (2**32 - 1).

    Parameters
    ----------
    part : what is added
    of : the field whose value it is; the place of one of the group's conditions, as 0 or 1; None for the event itself
    where : the place of the group's condition an event must satisfy, -1 for none
    """

    part: ChannelPart
    of: str | int | None
    where: int


@dataclass(frozen=True, slots=True)
class Edge:
    """An end of a window: t - offset_us, rounded down to a multiple of every_us unless that is 0."""

    offset_us: int
    every_us: int


@dataclass(frozen=True, slots=True)
class Series:
    """A value that becomes known later, over one window and delay: entities count its entries and exits.

    Parameters
    ----------
    later : place of the flag or correction among the plan's ``later``
    delay_us : how long before the record the window ends
    window_us : how long it is
    every_us : its older end is rounded down to a multiple of this; 0 for not at all
    where : the place of the group's condition that the flagged event must satisfy, -1 for none
    """

    later: int
    delay_us: int
    window_us: int
    every_us: int
    where: int


@dataclass(frozen=True, slots=True)
class Track:
    """Events in order of time and arrival, one by one, with a value.

    Parameters
    ----------
    of : the field whose value it is; None where only the events' times matter
    is_text : the value is a text
    where : the place of the group's condition an event must satisfy, -1 for none
    keeps_missing : events without the value are kept too
    """

    of: str | None
    is_text: bool
    where: int
    keeps_missing: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One distinct aggregate of a group, and where its numbers stand.

    With E(i) the running totals at the last event at or before edge i, a channel's number over the window is
    E(newer)[channel] - E(older)[channel]; a series adds its total at t to the sum. A track's events in the window are
    those after edge ``older``, up to and with edge ``newer``.

    Parameters
    ----------
    function : COUNT, SUM, ...
    number : channel that counts events or values, -1 where none is needed
    total : channel that sums the values, -1 for a flag or where none is needed
    high, low : channels that sum the parts of the squares, -1 where none is needed
    series : place of the series that becomes known later, -1 for none
    track : place of the track, -1 for none
    newer, older : places of the window's ends among the group's offsets, -1 where no event is looked up
    scale : 10 to the power of the column's decimals
    cap : how many different values are told apart
    is_text : the answer is a text
    """

    function: int
    number: int
    total: int
    high: int
    low: int
    series: int
    track: int
    newer: int
    older: int
    scale: float
    cap: int
    is_text: bool


@dataclass(frozen=True, slots=True)
class Group:
    """All that is kept and asked about the entities of one stream's keys.

    Parameters
    ----------
    stream : whose events
    keys : the fields of an event that name its entity
    at : the fields of a spine's record that name the entity it asks about
    conditions : on an event's own record, in order of first use
    channels : running totals; channel 0 counts all events
    offsets : the different ends of windows, in order of offset, then rounding
    series : values that become known later, in order of first use
    tracks : events one by one, in order of first use
    slots : distinct aggregates, in order of first use
    """

    stream: str
    keys: tuple[str, ...]
    at: tuple[str, ...]
    conditions: tuple[Node, ...]
    channels: tuple[Channel, ...]
    offsets: tuple[Edge, ...]
    series: tuple[Series, ...]
    tracks: tuple[Track, ...]
    slots: tuple[Slot, ...]

    def held(self) -> Any:
        """Return as plain data what a state of this group holds, whatever is asked of it."""
        kept = (self.channels, self.series, self.tracks)
        # Neither edges nor slots: totals are read wherever an edge falls, so features that only ask otherwise share a
        # state. But tiles are kept only where extremes or different values are asked for.
        summarised = sorted(
            {(slot.track, slot.function) for slot in self.slots if slot.function in (MIN, MAX, DISTINCT)}
        )
        plain = [[[type(each).__name__, astuple(each)] for each in part] for part in kept]
        return [self.stream, self.keys, *plain, [repr(condition) for condition in self.conditions], summarised]
