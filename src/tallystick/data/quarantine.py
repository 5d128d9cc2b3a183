"""Where refused rows go: a Parquet file with every column as it came, as text, and every reason."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tallystick.data.refusals import RefusedRows
from tallystick.durable import replacing
from tallystick.errors import DataUnwritable


def write(folder: Path, source: str, origin: pa.Table, rows: pa.Table, refused: RefusedRows) -> Path:
    """Write the refused rows of a source, whole or not at all, and return the file.

    The same rows and reasons give the same file, so that a second run adds nothing.

    Parameters
    ----------
    folder : the quarantine
    source : the stream's or table's name
    origin : for each refused row, its ``file`` and, counted from 0, its ``row`` in it
    rows : the refused rows with all columns of their files
    refused : why they are

    Raises
    ------
    DataUnwritable
        If the folder or the disk does not take the file.
    """
    sentences = pa.array(
        [[reason.sentence for reason in reasons] for reasons in refused.reasons], pa.list_(pa.string())
    )
    own = {"file": origin.column("file"), "row": origin.column("row"), "reasons": sentences}
    others = [name for name in rows.column_names if name not in own]
    found = {name if name in others else free_name(name, [*own, *others]): name for name in rows.column_names}
    table = pa.table(own | {name: column_as_texts(rows.column(column)) for name, column in found.items()})
    # The name holds a digest of the content: the same run twice leaves one file, and no run overwrites another.
    path = folder / f"{quote(source, safe='')}-{_fingerprint(table)}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            pq.write_table(table, unfinished)
    except OSError as error:
        raise DataUnwritable(path, reason=str(error)) from error
    return path


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken: the name itself, or with ``_found`` behind it.

    Parameters
    ----------
    name : what the column would be called
    taken : the names that others have

    Examples
    --------
    >>> free_name("row", ["row"])
    'row_found'
    """
    while name in taken:
        name = f"{name}_found"
    return name


def column_as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
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
