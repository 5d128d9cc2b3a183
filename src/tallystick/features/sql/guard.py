"""The guard in SQL: every record at which a running total leaves its range, so that nothing comes of the others."""

from collections.abc import Iterator

from tallystick.definitions.expressions import Corrected
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.groups import Group
from tallystick.features.sql.events import events
from tallystick.features.sql.layout import QueryStep, lines, with_clause
from tallystick.features.sql.query_context import QueryContext
from tallystick.features.sql.reports import moments, reported_events


def guard_query(setting: QueryContext) -> str | None:
    """Return the query of totals that are too large: field, key fields, entity and value of the record; or None."""
    steps, found = setting.calendar(), []
    for place, group in enumerate(setting.plan.groups):
        weights = list(_weights(setting, place, group))
        if weights:
            steps += [*events(setting, place, group), *reported_events(setting, place, group)]
            steps += _running(setting, place, group, weights)
            found.append(_too_large(setting, place, group))
    return f"{with_clause(steps)}\n" + "\nUNION ALL\n".join(found) if found else None


def _weights(setting: QueryContext, place: int, group: Group) -> Iterator[str]:
    """Yield the queries of what is added to each running total: which total, the entity, when, and how much."""
    channels = {i: str(channel.of) for i, channel in enumerate(group.channels) if channel.part != "number"}
    if channels:
        selected = ["t.field", "t.total", *(f"e.{key}" for key in _keys(group)), "e.time AS at", "e.position"]
        added = " ".join(f"WHEN {i} THEN {setting.dialect.widened(f'e.c{i}')}" for i in channels)
        totals = ", ".join(f"({i}, {setting.dialect.text(field)})" for i, field in channels.items())
        yield (
            f"SELECT {', '.join(selected)}, CASE t.total {added} END AS amount\n"
            f"FROM {setting.names.free(f'events_{place}')} AS e CROSS JOIN (VALUES {totals}) AS t (total, field)"
        )
    for i, series in enumerate(group.series, len(group.channels)):
        value = setting.plan.later[series.later]
        if isinstance(value, Corrected):
            selected = [f"{setting.dialect.text(value.field)} AS field", f"{i} AS total", *_keys(group)]
            yield from moments(setting, place, series, selected)


def _running(setting: QueryContext, place: int, group: Group, weights: list[str]) -> list[QueryStep]:
    """Return the running totals of doubtful entities, as they were after each arrival that a row sees.

    Only entities whose values could add up so far are looked at, so that this costs next to nothing.
    """
    names = ("weights", "doubtful", "requested", "running")
    added, doubtful, wanted, running = (setting.names.free(f"{name}_{place}") for name in names)
    keys, at = ", ".join(_keys(group)), setting.spine.position
    same = [" AND ".join(f"{side}.{key} = a.{key}" for key in ("total", *_keys(group))) for side in ("s", "e")]
    entity = ", ".join(f"d.{key}" for key in ("total", *_keys(group)))
    by = ", ".join(f"e.{key}" for key in ("total", *_keys(group)))
    selected = [f"e.{key}" for key in ("field", *_keys(group), "amount")]
    selected.append(f"sum(e.amount) OVER (PARTITION BY {by}, s.position ORDER BY e.at, e.position) AS reached")
    return [
        QueryStep(added, "\nUNION ALL\n".join(weights), f"what is added to each running total of {group.stream}"),
        QueryStep(
            doubtful,
            f"SELECT total, {keys}\nFROM {added}\nGROUP BY total, {keys}\nHAVING sum(abs(amount)) > {LARGEST_TOTAL}",
            "the entities whose totals could leave their range",
        ),
        QueryStep(
            wanted,
            f"SELECT {entity}, max(r.{at}) AS latest\nFROM {doubtful} AS d\n"
            f"JOIN {setting.rows} AS r ON {setting.same(group, 'r', 'd')}\nGROUP BY {entity}",
            "the last row that asks about each of them",
        ),
        QueryStep(
            running,
            f"SELECT\n{lines(selected)}\nFROM {wanted} AS a\n"
            f"JOIN (SELECT DISTINCT total, {keys}, position FROM {added}) AS s "
            f"ON {same[0]} AND s.position <= a.latest\n"
            f"JOIN {added} AS e ON {same[1]} AND e.position <= s.position",
            "their running totals, as they were after each arrival until then",
        ),
    ]


def _too_large(setting: QueryContext, place: int, group: Group) -> str:
    key_field = setting.dialect.text(" ".join(group.keys))
    entity = " || ' ' || ".join(_keys(group))
    return (
        f"SELECT field, {key_field} AS key_field, {entity} AS entity, amount\n"
        f"FROM {setting.names.free(f'running_{place}')}\n"
        f"WHERE abs(reached) > {LARGEST_TOTAL} OR abs(amount) > {LARGEST_TOTAL}"
    )


def _keys(group: Group) -> list[str]:
    return [f"k{i}" for i in range(len(group.keys))]
