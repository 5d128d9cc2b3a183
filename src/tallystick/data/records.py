"""Screened records in memory: exact whole numbers, dictionary-encoded keys, and one order over all streams."""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.definitions.fields import Field, Key
from tallystick.definitions.streams import Source, StreamDefinition

BEGINNING_US = -(2**59)
"""The instant of a static table's rows, before every other: they have always held, and are first in the order."""


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """A column of fixed-point numbers.

    Parameters
    ----------
    values : shape (n,), int64, in units of the last declared digit (cents for EUR); 0 where missing
    missing : shape (n,), True where there is no value
    decimals : digits after the point
    """

    values: NDArray[np.int64]
    missing: NDArray[np.bool_]
    decimals: int

    def in_units(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers of some rows in their units (euros for EUR), missing as NaN."""
        return np.where(self.missing[rows], np.nan, self.values[rows] / 10**self.decimals)


@dataclass(frozen=True, slots=True)
class EncodedKeys:
    """A column of keys.

    Parameters
    ----------
    codes : shape (n,), int32: place of each row's key among ``names``, -1 where missing
    names : canonical texts, each once, as an Arrow string array
    """

    codes: NDArray[np.int32]
    names: pa.Array


@dataclass(frozen=True, slots=True)
class Records:
    """All screened records of one stream or table, in order of their positions.

    Parameters
    ----------
    source : the definition they obey
    position : shape (n,), int64, rising: place of each record in the one order of arrival over all streams
    time : shape (n,), int64: instant of the event; from when a dated row holds, ``BEGINNING_US`` for a static one; for
        a table of outcomes, when each became known
    ids : canonical id of each record, an Arrow string array: a table's key, and for a dated one key and instant
    keys : key fields by name; a stream's id is not among them, a table's key is
    values : money, number, integer and flag fields by name; further time fields too, in microseconds, and among them
        the instant of arrival where the stream declares one
    """

    source: Source
    position: NDArray[np.int64]
    time: NDArray[np.int64]
    ids: pa.Array
    keys: dict[str, EncodedKeys]
    values: dict[str, FixedPoint]

    def __len__(self) -> int:
        return len(self.position)

    def taken(self, rows: NDArray[np.int64]) -> "Records":
        """Return some rows, in the order asked for."""
        return Records(
            self.source,
            self.position[rows],
            self.time[rows],
            self.ids.take(pa.array(rows)),
            {name: EncodedKeys(keys.codes[rows], keys.names) for name, keys in self.keys.items()},
            {name: FixedPoint(of.values[rows], of.missing[rows], of.decimals) for name, of in self.values.items()},
        )

    def sliced(self, begin: int, end: int) -> "Records":
        """Return some rows that lie together; nothing is copied.

        Parameters
        ----------
        begin : the first row
        end : the first that is not among them
        """
        rows = slice(begin, end)
        return Records(
            self.source,
            self.position[rows],
            self.time[rows],
            self.ids[rows],
            {name: EncodedKeys(keys.codes[rows], keys.names) for name, keys in self.keys.items()},
            {name: FixedPoint(of.values[rows], of.missing[rows], of.decimals) for name, of in self.values.items()},
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One screened record, not numbered yet.

    Parameters
    ----------
    stream : the stream's or table's name
    id : its canonical id
    time : instant of the event; None for an outcome of a table, whose instant follows from the event it judges
    keys : canonical texts by field, None where missing
    values : whole numbers by field in units of the last declared digit, None where missing
    """

    stream: str
    id: str
    time: int | None
    keys: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything that was read, in one order.

    Parameters
    ----------
    records : by the name of their stream or table, in the project's order
    fingerprint : digest of the content: the same rows in the same order give the same, whatever file held them
    last_position : the highest position
    """

    records: dict[str, Records]
    fingerprint: str
    last_position: int


def id_field(source: Source) -> str:
    """Return the field that names one record: a stream's id, a table's key; empty for a dated or static table."""
    return source.id if isinstance(source, StreamDefinition) else source.key


def time_field(source: Source) -> str | None:
    """Return the field with a record's own instant; outcomes and static rows have none."""
    return (source.time or None) if isinstance(source, StreamDefinition) else None


def arrival_field(source: Source) -> str | None:
    """Return the field with the instant a record arrived, where the source declares one."""
    return (source.arrived or None) if isinstance(source, StreamDefinition) else None


def arrived_at(records: Records) -> NDArray[np.int64]:
    """Return when each record arrived, as far as its stream says: else when it happened; shape (n,)."""
    field = arrival_field(records.source)
    return records.time if field is None else records.values[field].values


def known_at(records: Records) -> NDArray[np.int64]:
    """Return from when on each record was known: when it had both happened and arrived; shape (n,)."""
    # Clocks differ: a record can claim to have arrived a little before it happened.
    return np.maximum(records.time, arrived_at(records))


def key_fields(source: Source) -> tuple[str, ...]:
    """Return the key fields that records carry: all but a stream's own id."""
    own = source.id if isinstance(source, StreamDefinition) else ""
    return tuple(name for name, field in source.fields.items() if isinstance(field, Key) and name != own)


def value_fields(source: Source) -> dict[str, Field]:
    """Return the fields with a number that records carry, by name: all but the keys and their own instant."""
    own = time_field(source)
    return {name: field for name, field in source.fields.items() if not isinstance(field, Key) and name != own}


def id_of(source: Source, key: str, time: int) -> str:
    """Return the id of a dated or static table's row: a version is named by its key and the instant it holds from.

    Parameters
    ----------
    source : the table; dated, or the key alone is the id
    key : the canonical text of the row's key
    time : the instant the row holds from, microseconds since 1970 UTC

    Examples
    --------
    >>> from tallystick.definitions.fields import key, money
    >>> from tallystick.definitions.streams import Table
    >>> profiles = Table("profiles", key="customer_id", valid_from="updated_at", fields={"limit": money("EUR")})
    >>> id_of(profiles.definition, "596", 1_000_000)
    '596@1000000'
    """
    # Two versions of one customer are two records, and the same version read twice is one.
    return f"{key}@{time}" if time_field(source) else key


def is_same(one: Record, other: Record, source: Source) -> bool:
    """Return whether two readings are one record: they agree in all but when it arrived.

    Parameters
    ----------
    one, other : records of the source under one id
    source : their stream or table
    """
    arrived = arrival_field(source)
    if arrived is None:
        return one == other
    values = ({name: v for name, v in record.values.items() if name != arrived} for record in (one, other))
    return replace(one, values=next(values)) == replace(other, values=next(values))
