"""What ``source=`` may say: a path, or an address with the name of its format or store before it."""

from pathlib import Path

from tallystick.data.sources import delta, files, iceberg, s3
from tallystick.data.sources.piece import Piece
from tallystick.definitions.streams import Source
from tallystick.errors import SourceMissing


def pieces(source: Source, root: Path) -> list[Piece]:
    """Return the pieces of a source, in the order in which their rows count.

    Parameters
    ----------
    source : what is read. Its ``source`` is a Parquet or CSV file or a folder of them; ``s3://bucket/...`` for the
        same in an object store; ``delta:PATH`` or a folder with a ``_delta_log``; ``iceberg:CATALOG.NAMESPACE.TABLE``
        or ``iceberg:PATH`` or a path that ends in ``.metadata.json``
    root : the project's folder, which paths are relative to

    Raises
    ------
    SourceMissing
        If the project gives no address, or one of an unknown kind.
    SourceMissing, SourceUnreadable, SourceAway, ReaderMissing
        If there is nothing to read, or no way to it.
    """
    address = source.source
    if not address:
        raise SourceMissing(source.name, path="", reason="the project file gives it no source=")
    kind, _, rest = address.partition(":")
    if kind == "delta":
        return delta.pieces(source, rest if "://" in rest else str(root / rest))
    if kind == "iceberg":
        return iceberg.pieces(source, rest, root)
    # Spark's connector says s3a, and one project file serves both.
    if kind in {"s3", "s3a"} and rest.startswith("//"):
        return s3.pieces(source)
    # An unknown scheme taken as a path would be told as a file that is missing.
    if rest.startswith("//"):
        reason = f"nothing reads addresses that begin with {kind!r}; known are s3://, delta: and iceberg:"
        raise SourceMissing(source.name, path=address, reason=reason)
    path = root / address
    if (path / "_delta_log").is_dir():
        return delta.pieces(source, str(path))
    return (
        iceberg.pieces(source, address, root)
        if address.endswith(".metadata.json")
        else files.local_pieces(source, path)
    )
