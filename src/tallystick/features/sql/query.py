"""The SQL of a plan: text that computes its features in a database, to the same bits as every other executor.

Totals are whole numbers, windows are decided on whole microseconds, and only the last step is a double, with the
finaliser's operations in the finaliser's order. Missing is NULL. Two forms say the same:

* any order: each record is joined to the events of its entity that it sees. Always right.
* in order: totals at the edges of windows, as frames over the time. Right where no record of an entity is late, and
  much faster: what is not later than an edge has then arrived before the record. Only the edge at the record's own
  instant needs the order of arrival, and gets a frame of rows, so that time and position are never packed into one.

Frames give totals (count, sum, mean, rate, std), min, max and since of the spine's own entities. All else is joined in
both forms: first, last, latest and distinct, other streams and tables, keys asked under other names, windows with
rounded ends, and what becomes known later.
"""

from itertools import count

from tallystick.features.groups import Group
from tallystick.features.plan import Plan
from tallystick.features.sql.dialects import dialect as spoken
from tallystick.features.sql.events import events
from tallystick.features.sql.final import final
from tallystick.features.sql.guard import guard_query
from tallystick.features.sql.layout import QueryStep, lines, with_clause
from tallystick.features.sql.names import Names
from tallystick.features.sql.query_context import QueryContext
from tallystick.features.sql.reports import reported_events, reports
from tallystick.features.sql.tracks import tracks
from tallystick.features.sql.values import Values
from tallystick.features.sql.windows import totals, windows


def select(
    plan: Plan, dialect: str = "duckdb", *, in_order: bool = False, wanted: bool = False, names: Names | None = None
) -> str:
    """Return the query of a plan's features: the place in the order of arrival, the id, then every feature.

    Parameters
    ----------
    plan : what to compute
    dialect : whose SQL; "duckdb", or "spark" for Spark SQL 4 in ANSI mode
    in_order : no record of an entity is later than one that arrived after it; the caller has proven that
    wanted : only for the records whose places stand in the table ``names.wanted``
    names : what the tables and columns are called; by default as the sources and fields are

    Returns
    -------
    str
        One SELECT. Its tables hold a column of places in the order of arrival, ``position``, and the source's fields:
        texts for keys and ids, whole numbers in units of the last digit, instants as microseconds since 1970 UTC.

    Raises
    ------
    DialectUnknown
        If the dialect is none that is spoken here.

    Examples
    --------
    >>> from tallystick.definitions.features import FeatureSet
    >>> from tallystick.definitions.fields import key
    >>> from tallystick.definitions.streams import Stream
    >>> payments = Stream("payments", id="payment_id", time="paid_at", fields={"customer_id": key})
    >>> class Small(FeatureSet, spine=payments):
    ...     night = payments.paid_at.hour() <= 6
    >>> print(select(Plan(Small.definition, (payments.definition,))).splitlines()[-2])
    FROM "step_1"
    """
    return _query(_setting(plan, dialect, wanted, names), in_order=in_order)


def guard(plan: Plan, dialect: str = "duckdb", *, wanted: bool = False, names: Names | None = None) -> str | None:
    """Return the query of the records at which a running total leaves its range: nothing may come of it.

    Its rows are the column, the key fields, the entity and the record's value. None where nothing is summed.

    Parameters
    ----------
    plan : whose totals
    dialect : whose SQL, as for ``select``
    wanted : only totals of entities that the records in the table ``names.wanted`` ask about
    names : what the tables and columns are called; by default as the sources and fields are

    Raises
    ------
    DialectUnknown
        If the dialect is none that is spoken here.
    """
    return guard_query(_setting(plan, dialect, wanted, names))


def script(plan: Plan, dialect: str = "duckdb", *, in_order: bool = False) -> str:
    """Return both queries with comments that say what they read and what comes of them.

    Parameters
    ----------
    plan : what to compute
    dialect : whose SQL, as for ``select``
    in_order : no record of an entity is later than one that arrived after it; the caller has proven that

    Raises
    ------
    DialectUnknown
        If the dialect is none that is spoken here.
    """
    tables = ", ".join(source.name for source in Names(plan).sources)
    order = "records in order of time" if in_order else "any order of arrival"
    checked = guard(plan, dialect)
    parts = [
        f"-- The features of {plan.definition.name} for {order}, in the SQL of {dialect}.",
        f"-- It reads the tables {tables}. Each has position, by order of arrival, and the declared fields:",
        "-- keys and ids as texts, numbers in units of their last digit, instants as microseconds since 1970 UTC.",
    ]
    if checked is not None:
        parts += ["", "-- Nothing may come of this: each row is a total too large to be exact.", f"{checked};"]
    return "\n".join([*parts, "", f"{select(plan, dialect, in_order=in_order)};"])


def _setting(plan: Plan, dialect: str, wanted: bool, names: Names | None) -> QueryContext:
    spelling = spoken(dialect)
    return QueryContext(plan, spelling, Names(plan, spelling.quote) if names is None else names, wanted)


def _query(setting: QueryContext, *, in_order: bool) -> str:
    values = Values(setting.dialect, setting.spine, setting.zones)
    steps, selected, joined = (
        setting.calendar(),
        [f"r.{setting.spine.position} AS position", f"r.{setting.spine.id} AS id"],
        [],
    )
    for place, group in enumerate(setting.plan.groups):
        steps += events(setting, place, group)
        steps += windows(setting, place, group, in_order=in_order)
        steps += tracks(setting, place, group, in_order=in_order)
        steps += [*reported_events(setting, place, group), *reports(setting, place, group)]
        joined += _joins(setting, place, group)
        for i in range(len(group.slots)):
            columns, values.placed[place, i] = final(setting, values, place, group, i)
            selected += columns
    features = [values.of(node) for node in setting.plan.features]
    named = (setting.names.free(f"step_{number}") for number in count())
    steps += _merged(values.chain("".join([f"{setting.rows} AS r", *joined]), selected, named))
    out = setting.names.out
    columns = [f"position AS {out[0]}", f"id AS {out[1]}"]
    columns += [f"{text} AS {name}" for text, name in zip(features, out[2:], strict=True)]
    return f"{with_clause(steps)}\nSELECT\n{lines(columns)}\nFROM {steps[-1].name}\nORDER BY 1"


def _joins(setting: QueryContext, place: int, group: Group) -> list[str]:
    """Return the joins of a row with what its group has for it."""
    used = {
        f"w{place}": ("windows", any(totals(slot) for slot in group.slots)),
        f"x{place}": ("tracks", any(slot.track >= 0 for slot in group.slots)),
        f"q{place}": ("reports", bool(group.series)),
    }
    return [
        f"\nLEFT JOIN {setting.names.free(f'{step}_{place}')} AS {alias} "
        f"ON {alias}.position = r.{setting.spine.position}"
        for alias, (step, is_used) in used.items()
        if is_used
    ]


def _merged(chain: list[QueryStep]) -> list[QueryStep]:
    first = QueryStep(chain[0].name, chain[0].text, "each aggregate as a number, and what else of the record is used")
    return [first, *chain[1:]]
