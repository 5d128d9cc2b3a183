"""Screened records as rows on a disk, with the fields that are needed, and back to records."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import EncodedKeys, FixedPoint, Records, id_field, key_fields, value_fields
from tallystick.definitions.streams import Source

Ints = NDArray[np.int64]

ROW = "@row"
"""What a record is known by: its place in the order of arrival, or before it has one, in its source's files."""

TIME = "@time"

ID = "@id"
"""A dated or static row's id, which no field holds."""


def schema(source: Source, fields: Collection[str]) -> pa.Schema:
    """Return the columns of a source's rows: ``ROW``, ``TIME``, and the fields that are needed.

    Parameters
    ----------
    source : the stream or table
    fields : key and value fields, and the id where it is needed, which is ``ID`` where no field holds it
    """
    own = id_field(source)
    ids = [(ID, pa.string())] if not own and ID in fields else []
    keys = [(name, pa.string()) for name in _ordered(source, fields) if name == own or name in key_fields(source)]
    values = [(name, pa.int64()) for name in _ordered(source, fields) if name in value_fields(source)]
    return pa.schema([(ROW, pa.int64()), (TIME, pa.int64()), *ids, *keys, *values])


def packed(records: Records, rows: Ints, kind: pa.Schema) -> pa.RecordBatch:
    """Return screened records as rows of a schema.

    Parameters
    ----------
    records : screened, of one source
    rows : shape (n,), what each is known by: its place in the order of arrival, or before it has one, in its files
    kind : the columns, as ``schema`` returned them
    """
    columns = {ROW: pa.array(rows), TIME: pa.array(records.time)}
    for name in kind.names[2:]:
        if name in records.values:
            of = records.values[name]
            columns[name] = pa.array(of.values, mask=of.missing if of.missing.any() else None)
        else:
            # Texts, not codes: codes are numbers within one part of the files, and rows of many parts meet here.
            columns[name] = texts_of(records, name)
    return pa.RecordBatch.from_arrays([columns[name] for name in kind.names], schema=kind)


def unpacked(source: Source, rows: pa.Table) -> Records:
    """Return rows as records whose place in the order of arrival is what each row is known by.

    Parameters
    ----------
    source : the stream or table
    rows : with the columns of ``schema``
    """
    own, held = id_field(source) or ID, {name: _single(rows.column(name)) for name in rows.column_names}
    n = len(rows)
    ids = held.get(own, pa.nulls(n, pa.string()))
    keys = {name: _keys(held[name]) for name in key_fields(source) if name in held and name != own}
    if own in held and own in key_fields(source):  # a table's key is its id
        keys[own] = EncodedKeys(np.arange(n, dtype=np.int32), ids)
    values = {name: _fixed(held[name], field.decimals) for name, field in value_fields(source).items() if name in held}
    return Records(source, held[ROW].to_numpy(), held[TIME].to_numpy(), ids, keys, values)


def united(tables: Sequence[pa.Table]) -> pa.Table:
    """Return rows of several tables in the order of their places, each once."""
    combined = pa.concat_tables(tables)
    rows = combined.column(ROW).to_numpy()
    if bool(np.all(rows[1:] > rows[:-1])):
        return combined
    # A row may be an event and ask, or report as well: it is one record, and ``unique`` gives them by place, rising.
    _, first = np.unique(rows, return_index=True)
    return combined.take(pa.array(first))


def without(rows: pa.Table, dropped: Ints) -> pa.Table:
    """Return rows but those whose places are among some, which rise.

    Parameters
    ----------
    rows : with a column ``ROW``
    dropped : places of rows to be left out, rising
    """
    if not len(dropped) or not len(rows):
        return rows
    return rows.filter(pa.array(~is_among(rows.column(ROW).to_numpy(), dropped)))


def is_among(places: Ints, some: Ints) -> NDArray[np.bool_]:
    """Return which places are among some, which rise; shape (n,).

    Parameters
    ----------
    places : shape (n,), in any order
    some : rising
    """
    if not len(some):
        return np.zeros(len(places), np.bool_)
    # Beyond the last there is nothing to compare with, and the last is not equal.
    at = np.minimum(np.searchsorted(some, places), len(some) - 1)
    found: NDArray[np.bool_] = some[at] == places
    return found


def texts_of(records: Records, field: str) -> pa.Array:
    """Return a key field's texts, or the ids.

    Parameters
    ----------
    records : of one source
    field : a key field, or the id
    """
    if field in {id_field(records.source), ID}:
        return records.ids
    keys = records.keys[field]
    missing = keys.codes < 0
    return keys.names.take(pa.array(keys.codes, mask=missing if missing.any() else None))


def _ordered(source: Source, fields: Collection[str]) -> list[str]:
    wanted = set(fields)
    return [name for name in source.fields if name in wanted]


def _keys(column: pa.Array) -> EncodedKeys:
    encoded = pc.dictionary_encode(column)
    codes = encoded.indices if not encoded.indices.null_count else pc.fill_null(encoded.indices, -1)
    return EncodedKeys(codes.to_numpy(zero_copy_only=False), encoded.dictionary)


def _fixed(column: pa.Array, decimals: int) -> FixedPoint:
    if not column.null_count:
        return FixedPoint(column.to_numpy(), np.zeros(len(column), np.bool_), decimals)
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    return FixedPoint(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), missing, decimals)


def _single(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
