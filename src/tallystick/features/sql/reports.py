"""Values that become known later in SQL: reports joined to the events they name, and counted from when they are known.

Reports are few, and are joined with what makes them visible in any order of arrival.
"""

from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.features.groups import Edge, Group, Series
from tallystick.features.sql.dialects import rest
from tallystick.features.sql.layout import QueryStep, around, inside, lines
from tallystick.features.sql.query_context import QueryContext


def reported_events(setting: QueryContext, place: int, group: Group) -> list[QueryStep]:
    """Return the step with the reported events, once for each report: from when it is there, and when it is known.

    Parameters
    ----------
    setting : what the query is written with
    place, group : the group, and its place in the plan
    """
    if not group.series:
        return []
    wheres = sorted({series.where for series in group.series} - {-1})
    parts = [_reported(setting, place, group, later, wheres) for later in sorted({s.later for s in group.series})]
    about = f"reports about {group.stream}: from when both are there and known"
    return [QueryStep(setting.names.free(f"reported_{place}"), "\nUNION ALL\n".join(parts), about)]


def reports(setting: QueryContext, place: int, group: Group) -> list[QueryStep]:
    """Return the step with the total of each series (s0, s1, ...).

    Parameters
    ----------
    setting : what the query is written with
    place, group : the group, and its place in the plan
    """
    if not group.series:
        return []
    spine = setting.spine
    selected = [
        f"r.{spine.position} AS position",
        *(f"{_total(setting, s)} AS s{i}" for i, s in enumerate(group.series)),
    ]
    edges = [edge for series in group.series for edge in _edges(series)]
    text = (
        f"SELECT\n{lines(selected)}\nFROM {setting.rows} AS r\nJOIN {setting.names.free(f'reported_{place}')} AS q\n"
        f"  ON {setting.same(group, 'r', 'q')} AND q.visible <= r.{spine.position} AND q.known <= {spine.at('r')}\n"
        f"  AND {around('q.time', spine.at('r'), edges)}\nGROUP BY r.{spine.position}"
    )
    about = f"what reports about {group.stream} add over windows"
    return [QueryStep(setting.names.free(f"reports_{place}"), text, about)]


def moments(setting: QueryContext, place: int, series: Series, selected: list[str]) -> list[str]:
    """Return the queries of when corrections enter a series' window and leave it, and how much they add then.

    Parameters
    ----------
    setting : of the query
    place, series : the series, and the place of its group
    selected : further columns
    """
    every = series.every_us
    upwards = f" + ({every} - {rest('time', every)}) % {every}" if every else ""
    enters = f"greatest(known, time + {series.delay_us})"
    leaves = f"time{upwards} + {series.delay_us + series.window_us}"
    only = f" AND w{series.where} = 1" if series.where >= 0 else ""
    amount = setting.dialect.widened("amount")
    return [
        f"SELECT {', '.join([*selected, f'{at} AS at', 'visible AS position', f'{sign}{amount} AS amount'])}\n"
        f"FROM {setting.names.free(f'reported_{place}')}\n"
        f"WHERE later = {series.later} AND amount IS NOT NULL AND {enters} < {leaves}{only}"
        for at, sign in ((enters, ""), (leaves, "-"))
    ]


def _reported(setting: QueryContext, place: int, group: Group, later: int, wheres: list[int]) -> str:
    """Return the events of which something becomes known later, once for each report."""
    value: Flagged | Corrected = setting.plan.later[later]
    found = setting.names.tables[value.by]
    known, amount, only = found.at("q"), "1", ""
    if isinstance(value, Corrected):
        amount, only = f"q.{found.columns[value.delta]}", f"\nWHERE e.b{later} IS NOT NULL"
    elif value.known_after_us is not None:
        known = f"e.time + {value.known_after_us}"
    if isinstance(value, Flagged) and value.flag is not None:
        only = f"\nWHERE q.{found.columns[value.flag]} = 1"
    keys = [f"e.k{i}" for i in range(len(group.keys))]
    selected = [f"{later} AS later", *keys, "e.position", "e.time", *(f"e.w{i}" for i in wheres)]
    selected += [f"greatest(e.position, q.{found.position}) AS visible", f"{known} AS known", f"{amount} AS amount"]
    events = setting.names.free(f"events_{place}")
    joined = f"FROM {events} AS e JOIN {found.name} AS q ON q.{found.columns[value.on]} = e.id{only}"
    return f"SELECT {', '.join(selected)}\n{joined}"


def _total(setting: QueryContext, series: Series) -> str:
    """Return how many events are reported, or by how much they are corrected."""
    counts = [f"q.later = {series.later}", *([f"q.w{series.where} = 1"] if series.where >= 0 else [])]
    counts.append(inside("q.time", setting.spine.at("r"), *_edges(series)))
    is_flag = isinstance(setting.plan.later[series.later], Flagged)
    total = "count(DISTINCT q.position)" if is_flag else f"sum({setting.dialect.summed('q.amount')})"
    return f"{total} FILTER (WHERE {' AND '.join(counts)})"


def _edges(series: Series) -> tuple[Edge, Edge]:
    return Edge(series.delay_us, 0), Edge(series.delay_us + series.window_us, series.every_us)
