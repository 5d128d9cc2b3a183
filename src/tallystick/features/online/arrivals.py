"""A dataset's records one by one, in the one order of arrival over all streams."""

from collections.abc import Iterator
from heapq import merge

import pyarrow as pa

from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Record, Records
from tallystick.definitions.streams import TableDefinition

CHUNK = 10_000


def arrivals(dataset: Dataset) -> Iterator[tuple[int, Record]]:
    """Yield every record with its place in the order of arrival, as it would have come in."""
    return merge(*map(_records, dataset.records.values()), key=lambda numbered: numbered[0])


def _records(records: Records) -> Iterator[tuple[int, Record]]:
    timeless = isinstance(records.source, TableDefinition)
    for start in range(0, len(records), CHUNK):
        part = slice(start, start + CHUNK)
        positions, times = records.position[part].tolist(), records.time[part].tolist()
        ids = records.ids[part].to_pylist()
        keys = {name: _names(column, part) for name, column in records.keys.items()}
        values = {name: _values(column, part) for name, column in records.values.items()}
        for row, position in enumerate(positions):
            yield (
                position,
                Record(
                    records.source.name,
                    ids[row],
                    None if timeless else times[row],
                    {name: column[row] for name, column in keys.items()},
                    {name: column[row] for name, column in values.items()},
                ),
            )


def _names(column: EncodedKeys, part: slice) -> list[str | None]:
    codes = column.codes[part]
    names: list[str | None] = column.names.take(pa.array(codes, mask=codes < 0)).to_pylist()
    return names


def _values(column: FixedPoint, part: slice) -> list[int | None]:
    missing = column.missing[part].tolist()
    return [None if gone else value for value, gone in zip(column.values[part].tolist(), missing, strict=True)]
