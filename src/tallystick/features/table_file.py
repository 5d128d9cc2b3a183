"""Feature tables on disk: one Parquet file, or a folder of them, with a header that says what they were made from.

A file carries its header in its own key-value metadata; a folder of files that many workers wrote, in a file
``_common_metadata``, as Parquet's own convention has it. Any reader of Parquet reads them, and passes that file over.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tallystick.errors import TableColumnsMissing, TableDamaged, TableFormatUnknown, TableUnreadable
from tallystick.features.checksum import added, checksum
from tallystick.features.table import FeatureTable, Origin, digest_of_table, own_columns, schema

FORMAT = 1
KEY = b"tallystick"
COMMON = "_common_metadata"

HOW = {"compression": "snappy", "use_dictionary": False, "write_statistics": False}
"""Snappy makes the book's table a third of its size for a sixth of a second; zstd would take four times that. Doubles
seldom repeat, so they are not dictionary-encoded, and no statistics are kept of them."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a table's files say of themselves.

    Parameters
    ----------
    format : 1; it tells how to read the rest
    plan, data : digests of what the table was made from
    features : each feature's name and the digest of its expression, in the order declared
    id_field : what the spine calls its ids
    rows, first, last : how many rows there are, and the first and the last place in the order of arrival
    checksum : of all rows, sixteen hex characters
    """

    format: int = FORMAT
    plan: str
    data: str
    features: tuple[tuple[str, str], ...]
    id_field: str
    rows: int
    first: int
    last: int
    checksum: str

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order declared."""
        return tuple(name for name, _ in self.features)

    @property
    def origin(self) -> Origin:
        """What the table was made from."""
        return Origin(self.plan, self.data, dict(self.features))

    @property
    def digest(self) -> str:
        """The table's digest, as ``FeatureTable`` tells it."""
        return digest_of_table(self.origin, self.rows, self.first, self.last)

    def to_metadata(self) -> dict[bytes, bytes]:
        """Return it as Parquet keeps it."""
        return {KEY: msgspec.json.encode(self)}


@dataclass(slots=True)
class Rows:
    """What a header says of rows, as they come: how many, first and last place, checksum."""

    n: int = 0
    first: int = 0
    last: int = 0
    checksum: int = 0

    def add(self, ids: pa.Array, position: NDArray[np.int64], time: NDArray[np.int64], values: Any) -> None:
        """Take the rows that come next."""
        if len(position):
            edges = int(position.min()), int(position.max())
            self.join(Rows(len(position), *edges, checksum(ids, position, time, values)))

    def join(self, other: "Rows") -> None:
        """Take what was summed up elsewhere."""
        if other.n:
            self.first = min(self.first, other.first) if self.n else other.first
            self.last = max(self.last, other.last) if self.n else other.last
            self.n += other.n
            self.checksum = added((self.checksum, other.checksum))

    def header(self, origin: Origin, names: Sequence[str], id_field: str) -> Header:
        """Return the header of all rows that came."""
        return Header(
            plan=origin.plan,
            data=origin.data,
            features=tuple((name, origin.meanings.get(name, "")) for name in names),
            id_field=id_field,
            rows=self.n,
            first=self.first,
            last=self.last,
            checksum=f"{self.checksum:016x}",
        )


class TableWriter:
    """A table's file, written piece by piece; what it was made from may be known only at the end.

    Parameters
    ----------
    path : the file
    names : the features, in the order declared
    id_field : what the spine calls its ids
    """

    def __init__(self, path: Path, names: Sequence[str], id_field: str) -> None:
        self._names, self._id_field, self._rows = tuple(names), id_field, Rows()
        # What rises is written as its steps, which are small.
        steps = dict.fromkeys(own_columns(id_field, names)[1:], "DELTA_BINARY_PACKED")
        self._file = pq.ParquetWriter(path, schema(id_field, names), column_encoding=steps, **HOW)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, piece: FeatureTable) -> None:
        """Write the rows that come next, in the order of arrival."""
        if len(piece):
            self._rows.add(piece.ids, piece.position, piece.time, piece.values)
            self._file.write_table(piece.to_arrow(), row_group_size=min(len(piece), 1 << 20))

    def finish(self, origin: Origin) -> Header:
        """Write what the rows were made from, and return the header."""
        header = self._rows.header(origin, self._names, self._id_field)
        self._file.add_key_value_metadata(header.to_metadata())
        return header


def write(table: FeatureTable, path: Path) -> Header:
    """Write a table as one Parquet file, whole or not at all.

    Parameters
    ----------
    table : what to write
    path : the file; one that is there is replaced
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with TableWriter(unfinished, table.names, table.id_field) as file:
            file.add(table)
            header = file.finish(table.origin)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return header


def common_bytes(header: Header) -> bytes:
    """Return the content of a folder's ``_common_metadata``: the columns of its files, and their header."""
    sink = pa.BufferOutputStream()
    pq.write_metadata(schema(header.id_field, header.names).with_metadata(header.to_metadata()), sink)
    return bytes(sink.getvalue())


