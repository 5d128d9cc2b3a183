"""The SQL of a plan: text that computes its features in a database, to the same bits as every other executor.

Totals are whole numbers, windows are decided on whole microseconds, and only the last step is a double, with the
finaliser's operations in the finaliser's order. Missing is NULL. Two forms say the same:

* any order: each record is joined to the records of its entity that it sees. Always right.
* in order: totals at the edges of windows, as frames over the time. Right where no record of an entity is late, and
  much faster: what is not later than an edge has then arrived before the record. Only the edge at the record's own
  instant needs the order of arrival, and gets a frame of rows, so that time and sequence are never packed into one.

Reports are few, and are joined with their visibility in both forms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallystick.definitions.expressions import Flagged
from tallystick.errors import DialectUnknown
from tallystick.features.finalise import LARGEST_TOTAL
from tallystick.features.plan import COUNT, SUM, Group, Plan, Series, Slot
from tallystick.features.sql_names import Names, Table
from tallystick.features.sql_values import DIALECTS, Dialect, Values, double

Total = tuple[int, int, int]
"""A channel, and the places of a window's newer and older edge among the group's offsets."""


def select(
    plan: Plan, dialect: str = "duckdb", *, in_order: bool = False, asked: bool = False, names: Names | None = None
) -> str:
    """Return the query of a plan's features: the place in the order of arrival, the id, then every feature.

    Parameters
    ----------
    plan : what to compute
    dialect : whose SQL; "duckdb"
    in_order : no record of an entity is later than one that arrived after it; the caller has proven that
    asked : only for the records whose places stand in the table ``names.asked``
    names : what the tables and columns are called; by default as the sources and fields are

    Returns
    -------
    str
        One SELECT. Its tables hold a column of places in the order of arrival, ``seq``, and the source's fields:
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
    writer = _Writer(plan, _dialect(dialect), Names(plan) if names is None else names, asked)
    return writer.query(in_order=in_order)


def guard(plan: Plan, dialect: str = "duckdb", *, asked: bool = False, names: Names | None = None) -> str | None:
    """Return the query of the records at which a running total leaves its range: nothing may come of it.

    Its rows are the column, the key field, the entity and the record's value. None where nothing is summed.

    Raises
    ------
    DialectUnknown
        If the dialect is none that is spoken here.
    """
    writer = _Writer(plan, _dialect(dialect), Names(plan) if names is None else names, asked)
    parts = [writer.too_large(group, column.field) for group in plan.groups for column in group.summed]
    return "\nUNION ALL\n".join(parts) or None


