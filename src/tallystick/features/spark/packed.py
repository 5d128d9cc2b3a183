"""Records of several sources in one kind of row, as Spark moves them; and back to records on a worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records, arrived_at, key_fields, value_fields
from tallystick.definitions.streams import Source
from tallystick.features.spill.needed import Needed

Ints = NDArray[np.int64]

COLUMNS = ("row", "arrived", "time", "id", "keys", "values")
"""Of every record: its place in the source's files, when it arrived, its instant, and its fields as declared."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Some records as a dataset of their own, numbered from 1 on in the order that they have in the whole.

    Parameters
    ----------
    dataset : the records by source
    requested : shape (n,), the places of those of the spine whose features are asked
    rows, arrived : shape (n,), of these, their place in the files and when they arrived: what names them in the whole
    """

    dataset: Dataset
    requested: Ints
    rows: Ints
    arrived: Ints


def packed(records: Records, rows: Ints) -> dict[str, pa.Array]:
    """Return screened records of one source as columns; ``rows`` are their places in its files.

    Parameters
    ----------
    records : screened, of one source
    rows : shape (n,), their places in its files
    """
    source = records.source
    keys = [_texts(records.keys[name]) for name in key_fields(source)]
    values = [pa.array(of.values, mask=of.missing) for of in (records.values[name] for name in value_fields(source))]
    return {
        "row": pa.array(rows),
        "arrived": pa.array(arrived_at(records)),
        "time": pa.array(records.time),
        "id": records.ids,
        "keys": _lists(keys, len(rows), pa.string()),
        "values": _lists(values, len(rows), pa.int64()),
    }


def kept(source: Source, needed: Needed) -> tuple[list[str], list[str]]:
    """Return the fields of a source that are needed: of its ``keys``, and of its ``values``, in their order.

    Parameters
    ----------
    source : the stream or table
    needed : by source, the fields that somebody looks at
    """
    fields = needed.get(source.name, set())
    return [name for name in key_fields(source) if name in fields], [n for n in value_fields(source) if n in fields]


def unpacked(table: pa.Table, sources: Sequence[Source], spine: str, needed: Needed) -> Unpacked:
    """Return packed records, each with its ``source``'s place and whether it is ``requested``, as a dataset.

    They have the ``needed`` fields only, as ``kept`` says.
    A record that stands there twice is taken once. They are numbered in the order of ``data.numbering``: by arrival,
    then by the source's place, then by row. Only the order matters to features, so each part may count for itself.

    Parameters
    ----------
    table : packed records of several sources
    sources : in the project's order; a record's ``source`` is a place among them
    spine : the name of the one whose records are asked about
    needed : by source, the fields that the records have
    """
    came, place, row = (table.column(name).to_numpy() for name in ("arrived", "source", "row"))
    order = np.lexsort((row, place, came))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(row[order]) != 0) | (np.diff(place[order]) != 0)
    requested = np.zeros(len(order), dtype=bool)
    np.logical_or.at(requested, np.cumsum(first) - 1, table.column("requested").to_numpy(zero_copy_only=False)[order])
    order = order[first]
    position, requested = np.arange(1, len(order) + 1), requested[: len(order)]
    mine = {source.name: np.flatnonzero(place[order] == number) for number, source in enumerate(sources)}
    records = {
        source.name: _records(
            source, table.take(pa.array(order[mine[source.name]])), position[mine[source.name]], kept(source, needed)
        )
        for source in sources
    }
    places = np.flatnonzero(requested[mine[spine]])
    chosen = order[mine[spine]][places]
    return Unpacked(Dataset(records, "", len(order)), places, row[chosen], came[chosen])


def whole(source: Source, table: pa.Table) -> Records:
    """Return packed records of one source with all their fields; what each is known by is its place in the order."""
    return _records(
        source, table, table.column("row").to_numpy(), (list(key_fields(source)), list(value_fields(source)))
    )


def table_of(batches: Iterable[pa.RecordBatch]) -> pa.Table | None:
    """Return all batches as one table, None where there is none."""
    held = [batch for batch in batches if len(batch)]
    return pa.Table.from_batches(held).combine_chunks() if held else None


def _records(source: Source, rows: pa.Table, position: Ints, fields: tuple[list[str], list[str]]) -> Records:
    keys = _columns(rows, "keys", fields[0], pa.string())
    values = _columns(rows, "values", fields[1], pa.int64())
    return Records(
        source,
        position,
        rows.column("time").to_numpy(),
        pc.cast(_single(rows.column("id")), pa.string()),
        {name: _keys(column) for name, column in keys.items()},
        {name: _fixed(column, source.fields[name].decimals) for name, column in values.items()},
    )


def _columns(rows: pa.Table, name: str, fields: Sequence[str], kind: pa.DataType) -> dict[str, pa.Array]:
    """Return the members of equally long lists as columns."""
    flat = pc.cast(_single(rows.column(name)).flatten(), kind)
    starts = np.arange(len(rows)) * len(fields)
    return {field: flat.take(pa.array(starts + i)) for i, field in enumerate(fields)}


def _keys(column: pa.Array) -> EncodedKeys:
    encoded = pc.dictionary_encode(column)
    return EncodedKeys(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), encoded.dictionary)


def _fixed(column: pa.Array, decimals: int) -> FixedPoint:
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    return FixedPoint(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), missing, decimals)


def _texts(keys: EncodedKeys) -> pa.Array:
    return keys.names.take(pa.array(keys.codes, mask=keys.codes < 0))


def _lists(columns: Sequence[pa.Array], n: int, kind: pa.DataType) -> pa.Array:
    """Return columns as one of equally long lists: row by row, as they lie beside each other."""
    width = len(columns)
    flat = pa.concat_arrays([pc.cast(column, kind) for column in columns]) if columns else pa.array([], kind)
    across = np.arange(n * width).reshape(width, n).T.ravel()
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32) * width), flat.take(pa.array(across)))


def _single(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
