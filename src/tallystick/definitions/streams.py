"""Streams of records, tables of outcomes and of what was known when, and the entities their records belong to."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from tallystick.definitions.aggregates import Entity
from tallystick.definitions.column_checks import check_key, known_fields, known_kind, with_fields
from tallystick.definitions.diagnostics import shown, where
from tallystick.definitions.durations import microseconds
from tallystick.definitions.expressions import (
    Aggregate,
    Column,
    Flagged,
    KeyColumn,
    TableColumn,
    TimeColumn,
)
from tallystick.definitions.fields import Field, Flag, Key, Time
from tallystick.errors import DefinitionError, FieldUnknown, LeakRefused, did_you_mean

Holds = Literal["events", "outcomes"]
"""What a stream's records are in the log: what happened, or what became known later about what happened."""


class StreamDefinition(msgspec.Struct, frozen=True, tag="stream"):
    """Records that happen: each has an id, an instant, and fields.

    Parameters
    ----------
    name : how the stream is called
    id : the field that names one record; empty for a dated table, whose ids are made of key and instant
    time : the field with the instant; empty for a static table, which held from the beginning
    fields : every field by name, with its kind
    source : where history lies
    key : for a dated or static table, the field with what its rows are about
    arrived : the field with the instant a record arrived, where history has one
    lateness_us : how much later than it happened a record may arrive; None for any
    holds : whether its records are events, or outcomes: what becomes known about events
    """

    name: str
    id: str
    time: str
    fields: dict[str, Field]
    source: str = ""
    key: str = ""
    arrived: str = ""
    lateness_us: int | None = None
    holds: Holds = "events"


class TableDefinition(msgspec.Struct, frozen=True, tag="table"):
    """Outcomes without an instant of their own: one row per id of the records they judge."""

    name: str
    key: str
    fields: dict[str, Field]
    source: str = ""


Source = StreamDefinition | TableDefinition


class Stream:
    """Declare a stream of records.

    Parameters
    ----------
    name : how the stream is called everywhere, in files' names, requests and the log: letters, digits, _ and -
    id : the column that names one record; unique within the stream
    time : the column with the instant the record happened
    source : a Parquet or CSV file or a folder of them, relative to the project file; or ``s3://bucket/...`` for the
        same in S3, ``delta:PATH``, ``iceberg:CATALOG.NAMESPACE.TABLE``
    fields : every further column that matters, by name, with its kind
    arrived : the column with the instant each record of history arrived; it decides who saw it, and without it
        records count as having arrived when they happened
    lateness : how much later than it happened a record may arrive, such as "2h"; older ones are refused
    holds : "outcomes" for reports, corrections and whatever else becomes known later about other records; they are
        posted to ``/outcomes/`` and stand in the log as such

    Raises
    ------
    DefinitionError
        If a name or a field's kind is none, or a length of time.
    FieldUnknown
        If an undeclared column is asked for.

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> payments = Stream("payments", id="payment_id", time="paid_at",
    ...                   fields={"customer_id": key, "amount": money("EUR", minimum=0)})
    >>> payments.amount
    Column(stream='payments', field='amount')
    """

    definition: StreamDefinition

    def __init__(
        self,
        name: str,
        *,
        id: str,  # noqa: A002 - the word the field uses
        time: str,
        fields: Mapping[str, Field],
        source: str = "",
        arrived: str = "",
        lateness: str | None = None,
        holds: Holds = "events",
    ) -> None:
        _check_names(name, {"id": id, "time": time} | ({"arrived": arrived} if arrived else {}), source)
        own = (id, time, arrived) if arrived else (id, time)
        declared: dict[str, Field] = {id: Key(), **dict.fromkeys(own[1:], Time()), **_checked(name, fields, own=own)}
        late = None if lateness is None else microseconds(lateness, where=where())
        if holds not in get_args(Holds):
            sentence = f"holds={shown(holds)} is neither 'events' nor 'outcomes'. Say which the stream {name!r} holds."
            raise DefinitionError(sentence, where=where())
        self.definition = StreamDefinition(name, id, time, declared, source, "", arrived, late, holds)

    # Which kind of column a name gives is written in `fields`, where no type checker sees it.
    def __getattr__(self, field: str) -> Any:
        if field.startswith("__") or field == "definition":
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> Column | TimeColumn | KeyColumn:
        return _column(self.definition, field)

    def __repr__(self) -> str:
        return f"Stream({self.definition.name!r})"

    def by(self, *fields: str) -> Entity:
        """Return the entity that records belong to: everything with the same value of one or more key fields.

        Raises
        ------
        DefinitionError
            If a field is not a key, stands twice, or there is none.
        """
        keys = [name for name, kind in self.definition.fields.items() if isinstance(kind, Key)]
        for field in fields:
            if not isinstance(_kind(self.definition, field), Key):
                sentence = f"{field!r} is not a key of {self.definition.name!r}. Its keys are {', '.join(keys)}."
                raise DefinitionError(sentence, where=where())
        if not fields or len(set(fields)) < len(fields):
            sentence = f"by{fields!r} needs one or more different keys of {self.definition.name!r}: {', '.join(keys)}."
            raise DefinitionError(sentence, where=where())
        return Entity(self.definition.name, fields)

    def flagged_by(
        self,
        reports: "Stream | TableColumn | Column",
        *,
        on: str | None = None,
        known_after: str | None = None,
    ) -> Flagged:
        """Return the value that is 0 until a record is reported and 1 from then on.

        Parameters
        ----------
        reports : a stream whose every record is a report; or the flag of a stream of reports; or the flag of a
            table of outcomes, which then needs ``known_after``
        on : the field of a report that holds the id of the reported record (a table uses its key)
        known_after : how long after the event an undated outcome is known

        Raises
        ------
        LeakRefused
            If nothing says when an outcome became known.
        DefinitionError
            If the reports cannot be joined to this stream.
        """
        # An outcome without a date can be used only as of a delay that the user vouches for.
        if isinstance(reports, TableColumn):
            if known_after is None:
                raise LeakRefused(f"{reports.table}.{reports.field}", where=where())
            after = microseconds(known_after, where=where())
            return Flagged(self.definition.name, reports.table, reports.key, after, reports.field)
        if known_after is not None:
            sentence = "known_after is for a table without times; this stream says when each report became known."
            raise DefinitionError(sentence, where=where())
        if isinstance(reports, Stream) and on is not None:
            check_key(reports.definition.fields, reports.definition.name, on)
            self._check_other(reports.definition.fields, on)
            return Flagged(self.definition.name, reports.definition.name, on)
        if isinstance(reports, Column) and on is not None:
            check_key(known_fields(reports), reports.stream, on)
            self._check_other(known_fields(reports), on)
            if not isinstance(known_kind(reports), Flag | None):
                sentence = f"flagged_by needs a flag, and {shown(reports)} is none. Declare it as ts.flag."
                raise DefinitionError(sentence, where=where())
            return Flagged(self.definition.name, reports.stream, on, None, reports.field)
        sentence = (
            f"{self.definition.name}.flagged_by needs a stream of reports and on='the field with the id of the "
            "reported record', or the flag of a table and known_after='7d'."
        )
        raise DefinitionError(sentence, where=where())

    def _check_other(self, fields: Mapping[str, Field], on: str) -> None:
        # Compared by identity: two streams may well have equal fields.
        if fields is self.definition.fields and on == self.definition.id:
            sentence = (
                f"on={on!r} is the record's own id, so each would report itself. Name the field with the other's."
            )
            raise DefinitionError(sentence, where=where())