def script(plan: Plan, dialect: str = "duckdb", *, in_order: bool = False) -> str:
    """Return both queries with comments that say what they read and what comes of them.

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
        f"-- It reads the tables {tables}. Each has seq, the place in the order of arrival, and the declared fields:",
        "-- keys and ids as texts, numbers in units of their last digit, instants as microseconds since 1970 UTC.",
    ]
    if checked is not None:
        parts += ["", "-- Nothing may come of this: each row is a total too large to be exact.", f"{checked};"]
    return "\n".join([*parts, "", f"{select(plan, dialect, in_order=in_order)};"])


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise DialectUnknown(name, known=sorted(DIALECTS))
    return DIALECTS[name]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the queries of one plan."""

    plan: Plan
    dialect: Dialect
    names: Names
    asked: bool

    @property
    def spine(self) -> Table:
        return self.names.tables[self.plan.definition.spine.name]

    @property
    def rows(self) -> str:
        """The records that are asked about, as something to select from."""
        if not self.asked:
            return self.spine.name
        return f"(SELECT * FROM {self.spine.name} WHERE {self.spine.seq} IN (SELECT seq FROM {self.names.asked}))"

    def query(self, *, in_order: bool) -> str:
        values = Values(self.dialect, self.spine)
        features = [values.of(node) for node in self.plan.features]
        steps = []
        for place, group in enumerate(self.plan.groups):
            steps += self._windows(place, group, in_order=in_order)
            steps += self._reports(place, group)
        steps.append((self.names.free("step_0"), self._base(values)))
        for number, operations in enumerate(values.steps, 1):
            columns = _lines(["*", *(f"{text} AS {name}" for text, name in operations.items())])
            steps.append((self.names.free(f"step_{number}"), f"SELECT\n{columns}\nFROM {steps[-1][0]}"))
        told = [f"seq AS {self.names.out[0]}", f"id AS {self.names.out[1]}"]
        told += [f"{text} AS {name}" for text, name in zip(features, self.names.out[2:], strict=True)]
        written = ",\n".join(f"{name} AS (\n{_indented(text)}\n)" for name, text in steps)
        return f"WITH\n{written}\nSELECT\n{_lines(told)}\nFROM {steps[-1][0]}\nORDER BY 1"

    def too_large(self, group: Group, field: str) -> str:
        """Return the records at which an entity's visible running totals of a column grow too large.

        Only entities whose values could add up so far are looked at, so that this costs next to nothing.
        """
        spine, limit, wide = self.spine, f"{LARGEST_TOTAL}", self.dialect.wide
        key, value = spine.columns[group.key], f"coalesce({spine.columns[field]}, 0)"
        doubtful = (
            f"SELECT {key} AS entity, max({spine.seq}) AS latest FROM {spine.name} WHERE {key} IS NOT NULL\n"
            f"GROUP BY {key} HAVING sum(abs({wide(value)})) > {limit}"
        )
        if self.asked:
            latest = f"SELECT {key} AS entity, max({spine.seq}) AS latest FROM {self.rows} AS r GROUP BY {key}"
            doubtful = f"SELECT l.entity, l.latest FROM ({latest}) AS l\nJOIN ({doubtful}) AS d ON d.entity = l.entity"
        totals = (
            f"SELECT r.{key} AS entity, coalesce(e.{spine.columns[field]}, 0) AS amount,\n"
            f"  sum({wide(f'coalesce(e.{spine.columns[field]}, 0)')}) OVER (PARTITION BY r.{spine.seq}\n"
            f"    ORDER BY e.{spine.time}, e.{spine.seq} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total\n"
            f"FROM {spine.name} AS r\nJOIN (\n{_indented(doubtful)}\n) AS d ON d.entity = r.{key} "
            f"AND r.{spine.seq} <= d.latest\n"
            f"JOIN {spine.name} AS e ON e.{key} = r.{key} AND e.{spine.seq} <= r.{spine.seq}"
        )
        told = f"{_text(field)} AS field, {_text(group.key)} AS key_field, entity, amount"
        return (
            f"SELECT {told} FROM (\n{_indented(totals)}\n) AS t\n"
            f"WHERE abs(total) > {limit} OR abs({wide('amount')}) > {limit}"
        )

    def _windows(self, place: int, group: Group, *, in_order: bool) -> list[tuple[str, str]]:
        """Return the step with the total of every channel over every window that a slot asks for."""
        asked = dict.fromkeys(total for slot in group.slots for total in _totals(slot))
        if not asked:
            return []
        text = self._frames(group, list(asked)) if in_order else self._joined(group, list(asked))
        return [(self.names.free(f"windows_{place}"), text)]

    def _joined(self, group: Group, totals: Sequence[Total]) -> str:
        spine, key = self.spine, self.spine.columns[group.key]
        told = [f"r.{spine.seq} AS seq"]
        for channel, newer, older in totals:
            inside = _inside(f"e.{spine.time}", f"r.{spine.time}", group.offsets[newer], group.offsets[older])
            found = self._channel(group, channel, "e.")
            told.append(f"{found} FILTER (WHERE {inside}) AS {_column(channel, newer, older)}")
        edges = [group.offsets[edge] for total in totals for edge in total[1:]]
        return (
            f"SELECT\n{_lines(told)}\nFROM {self.rows} AS r\nJOIN {spine.name} AS e\n"
            f"  ON e.{key} = r.{key} AND e.{spine.seq} <= r.{spine.seq}\n"
            f"  AND {_inside(f'e.{spine.time}', f'r.{spine.time}', min(edges), max(edges))}\nGROUP BY r.{spine.seq}"
        )

    def _frames(self, group: Group, totals: Sequence[Total]) -> str:
        spine, key = self.spine, self.spine.columns[group.key]
        ends = sorted({(total[0], edge) for total in totals for edge in total[1:]})
        edges = [
            f"coalesce({self._channel(group, channel, '')} OVER edge_{edge}, 0) AS c{channel}_{edge}"
            for channel, edge in ends
        ]
        frames = [
            f"edge_{edge} AS ({self._frame(key, group.offsets[edge])})" for edge in sorted({edge for _, edge in ends})
        ]
        inner = (
            f"SELECT\n{_lines([f'{spine.seq} AS seq', *edges])}\nFROM {spine.name}\n"
            f"WHERE {key} IS NOT NULL\nWINDOW\n{_lines(frames)}"
        )
        told = [f"c{c}_{newer} - c{c}_{older} AS {_column(c, newer, older)}" for c, newer, older in totals]
        only = f"\nWHERE seq IN (SELECT seq FROM {self.names.asked})" if self.asked else ""
        return f"SELECT\n{_lines(['seq', *told])}\nFROM (\n{_indented(inner)}\n) AS edges{only}"

    def _frame(self, key: str, offset: int) -> str:
        """Return the frame of everything that an edge of a window leaves behind it, visible because in order."""
        if offset == 0:
            order = f"{self.spine.seq} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        else:
            order = f"{self.spine.time} RANGE BETWEEN UNBOUNDED PRECEDING AND {offset} PRECEDING"
        return f"PARTITION BY {key} ORDER BY {order}"

    def _channel(self, group: Group, channel: int, prefix: str) -> str:
        """Return what a channel counts or sums, to be followed by the rows it does that for."""
        field, counts = group.channels[channel]
        if field is None:
            return "count(*)"
        column = f"{prefix}{self.spine.columns[field]}"
        return f"count({column})" if counts else f"sum({self.dialect.summed(column)})"

    def _reports(self, place: int, group: Group) -> list[tuple[str, str]]:
        """Return the steps with the flagged records, and with how many of them each series has (s0, s1, ...)."""
        if not group.series:
            return []
        spine, key = self.spine, self.spine.columns[group.key]
        flagged = self.names.free(f"flagged_{place}")
        parts = [self._flagged(flag, key) for flag in sorted({series.flag for series in group.series})]
        told = [f"r.{spine.seq} AS seq"]
        told += [f"count(DISTINCT f.seq) FILTER (WHERE {self._counts(s)}) AS s{i}" for i, s in enumerate(group.series)]
        newest = min(series.delay_us for series in group.series)
        oldest = max(series.delay_us + series.window_us for series in group.series)
        text = (
            f"SELECT\n{_lines(told)}\nFROM {self.rows} AS r\nJOIN {flagged} AS f\n"
            f"  ON f.entity = r.{key} AND f.visible <= r.{spine.seq} AND f.known <= r.{spine.time}\n"
            f"  AND {_inside('f.happened', f'r.{spine.time}', newest, oldest)}\nGROUP BY r.{spine.seq}"
        )
        return [(flagged, "\nUNION ALL\n".join(parts)), (self.names.free(f"reports_{place}"), text)]

    def _flagged(self, place: int, key: str) -> str:
        """Return a flag's records, once for each report: when both are there, and when the report is known."""
        flag: Flagged = self.plan.flags[place]
        spine, reports = self.spine, self.names.tables[flag.by]
        known = f"q.{reports.time}" if flag.known_after_us is None else f"e.{spine.time} + {flag.known_after_us}"
        only = f" AND q.{reports.columns[flag.flag]} = 1" if flag.flag is not None else ""
        return (
            f"SELECT {place} AS flag, e.{key} AS entity, e.{spine.seq} AS seq, e.{spine.time} AS happened,\n"
            f"  greatest(e.{spine.seq}, q.{reports.seq}) AS visible, {known} AS known\n"
            f"FROM {spine.name} AS e JOIN {reports.name} AS q ON q.{reports.columns[flag.on]} = e.{spine.id}{only}"
        )

    def _counts(self, series: Series) -> str:
        inside = _inside("f.happened", f"r.{self.spine.time}", series.delay_us, series.delay_us + series.window_us)
        return f"f.flag = {series.flag} AND {inside}"

    def _base(self, values: Values) -> str:
        """Return the step with every aggregate (a0_0, a0_1, ...), and every field and part of time that is used."""
        spine = self.spine
        told, joins = [f"r.{spine.seq} AS seq", f"r.{spine.id} AS id"], []
        for place, group in enumerate(self.plan.groups):
            if any(_totals(slot) for slot in group.slots):
                windows = self.names.free(f"windows_{place}")
                joins.append(f"\nLEFT JOIN {windows} AS w{place} ON w{place}.seq = r.{spine.seq}")
            if group.series:
                reports = self.names.free(f"reports_{place}")
                joins.append(f"\nLEFT JOIN {reports} AS f{place} ON f{place}.seq = r.{spine.seq}")
            told += [f"{self._final(place, slot)} AS a{place}_{i}" for i, slot in enumerate(group.slots)]
        told += [f"{text} AS {name}" for text, name in values.leaves.items()]
        return f"SELECT\n{_lines(told)}\nFROM {self.rows} AS r{''.join(joins)}"

    def _final(self, place: int, slot: Slot) -> str:
        """Return the one finaliser; totals become 64 bits first, whose way to double every engine rounds just once."""
        n = f"w{place}.{_column(slot.number, slot.newer, slot.older)}"
        if slot.function == COUNT:
            return f"CAST(coalesce({n}, 0) AS DOUBLE)"
        total = f"f{place}.s{slot.series}"
        if slot.series < 0:
            total = f"w{place}.{_column(slot.total, slot.newer, slot.older)}"
        s = f"CAST(CAST(coalesce({total}, 0) AS BIGINT) AS DOUBLE)"
        if slot.function == SUM:
            return f"{s} / {double(slot.scale)}"
        return f"({s} / CAST(nullif({n}, 0) AS DOUBLE)) / {double(slot.scale)}"


def _totals(slot: Slot) -> list[Total]:
    """Return the totals that a slot needs, each as channel and edges; none where it only counts flags."""
    channels = [slot.number] + [slot.total] * (slot.total >= 0)
    return [(channel, slot.newer, slot.older) for channel in channels if slot.newer >= 0]


def _column(channel: int, newer: int, older: int) -> str:
    return f"t{channel}_{newer}_{older}"


def _inside(time: str, at: str, newest: int, oldest: int) -> str:
    """Return whether t - oldest < time <= t - newest; a window is open on the left and closed on the right."""
    end = f"{at} - {newest}" if newest else at
    return f"{time} > {at} - {oldest} AND {time} <= {end}"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _lines(columns: Iterable[str]) -> str:
    return ",\n".join(f"  {column}" for column in columns)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
