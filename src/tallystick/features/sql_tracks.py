"""Answers about single events of a window in SQL: extremes, first and last values, different values, the last instant.

No frame gives these: each row is joined to the events it sees.
"""

from tallystick.features.groups import DISTINCT, FIRST, LAST, MIN, Group, Slot
from tallystick.features.sql_setting import Setting
from tallystick.features.sql_text import Step, inside, lines
from tallystick.features.sql_windows import seen


def tracks(setting: Setting, place: int, group: Group) -> list[Step]:
    """Return the step with the answer of every slot about single events (x0, x1, ... by the slot's place)."""
    asked = [(i, slot) for i, slot in enumerate(group.slots) if slot.track >= 0]
    if not asked:
        return []
    told = [f"r.{setting.spine.seq} AS seq"]
    told += [f"{_answer(setting, group, slot)} AS x{i}" for i, slot in asked]
    edges = [group.offsets[edge] for _, slot in asked for edge in (slot.newer, slot.older)]
    events = setting.names.free(f"events_{place}")
    about = f"single events of {group.stream} in windows, of what each row sees"
    text = f"SELECT\n{lines(told)}\n{seen(setting, events, group, edges)}"
    return [Step(setting.names.free(f"tracks_{place}"), text, about)]


def _answer(setting: Setting, group: Group, slot: Slot) -> str:
    """Return an aggregate of the events in the window that belong to the track."""
    track, value = group.tracks[slot.track], f"e.x{slot.track}"
    among = f"e.m{slot.track} = 1" if track.keeps_missing else f"{value} IS NOT NULL"
    within = inside("e.time", setting.spine.at("r"), group.offsets[slot.newer], group.offsets[slot.older])
    return f"{_function(setting, slot.function, value)} FILTER (WHERE {among} AND {within})"


def _function(setting: Setting, function: int, value: str) -> str:
    if function in (FIRST, LAST):
        name = setting.dialect.earliest if function == FIRST else setting.dialect.latest
        return f"{name}({value}, (e.time, e.seq))"
    if function == DISTINCT:
        return f"count(DISTINCT {value})"
    return f"{'min' if function == MIN else 'max'}({value})"