class Table:
    """Declare a table: outcomes of records, dated versions of what is known about an entity, or a static list.

    * ``Table(key=...)`` alone holds outcomes: one row per judged record, with no instant of its own.
    * With ``valid_from=`` each row is what held about its key from that instant on; ``asof`` looks it up.
    * With ``static=True`` there is one row per key, which has always held; ``asof`` looks it up too.

    Parameters
    ----------
    name : how the table is called everywhere: letters, digits, _ and -
    key : the column with the id of the judged record, or of what a row is about
    fields : its further columns, by name; of outcomes, flags
    source : a Parquet or CSV file or a folder of them, relative to the project file; or ``s3://bucket/...`` for the
        same in S3, ``delta:PATH``, ``iceberg:CATALOG.NAMESPACE.TABLE``
    valid_from : the column with the instant from which a row holds
    static : its rows have always held

    Raises
    ------
    DefinitionError
        If a name or a field's kind is none, or the table is both dated and static.
    FieldUnknown
        If an undeclared column is asked for.

    Examples
    --------
    >>> from tallystick.definitions.fields import flag, key
    >>> outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag})
    >>> outcomes.is_fraud
    TableColumn(table='outcomes', key='payment_id', field='is_fraud')
    >>> profiles = Table("profiles", key="customer_id", valid_from="updated_at", fields={"home": key})
    >>> payments = Stream("payments", id="payment_id", time="paid_at", fields={"customer_id": key, "country": key})
    >>> abroad = payments.country != profiles.asof(payments.customer_id).home
    """

    definition: TableDefinition | StreamDefinition

    def __init__(
        self,
        name: str,
        *,
        key: str,
        fields: Mapping[str, Field],
        source: str = "",
        valid_from: str = "",
        static: bool = False,
    ) -> None:
        _check_names(name, {"key": key} | ({"valid_from": valid_from} if valid_from else {}), source)
        if not isinstance(static, bool):
            raise DefinitionError(f"static={shown(static)} is neither True nor False.", where=where())
        if valid_from and static:
            sentence = f"The table {name!r} is dated by {valid_from!r} and static. Leave out one of the two."
            raise DefinitionError(sentence, where=where())
        own = (key, valid_from) if valid_from else (key,)
        declared: dict[str, Field] = {key: Key(), **dict.fromkeys(own[1:], Time()), **_checked(name, fields, own=own)}
        self.definition = TableDefinition(name, key, declared, source)
        if valid_from or static:
            self.definition = StreamDefinition(name, "", valid_from, declared, source, key=key)

    def asof(self, key: KeyColumn) -> "AsOf":
        """Return the row about a record's entity that held at the record's instant, to take its columns.

        Raises
        ------
        DefinitionError
            If it is no key, or the table holds outcomes, which nothing dates.
        """
        if not isinstance(self.definition, StreamDefinition):
            sentence = (
                f"The table {self.definition.name!r} does not say from when its rows held. Declare valid_from=, "
                "or static=True if they always did."
            )
            raise DefinitionError(sentence, where=where())
        if not isinstance(key, KeyColumn):
            raise DefinitionError(f"asof() needs a key of the record, not {shown(key)}.", where=where())
        return AsOf(self.definition, key)

    def __getattr__(self, field: str) -> TableColumn:
        if field.startswith("__") or field == "definition":
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> TableColumn:
        kind = _kind(self.definition, field)
        if isinstance(self.definition, StreamDefinition):
            sentence = f"Say about whom: {self.definition.name}.asof(payments.customer_id).{field}."
            raise DefinitionError(sentence, where=where())
        if not isinstance(kind, Flag):
            sentence = f"{field!r} of the table {self.definition.name!r} is not a flag, and only flags can be outcomes."
            raise DefinitionError(sentence, where=where())
        return TableColumn(self.definition.name, self.definition.key, field)

    def __repr__(self) -> str:
        return f"Table({self.definition.name!r})"


