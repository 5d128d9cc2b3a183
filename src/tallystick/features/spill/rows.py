"""Screened records as rows on a disk, with the fields that are needed, and back to records."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Fixed, Keys, Records, id_field, key_fields, value_fields
from tallystick.definitions.streams import Source

Ints = NDArray[np.int64]

ROW = "@row"
"""A record's place among all rows of its source's files, refused ones too."""

TIME = "@time"


def schema(source: Source, fields: Iterable[str]) -> pa.Schema:
    """Return the columns of a source's rows: ``ROW``, ``TIME``, and the fields that are needed.

    Parameters
    ----------
    source : the stream or table
    fields : key and value fields, and the id where it is needed
    """
    own = id_field(source)
    keys = [(name, pa.string()) for name in _ordered(source, fields) if name == own or name in key_fields(source)]
    values = [(name, pa.int64()) for name in _ordered(source, fields) if name in value_fields(source)]
    return pa.schema([(ROW, pa.int64()), (TIME, pa.int64()), *keys, *values])


def packed(records: Records, rows: Ints, kind: pa.Schema) -> pa.RecordBatch:
    """Return screened records as rows of a schema; ``rows`` are their places in the source's files.

    Parameters
    ----------
    records : screened, of one source
    rows : shape (n,), their places in its files
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
    """Return rows as records, not numbered; where each lies in its source's files is a value called ``ROW``.

    Parameters
    ----------
    source : the stream or table
    rows : with the columns of ``schema``
    """
    own, held = id_field(source), {name: _single(rows.column(name)) for name in rows.column_names}
    n = len(rows)
    ids = held.get(own, pa.nulls(n, pa.string()))
    keys = {name: _keys(held[name]) for name in key_fields(source) if name in held and name != own}
    if own in held and own in key_fields(source):  # a table's key is its id
        keys[own] = Keys(np.arange(n, dtype=np.int32), ids)
    values = {name: _fixed(held[name], field.decimals) for name, field in value_fields(source).items() if name in held}
    places = Fixed(held[ROW].to_numpy(), np.zeros(n, np.bool_), 0)
    return Records(source, np.zeros(n, np.int64), held[TIME].to_numpy(), ids, keys, values | {ROW: places})


def united(tables: Sequence[pa.Table]) -> pa.Table:
    """Return rows of several tables in the order of their places, each once."""
    if len(tables) == 1:
        return tables[0]
    combined = pa.concat_tables(tables)
    # A row may be an event and ask, or report as well: it is one record, and ``unique`` gives them by place, rising.
    _, first = np.unique(combined.column(ROW).to_numpy(), return_index=True)
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
    return rows.filter(pa.array(~among(rows.column(ROW).to_numpy(), dropped)))


def among(places: Ints, some: Ints) -> NDArray[np.bool_]:
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
    if field == id_field(records.source):
        return records.ids
    keys = records.keys[field]
    missing = keys.codes < 0
    return keys.names.take(pa.array(keys.codes, mask=missing if missing.any() else None))


def _ordered(source: Source, fields: Iterable[str]) -> list[str]:
    wanted = set(fields)
    return [name for name in source.fields if name in wanted]


def _keys(column: pa.Array) -> Keys:
    encoded = pc.dictionary_encode(column)
    codes = encoded.indices if not encoded.indices.null_count else pc.fill_null(encoded.indices, -1)
    return Keys(codes.to_numpy(zero_copy_only=False), encoded.dictionary)


def _fixed(column: pa.Array, decimals: int) -> Fixed:
    if not column.null_count:
        return Fixed(column.to_numpy(), np.zeros(len(column), np.bool_), decimals)
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    return Fixed(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), missing, decimals)


def _single(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
