"""Answers about single events of a window in SQL: extremes, first and last values, different values, the last instant.

In order, frames give extremes and the last instant of the spine's own entities. For all else each row is joined to the
events it sees.
"""

from tallystick.features.groups import DISTINCT, FIRST, LAST, MAX, MIN, SINCE, Group, Slot
from tallystick.features.sql.layout import QueryStep, indented, inside, lines
from tallystick.features.sql.query_context import QueryContext
from tallystick.features.sql.windows import is_own, seen

Wanted = list[tuple[int, Slot]]
FRAMED = (MIN, MAX, SINCE)


def tracks(setting: QueryContext, place: int, group: Group, *, in_order: bool) -> list[QueryStep]:
    """Return the steps with the answer of every slot about single events (x0, x1, ... by the slot's place).

    Parameters
    ----------
    setting : what the query is written with
    place, group : the group, and its place in the plan
    in_order : no record of an entity is later than one that arrived after it: frames may be taken
    """
    wanted = [(i, slot) for i, slot in enumerate(group.slots) if slot.track >= 0]
    framed = [(i, slot) for i, slot in wanted if in_order and _has_frames(setting, group, slot)]
    rest = [each for each in wanted if each not in framed]
    if framed and rest:
        framing, joining = (
            _framed(setting, place, group, framed, "extremes"),
            _joined(setting, place, group, rest, "single"),
        )
        selected = lines(["f.*", *(f"j.x{i}" for i, _ in rest)])
        text = f"SELECT\n{selected}\nFROM {framing.name} AS f LEFT JOIN {joining.name} AS j ON j.position = f.position"
        return [framing, joining, QueryStep(setting.names.free(f"tracks_{place}"), text, "both together")]
    if framed:
        return [_framed(setting, place, group, framed, "tracks")]
    return [_joined(setting, place, group, rest, "tracks")] if rest else []


def _has_frames(setting: QueryContext, group: Group, slot: Slot) -> bool:
    is_rounded = any(group.offsets[edge].every_us for edge in (slot.newer, slot.older))
    return slot.function in FRAMED and is_own(setting, group) and not is_rounded


def _framed(setting: QueryContext, place: int, group: Group, wanted: Wanted, name: str) -> QueryStep:
    selected = lines(["position", *(f"{_extreme(group, slot)} AS x{i}" for i, slot in wanted)])
    text = f"SELECT\n{selected}\nFROM {setting.names.free(f'events_{place}')}"
    if setting.wanted:
        only = f"SELECT position FROM {setting.names.wanted}"
        text = f"SELECT * FROM (\n{indented(text)}\n) AS every WHERE position IN ({only})"
    about = f"extremes of {group.stream} in windows, as frames over the time"
    return QueryStep(setting.names.free(f"{name}_{place}"), text, about)


def _extreme(group: Group, slot: Slot) -> str:
    """Return the extreme of a window; of events at the row's own instant only those that arrived until it count."""
    function, chosen = ("min", "least") if slot.function == MIN else ("max", "greatest")
    newest, oldest = (group.offsets[edge].offset_us for edge in (slot.newer, slot.older))
    keys = ", ".join(f"k{i}" for i in range(len(group.keys)))
    value = f"{function}(x{slot.track})"
    before = f"PARTITION BY {keys} ORDER BY time RANGE BETWEEN {oldest - 1} PRECEDING AND {newest or 1} PRECEDING"
    if newest:
        return f"{value} OVER ({before})"
    at_once = f"PARTITION BY {keys}, time ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    own = f"{value} OVER ({at_once})"
    return f"{chosen}({value} OVER ({before}), {own})" if oldest > 1 else own


def _joined(setting: QueryContext, place: int, group: Group, wanted: Wanted, name: str) -> QueryStep:
    selected = [f"r.{setting.spine.position} AS position"]
    selected += [f"{_answer(setting, group, slot)} AS x{i}" for i, slot in wanted]
    edges = [group.offsets[edge] for _, slot in wanted for edge in (slot.newer, slot.older)]
    events = setting.names.free(f"events_{place}")
    about = f"single events of {group.stream} in windows, of what each row sees"
    text = f"SELECT\n{lines(selected)}\n{seen(setting, events, group, edges)}"
    return QueryStep(setting.names.free(f"{name}_{place}"), text, about)


def _answer(setting: QueryContext, group: Group, slot: Slot) -> str:
    """Return an aggregate of the events in the window that belong to the track."""
    track, value = group.tracks[slot.track], f"e.x{slot.track}"
    among = f"e.m{slot.track} = 1" if track.keeps_missing else f"{value} IS NOT NULL"
    within = inside("e.time", setting.spine.at("r"), group.offsets[slot.newer], group.offsets[slot.older])
    return f"{_function(setting, slot.function, value)} FILTER (WHERE {among} AND {within})"


def _function(setting: QueryContext, function: int, value: str) -> str:
    if function in (FIRST, LAST):
        name = setting.dialect.earliest if function == FIRST else setting.dialect.latest
        return f"{name}({value}, (e.time, e.position))"
    if function == DISTINCT:
        return f"count(DISTINCT {value})"
    return f"{'min' if function == MIN else 'max'}({value})"
