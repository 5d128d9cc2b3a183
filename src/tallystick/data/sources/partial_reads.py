"""A piece of a source in parts of so many rows: Parquet is read part by part, other formats whole and then cut."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from tallystick.data.sources.parquet_file import ParquetFile
from tallystick.data.sources.piece import Piece


def read_in_parts(piece: Piece, fields: Sequence[str], most: int) -> Iterator[pa.Table]:
    """Yield the declared columns of all rows of a piece in their order, at most ``most`` rows at a time.

    Parameters
    ----------
    piece : the file
    fields : the declared columns
    most : rows of a part; what bounds the memory only where the format can be read in parts
    """
    if isinstance(piece, ParquetFile):
        yield from piece.parts(fields, most)
        return
    whole = piece.read(fields)
    for start in range(0, len(whole), most):
        yield whole.slice(start, most)


def n_rows(piece: Piece) -> int | None:
    """Return how many rows a piece has, where its format says so before they are read."""
    return piece.n_rows() if isinstance(piece, ParquetFile) else None