def read_header(path: Path) -> Header:
    """Return what a table was made from; no column is read.

    Parameters
    ----------
    path : a file, or a folder of files with ``_common_metadata``

    Raises
    ------
    TableUnreadable
        If there is no such file, or it is no table.
    TableFormatUnknown
        If another version wrote it.
    """
    lies = path / COMMON if path.is_dir() else path
    if not lies.is_file():
        reason = f"it has no {COMMON}, which says what it was made from" if path.is_dir() else "there is no such file"
        raise TableUnreadable(path, reason=reason)
    with _parquet(path):
        kept = pq.read_metadata(lies).metadata or {}
    if KEY not in kept:
        raise TableUnreadable(path, reason="nothing in it says what it was made from")
    try:
        number = msgspec.json.decode(kept[KEY], type=_Number).format
        if number not in READERS:
            raise TableFormatUnknown(path, found=number, known=list(READERS))
        return READERS[number](kept[KEY])
    except msgspec.MsgspecError as error:
        raise TableUnreadable(path, reason=f"what it says of itself cannot be read ({error})") from None


def read(path: Path) -> FeatureTable:
    """Read a table, in order of arrival, and hold its rows to its checksum.

    It notices every change of a row, and rows that went or came; not who changed rows and checksum together.

    Parameters
    ----------
    path : a file, or a folder of files with ``_common_metadata``

    Raises
    ------
    TableUnreadable, TableFormatUnknown
        If it is no table of this version.
    TableColumnsMissing
        If a file lacks a column.
    TableDamaged
        If its rows are others than were written.
    """
    header = read_header(path)
    ids: list[pa.Array] = []
    position, time = (np.empty(header.rows, np.int64) for _ in range(2))
    values = np.empty((header.rows, len(header.features)), np.float64)
    start = 0
    for file in _files(path):
        with _parquet(path), pq.ParquetFile(file) as opened:
            n = int(opened.metadata.num_rows)
            if start + n > header.rows:
                raise TableDamaged(path, reason=f"it has more than its {header.rows:,} rows")
            _require(path, header, opened.schema_arrow)
            rows = slice(start, start + n)
            ids += _filled(opened, header, position[rows], time[rows], values[rows])
        start += n
    if start != header.rows:
        raise TableDamaged(path, reason=f"{header.rows - start:,} of its {header.rows:,} rows are not there")
    table = FeatureTable(header.names, _united(ids), position, time, values, header.id_field, header.origin)
    found = checksum(table.ids, position, time, values)
    if f"{found:016x}" != header.checksum:
        raise TableDamaged(
            path, reason=f"its rows have the checksum {found:016x} and were written with {header.checksum}"
        )
    steps = np.diff(position)
    return table if bool(np.all(steps > 0)) else table.taken(np.argsort(position, kind="stable"))


def _read_1(content: bytes) -> Header:
    return msgspec.json.decode(content, type=Header)


READERS: dict[int, Callable[[bytes], Header]] = {1: _read_1}
"""One for each format that there ever was."""


class _Number(msgspec.Struct):
    """The one field that every format has."""

    format: int


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


@contextmanager
def _parquet(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise TableUnreadable(path, reason=str(error).partition("\n")[0]) from error


def _require(path: Path, header: Header, found: pa.Schema) -> None:
    wanted = schema(header.id_field, header.names)
    if lacking := [name for name in wanted.names if name not in found.names]:
        raise TableColumnsMissing(path, lacking=lacking, found=found.names)
    for field in wanted:
        if found.field(field.name).type != field.type:
            reason = f"the column {field.name!r} is {found.field(field.name).type} and was {field.type}"
            raise TableDamaged(path, reason=reason)


def _filled(file: pq.ParquetFile, header: Header, position: Any, time: Any, values: Any) -> list[pa.Array]:
    """Read a file column by column into arrays that are there, and return its ids."""
    named, placed, instant = own_columns(header.id_field, header.names)

    def column(name: str) -> pa.ChunkedArray:
        return file.read(columns=[name]).column(name)

    _into(position, column(placed))
    _into(time, column(instant).cast(pa.int64()))
    for i, name in enumerate(header.names):
        _into(values[:, i], pc.fill_null(column(name), np.nan))
    return list(column(named).chunks)


def _into(out: Any, column: pa.ChunkedArray) -> None:
    start = 0
    for chunk in column.chunks:
        out[start : start + len(chunk)] = chunk.fill_null(0).to_numpy() if chunk.null_count else chunk.to_numpy()
        start += len(chunk)


def _united(ids: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(ids) if ids else pa.array([], pa.string())
