"""Totals over windows in SQL: as frames where records came in order, else by joining rows to what they see."""

from collections.abc import Sequence

from tallystick.features.groups import Edge, Group, Slot
from tallystick.features.sql.layout import QueryStep, around, indented, inside, lines
from tallystick.features.sql.query_context import QueryContext

Total = tuple[int, int, int]
"""A channel, and the places of a window's newer and older edge among the group's offsets."""


def totals(slot: Slot) -> list[Total]:
    """Return the totals that a slot needs; none where it only counts what became known later."""
    channels = (slot.number, slot.total, slot.high, slot.low)
    return [(channel, slot.newer, slot.older) for channel in channels if channel >= 0 and slot.newer >= 0]


def column(total: Total) -> str:
    """Return what a total over a window is called."""
    channel, newer, older = total
    return f"t{channel}_{newer}_{older}"


def windows(setting: QueryContext, place: int, group: Group, *, in_order: bool) -> list[QueryStep]:
    """Return the steps with the total of every channel over every window that a slot asks for.

    Parameters
    ----------
    setting : what the query is written with
    place, group : the group, and its place in the plan
    in_order : no record of an entity is later than one that arrived after it: frames may be taken
    """
    wanted = list(dict.fromkeys(total for slot in group.slots for total in totals(slot)))
    # One pass over sorted events instead of a join of each row with all that it sees; but a frame's ends move with the
    # row, so it must be one of the events, and the ends must not be rounded.
    framed = [total for total in wanted if in_order and has_frames(setting, group, total)]
    rest = [total for total in wanted if total not in framed]
    if framed and rest:
        framing, joining = (
            _framed(setting, place, group, framed, "framed"),
            _seen(setting, place, group, rest, "rounded"),
        )
        selected = lines(["f.*", *(f"j.{column(total)}" for total in rest)])
        text = f"SELECT\n{selected}\nFROM {framing.name} AS f LEFT JOIN {joining.name} AS j ON j.position = f.position"
        return [framing, joining, QueryStep(setting.names.free(f"windows_{place}"), text, "both together")]
    if framed:
        return [_framed(setting, place, group, framed, "windows")]
    return [_seen(setting, place, group, rest, "windows")] if rest else []


def has_frames(setting: QueryContext, group: Group, total: Total) -> bool:
    """Return whether a frame gives a total, once events are proven to be in order.

    It does where every row is itself one of its entity's events, and no end of the window is rounded.

    Parameters
    ----------
    setting : what the query is written with
    group : whose events
    total : which, over which window
    """
    return is_own(setting, group) and not any(group.offsets[edge].every_us for edge in total[1:])


def is_own(setting: QueryContext, group: Group) -> bool:
    """Return whether every row that asks is itself one of its entity's events.

    Parameters
    ----------
    setting : knows the spine
    group : whose events
    """
    return group.stream == setting.plan.definition.spine.name and group.at == group.keys


def _framed(setting: QueryContext, place: int, group: Group, wanted: Sequence[Total], name: str) -> QueryStep:
    about = f"totals of {group.stream} over windows, as differences of running totals at their ends"
    text = _frames(setting, setting.names.free(f"events_{place}"), group, wanted)
    return QueryStep(setting.names.free(f"{name}_{place}"), text, about)


def _seen(setting: QueryContext, place: int, group: Group, wanted: Sequence[Total], name: str) -> QueryStep:
    about = f"totals of {group.stream} over windows, of what each row sees"
    text = _joined(setting, setting.names.free(f"events_{place}"), group, wanted)
    return QueryStep(setting.names.free(f"{name}_{place}"), text, about)


def summed(setting: QueryContext, group: Group, channel: int, prefix: str) -> str:
    """Return what a channel counts or sums, to be followed by the events it does that for.

    Parameters
    ----------
    setting : what the query is written with
    group : whose channel
    channel : its place
    prefix : of the event's columns: an alias and a dot, or nothing
    """
    if channel == 0:
        return "count(*)"
    part, name = group.channels[channel].part, f"{prefix}c{channel}"
    return f"count({name})" if part == "number" else f"sum({setting.dialect.summed(name)})"


def _joined(setting: QueryContext, events: str, group: Group, wanted: Sequence[Total]) -> str:
    at = setting.spine.at("r")
    selected = [f"r.{setting.spine.position} AS position"]
    for total in wanted:
        newer, older = (group.offsets[edge] for edge in total[1:])
        found = summed(setting, group, total[0], "e.")
        selected.append(f"{found} FILTER (WHERE {inside('e.time', at, newer, older)}) AS {column(total)}")
    # Rough bounds of all windows together, for the join: without them each row would meet its entity's whole past.
    edges = [group.offsets[edge] for total in wanted for edge in total[1:]]
    return f"SELECT\n{lines(selected)}\n{seen(setting, events, group, edges)}"


def seen(setting: QueryContext, events: str, group: Group, edges: Sequence[Edge]) -> str:
    """Return the join of every row with its entity's events that it sees, as far as windows reach.

    Parameters
    ----------
    setting : what the query is written with
    events : the table of the group's events
    group : whose entities
    edges : all ends of the windows that the join must reach
    """
    spine = setting.spine
    return (
        f"FROM {setting.rows} AS r\nJOIN {events} AS e\n"
        f"  ON {setting.same(group, 'r', 'e')} AND e.position <= r.{spine.position}\n"
        f"  AND {around('e.time', spine.at('r'), edges)}\nGROUP BY r.{spine.position}"
    )


def _frames(setting: QueryContext, events: str, group: Group, wanted: Sequence[Total]) -> str:
    ends = sorted({(total[0], edge) for total in wanted for edge in total[1:]})
    # A window's total is a difference of running totals, as in every other executor, rather than a frame of its own:
    # windows that share an edge share its frame.
    running = [
        f"coalesce({summed(setting, group, channel, '')} OVER edge_{edge}, 0) AS r{channel}_{edge}"
        for channel, edge in ends
    ]
    edges = sorted({edge for _, edge in ends})
    frames = [f"edge_{edge} AS ({_frame(group, group.offsets[edge].offset_us)})" for edge in edges]
    inner = f"SELECT\n{lines(['position', *running])}\nFROM {events}\nWINDOW\n{lines(frames)}"
    selected = [f"r{total[0]}_{total[1]} - r{total[0]}_{total[2]} AS {column(total)}" for total in wanted]
    # Chosen last: frames need the events before those that are asked about.
    only = f"\nWHERE position IN (SELECT position FROM {setting.names.wanted})" if setting.wanted else ""
    return f"SELECT\n{lines(['position', *selected])}\nFROM (\n{indented(inner)}\n) AS edges{only}"


def _frame(group: Group, offset: int) -> str:
    """Return the frame of everything that an edge of a window leaves behind it, visible because in order."""
    order = "position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    # Records are in order, so what is not later than an edge in the past has arrived. At the record's own instant some
    # of its equals arrive later: there the order of arrival decides, and rows are counted instead of time.
    if offset:
        order = f"time RANGE BETWEEN UNBOUNDED PRECEDING AND {offset} PRECEDING"
    return f"PARTITION BY {', '.join(f'k{i}' for i in range(len(group.keys)))} ORDER BY {order}"
