"""The events of a group's entities in SQL, once for each: their keys, their instant, and all that they add."""

from collections.abc import Callable, Iterator

from tallystick.definitions.expressions import Corrected
from tallystick.features.groups import Channel, Group, Track
from tallystick.features.sql.layout import QueryStep, lines
from tallystick.features.sql.query_context import QueryContext
from tallystick.features.sql.values import Values

LIMB = 2**32
"""What a square is divided by into its upper and lower part."""


def events(setting: QueryContext, place: int, group: Group) -> list[QueryStep]:
    """Return the steps that make the table of a group's events.

    Its columns are position, time, the keys (k0, k1, ...), and, missing where an event does not count,

    * c1, c2, ... what it adds to each channel but the first, which counts events,
    * x0, x1, ... its value in each track, or its instant where only that matters; m0, m1, ... whether it belongs to it,
    * id, w0, w1, ... and b0, b1, ... which later reports name, whether each condition holds, and the corrected values.

    Parameters
    ----------
    setting : what the query is written with
    place, group : the group, and its place in the plan
    """
    table = setting.names.tables[group.stream]
    values = Values(setting.dialect, table, setting.zones)
    conditions = [values.of(node) for node in group.conditions]

    def field(name: str) -> str:
        column = f"r.{table.columns[name]}"
        return values.leaf(column) if conditions else column

    position, at, *keys = [f"r.{table.position}", table.at("r"), *table.keyed("r", group.keys)]
    own = [f"{position} AS position", f"{at} AS time", *(f"{key} AS k{i}" for i, key in enumerate(keys))]
    if group.series:
        own.append(f"r.{table.id} AS id")
    selected = [
        f"{text} AS {name}" for name, text in _columns(setting, group, conditions, field, "time" if conditions else at)
    ]
    present = "WHERE " + " AND ".join(f"{key} IS NOT NULL" for key in keys)
    about = f"{group.stream} by {', '.join(group.keys)}: what each event adds"
    name = setting.names.free(f"events_{place}")
    if not conditions:
        return [QueryStep(name, f"SELECT\n{lines([*own, *selected])}\nFROM {table.name} AS r\n{present}", about)]
    chain = values.chain(f"{table.name} AS r", own, _named(setting, place))
    first = QueryStep(chain[0].name, f"{chain[0].text}\n{present}", f"{group.stream}: its conditions")
    shown = [f"e.{column.rpartition(' AS ')[2]}" for column in own]
    last = QueryStep(name, f"SELECT\n{lines([*shown, *selected])}\nFROM {chain[-1].name} AS e", about)
    return [first, *chain[1:], last]


def _named(setting: QueryContext, place: int) -> Iterator[str]:
    number = 0
    while True:
        yield setting.names.free(f"events_{place}_{number}")
        number += 1


def _columns(
    setting: QueryContext, group: Group, conditions: list[str], field: Callable[[str], str], time: str
) -> Iterator[tuple[str, str]]:
    for i, channel in enumerate(group.channels[1:], 1):
        yield f"c{i}", _chosen(conditions, channel.where, _added(setting, channel, conditions, field))
    for i, track in enumerate(group.tracks):
        yield f"x{i}", _chosen(conditions, track.where, _followed(track, field, time=time))
        if track.keeps_missing:
            yield f"m{i}", _chosen(conditions, track.where, "1")
    for i in sorted({series.where for series in group.series} - {-1}):
        yield f"w{i}", conditions[i]
    for i in sorted({series.later for series in group.series}):
        later = setting.plan.later[i]
        if isinstance(later, Corrected):
            yield f"b{i}", field(later.field)


def _added(setting: QueryContext, channel: Channel, conditions: list[str], field: Callable[[str], str]) -> str:
    """Return what an event adds to a channel; what is counted is just not missing."""
    if channel.of is None:
        return "1"
    value = field(channel.of) if isinstance(channel.of, str) else f"CAST({conditions[channel.of]} AS BIGINT)"
    square = f"{setting.dialect.widened(value)} * {value}"
    match channel.part:
        case "high":
            return setting.dialect.divided_wide(square, LIMB)
        case "low":
            return f"({square}) % {LIMB}"
        case _:
            return value


def _followed(track: Track, field: Callable[[str], str], *, time: str) -> str:
    return time if track.of is None else field(track.of)


def _chosen(conditions: list[str], where: int, text: str) -> str:
    return text if where < 0 else f"CASE WHEN {conditions[where]} = 1 THEN {text} END"
