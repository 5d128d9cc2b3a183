"""Where refused rows go: a Parquet file with every column as it came, as text, and every reason."""

import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.data.reasons import Refused

_OWN = ("file", "row", "reasons")


def write(folder: Path, source: str, origin: pa.Table, rows: pa.Table, refused: Refused) -> Path:
    """Write the refused rows of a source, whole or not at all, and return the file.

    The same rows and reasons give the same file, so that a second run adds nothing.

    Parameters
    ----------
    folder : the quarantine
    source : the stream's or table's name
    origin : for each refused row, its ``file`` and, counted from 0, its ``row`` in it
    rows : the refused rows with all columns of their files
    refused : why they are
    """
    told = pa.array([[reason.sentence for reason in reasons] for reasons in refused.reasons], pa.list_(pa.string()))
    own = {"file": origin.column("file"), "row": origin.column("row"), "reasons": told}
    content = own | {_free(name): as_texts(rows.column(name)) for name in rows.column_names}
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(content)
    path = folder / f"{source}-{_fingerprint(table)}.parquet"
    unfinished = folder / f".{path.name}.{os.getpid()}"
    pq.write_table(table, unfinished)
    unfinished.replace(path)
    return path


def _free(name: str) -> str:
    return f"{name}_found" if name in _OWN else name


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as texts, null where it is null."""
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # Lists, structs and bytes have no text in Arrow; what Python shows of them is enough to find the row.
        return pa.chunked_array([[None if value is None else str(value) for value in column.to_pylist()]], pa.string())


def _fingerprint(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:16]
