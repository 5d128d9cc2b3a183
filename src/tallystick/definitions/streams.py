"""Streams of records, tables of outcomes, and the entities their records belong to."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tallystick.definitions.aggregates import Entity
from tallystick.definitions.durations import microseconds
from tallystick.definitions.expressions import Column, Flagged, KeyColumn, TableColumn, TimeColumn
from tallystick.definitions.fields import Field, Flag, Key, Time
from tallystick.definitions.mistakes import where
from tallystick.errors import DefinitionError, FieldUnknown, LeakRefused, did_you_mean


class StreamDefinition(msgspec.Struct, frozen=True, tag="stream"):
    """Records that happen: each has an id, an instant, and fields. ``source`` says where history lies."""

    name: str
    id: str
    time: str
    fields: dict[str, Field]
    source: str = ""


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
    name : how the stream is called everywhere: in sources, requests, the log
    id : the column that names one record; unique within the stream
    time : the column with the instant the record happened
    source : a Parquet file or a folder of them, relative to the project file
    fields : every further column that matters, by name, with its kind

    Raises
    ------
    DefinitionError
        If a field's kind is none.
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
    ) -> None:
        declared: dict[str, Field] = {id: Key(), time: Time(), **_checked(name, fields, own=(id, time))}
        self.definition = StreamDefinition(name, id, time, declared, source)

    # Which kind of column a name gives is written in `fields`, where no type checker sees it.
    def __getattr__(self, field: str) -> Any:
        if field.startswith("__") or field == "definition":
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> Column | TimeColumn | KeyColumn:
        kind = _kind(self.definition, field)
        if isinstance(kind, Key):
            return KeyColumn(self.definition.name, field)
        return (TimeColumn if isinstance(kind, Time) else Column)(self.definition.name, field)

    def by(self, field: str) -> Entity:
        """Return the entity that records belong to: everything with the same value of a key field.

        Raises
        ------
        DefinitionError
            If the field is not a key.
        """
        if not isinstance(_kind(self.definition, field), Key):
            keys = [name for name, kind in self.definition.fields.items() if isinstance(kind, Key)]
            sentence = f"{field!r} is not a key of {self.definition.name!r}. Its keys are {', '.join(keys)}."
            raise DefinitionError(sentence, where=where())
        return Entity(self.definition.name, field)

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
        if isinstance(reports, TableColumn):
            if known_after is None:
                raise LeakRefused(f"{reports.table}.{reports.field}", where=where())
            after = microseconds(known_after, where=where())
            return Flagged(self.definition.name, reports.table, reports.key, after, reports.field)
        if known_after is not None:
            sentence = "known_after is for a table without times; this stream says when each report became known."
            raise DefinitionError(sentence, where=where())
        if isinstance(reports, Stream) and on is not None:
            if not isinstance(reports[on], KeyColumn):
                sentence = f"on={on!r} must name the key field with the id of the reported record, and it is no key."
                raise DefinitionError(sentence, where=where())
            return Flagged(self.definition.name, reports.definition.name, on)
        if isinstance(reports, Column) and on is not None:
            return Flagged(self.definition.name, reports.stream, on, None, reports.field)
        sentence = (
            f"{self.definition.name}.flagged_by needs a stream of reports and on='the field with the id of the "
            "reported record', or the flag of a table and known_after='7d'."
        )
        raise DefinitionError(sentence, where=where())


class Table:
    """Declare a table of outcomes: one row per judged record, with no instant of its own.

    Parameters
    ----------
    name : how the table is called everywhere
    key : the column with the id of the judged record
    fields : its flags, by name
    source : a Parquet file or a folder of them, relative to the project file

    Raises
    ------
    DefinitionError
        If a field's kind is none.
    FieldUnknown
        If an undeclared column is asked for.

    Examples
    --------
    >>> from tallystick.definitions.fields import flag
    >>> outcomes = Table("outcomes", key="payment_id", fields={"is_fraud": flag})
    >>> outcomes.is_fraud
    TableColumn(table='outcomes', key='payment_id', field='is_fraud')
    """

    definition: TableDefinition

    def __init__(self, name: str, *, key: str, fields: Mapping[str, Field], source: str = "") -> None:
        self.definition = TableDefinition(name, key, {key: Key(), **_checked(name, fields, own=(key,))}, source)

    def __getattr__(self, field: str) -> TableColumn:
        if field.startswith("__") or field == "definition":
            raise AttributeError(field)
        return self[field]

    def __getitem__(self, field: str) -> TableColumn:
        if not isinstance(_kind(self.definition, field), Flag):
            sentence = f"{field!r} of the table {self.definition.name!r} is not a flag, and only flags can be outcomes."
            raise DefinitionError(sentence, where=where())
        return TableColumn(self.definition.name, self.definition.key, field)


def _kind(definition: Source, field: str) -> Field:
    if field not in definition.fields:
        raise FieldUnknown(field, stream=definition.name, found=definition.fields, where=where())
    return definition.fields[field]


def _checked(stream: str, fields: Mapping[str, Field], *, own: tuple[str, ...]) -> dict[str, Field]:
    for name in own:
        if name in fields or own.count(name) > 1:
            sentence = f"The column {name!r} of {stream!r} is declared twice. Its kind follows from id=, time= or key=."
            raise DefinitionError(sentence, where=where())
    for name, kind in fields.items():
        if not isinstance(kind, Field):
            known = ["key", "money", "number", "integer", "flag", "time", "optional"]
            hint = did_you_mean(getattr(kind, "__name__", str(kind)), known)
            sentence = (
                f"The field {name!r} of {stream!r} has no kind: {kind!r}. Write ts.key, ts.flag, ts.time, "
                f"ts.money('EUR'), ts.number(scale=2) or ts.integer(). {hint}"
            )
            raise DefinitionError(sentence.strip(), where=where())
    return dict(fields)