class AsOf:
    """The row of a dated or static table about one key of a record: its columns are expressions.

    Parameters
    ----------
    table : a dated or static one
    key : of the record that looks it up
    """

    def __init__(self, table: StreamDefinition, key: KeyColumn) -> None:
        self._table, self._key = table, key

    def __repr__(self) -> str:
        return f"{self._table.name}.asof({shown(self._key)})"

    # Which kind of column a name gives is written in `fields`, where no type checker sees it.
    def __getattr__(self, field: str) -> Any:
        if field.startswith("_"):
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> Aggregate:
        column = _column(self._table, field)
        return Entity(self._table.name, (self._table.key,)).at(self._key).latest(column)


def _column(definition: StreamDefinition, field: str) -> Column | TimeColumn | KeyColumn:
    kind = _kind(definition, field)
    if isinstance(kind, Key):
        return KeyColumn(definition.name, field)
    if isinstance(kind, Time):
        return TimeColumn(definition.name, field)
    return with_fields(Column(definition.name, field), definition.fields)


def _kind(definition: Source, field: str) -> Field:
    if not isinstance(field, str):
        sentence = f"A field of {definition.name!r} is named by a text, such as 'customer_id', not by {shown(field)}."
        raise DefinitionError(sentence, where=where())
    if field not in definition.fields:
        raise FieldUnknown(field, stream=definition.name, found=definition.fields, where=where())
    return definition.fields[field]


def _check_names(name: object, columns: Mapping[str, object], source: object) -> None:
    """Hold the name of a stream or table to what files and addresses can be called, and columns to texts."""
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name)):
        sentence = (
            f"{shown(name)} is no name for a stream or table: files and addresses are called by it. Use up to 64 "
            "letters, digits, _ and -, with a letter first, such as 'card-payments'."
        )
        raise DefinitionError(sentence, where=where())
    for role, column in columns.items():
        if not (isinstance(column, str) and column):
            raise DefinitionError(f"{role}={shown(column)} of {name!r} must name a column, as text.", where=where())
    if not isinstance(source, str):
        sentence = f"source={shown(source)} of {name!r} must be a path or an address, as text."
        raise DefinitionError(sentence, where=where())


def _checked(stream: str, fields: Mapping[str, Field], *, own: tuple[str, ...]) -> dict[str, Field]:
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) and name for name in fields):
        sentence = f"fields= of {stream!r} gives each column's name its kind, such as {{'amount': ts.money('EUR')}}."
        raise DefinitionError(sentence, where=where())
    for name in own:
        if name in fields or own.count(name) > 1:
            sentence = f"The column {name!r} of {stream!r} is declared twice. Its kind follows from id=, time= or key=."
            raise DefinitionError(sentence, where=where())
    for name, kind in fields.items():
        if not isinstance(kind, Field):
            known = ["key", "money", "number", "integer", "flag", "time", "optional"]
            hint = did_you_mean(getattr(kind, "__name__", str(kind)), known)
            sentence = (
                f"The field {name!r} of {stream!r} has no kind: {shown(kind)}. Write ts.key, ts.flag, ts.time, "
                f"ts.money('EUR'), ts.number(scale=2) or ts.integer(). {hint}"
            )
            raise DefinitionError(sentence.strip(), where=where())
    return dict(fields)
