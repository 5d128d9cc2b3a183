"""Opening a source's files with Spark: the declared columns, and for each row its place among all."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from tallystick.data import columns
from tallystick.definitions.streams import Source
from tallystick.errors import ColumnMissing, ColumnUnusable, EngineUnfit, SourceMissing, SourceUnreadable
from tallystick.features.spark.screening import ROW
from tallystick.features.spark.session import functions

ROWS_OF_A_FILE = 2**40
_ROOT = "^file:/+"  # Spark writes it with one slash here and three there


@dataclass(frozen=True, slots=True)
class RawRows:
    """A source's rows as its files have them.

    Parameters
    ----------
    rows : the declared columns, named by their places, and ``ROW``: the file's number and the row in the file
    files : ``path``, ``file`` (its name), and ``n``, the first ``ROW`` of it
    """

    rows: Any
    files: Any


def open_raw(spark: Any, source: Source, root: Path) -> RawRows:
    """Open a source's files, whose rows count in the order of the files' names.

    Parameters
    ----------
    spark : the session
    source : the stream or table
    root : the project's folder, for a path that is relative

    Raises
    ------
    ColumnMissing, ColumnUnusable, EngineUnfit, SourceMissing, SourceUnreadable
        If files or columns are not what the project declares, or Spark does not read their kind.
    """
    f, place = functions(), _place(source, root)
    frame = _opened(spark, source, place)
    _check_columns(source, frame, place)
    files = sorted((re.sub(_ROOT, "file:///", file) for file in frame.inputFiles()), key=unquote)
    numbers = spark.createDataFrame(
        [(file, unquote(file).rpartition("/")[2], n * ROWS_OF_A_FILE) for n, file in enumerate(files)],
        "path string, file string, n long",
    )
    chosen = [f.col(_quoted(name)).alias(f"r{i}") for i, name in enumerate(source.fields)]
    path = f.regexp_replace("_metadata.file_path", _ROOT, "file:///").alias("path")
    numbered = frame.select(*chosen, path, _row_of_file(place).alias("at")).join(f.broadcast(numbers), "path", "left")
    # A file that came while we looked has no number; it must not pass unseen.
    number = f.coalesce(f.col("n"), f.raise_error(f.lit("a file came while its folder was read")).cast("long"))
    own = [f"r{i}" for i in range(len(source.fields))]
    return RawRows(numbered.select(*own, (number + f.col("at")).alias(ROW)), numbers)


def address(source: str, root: Path) -> str:
    """Return where a source lies, as Spark takes it: an address passes through, a path is within the project.

    Parameters
    ----------
    source : an address, or a path that may be relative
    root : the project's folder

    Examples
    --------
    >>> address("hdfs://bank/payments/", Path("/project"))
    'hdfs://bank/payments/'
    >>> address("s3://bank/payments/", Path("/project"))  # by the name of Spark's connector
    's3a://bank/payments/'
    >>> address("data/payments.parquet", Path("/project"))
    '/project/data/payments.parquet'
    """
    if is_address(source):
        return re.sub("^s3://", "s3a://", source)
    return str((root / source).resolve())


def put(spark: Any, place: str, content: bytes) -> None:
    """Write a small file where Spark's connectors reach, or in a folder of this machine.

    Parameters
    ----------
    spark : a session
    place : a path, or an address such as ``s3a://bank/features/_common_metadata``
    content : the whole file
    """
    if not is_address(place):
        Path(place).write_bytes(content)
        return
    path = spark._jvm.org.apache.hadoop.fs.Path(place)  # noqa: SLF001 - no other door to the connectors
    opened = path.getFileSystem(spark._jsc.hadoopConfiguration()).create(path, True)  # noqa: SLF001
    opened.write(bytearray(content))
    opened.close()


def is_address(place: str) -> bool:
    """Return whether a place is told with the connector that reaches it, such as ``s3a://bank/payments``."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place) is not None


def _place(source: Source, root: Path) -> str:
    if not source.source:
        raise SourceMissing(source.name, path="", reason="the project file gives it no source=")
    place = address(source.source, root)
    is_table = source.source.startswith(("delta:", "iceberg:")) or source.source.endswith(".metadata.json")
    if is_table or (Path(place) / "_delta_log").is_dir():
        reason = f"{source.name!r} is the table {source.source!r}, and this engine reads Parquet and CSV"
        raise EngineUnfit("spark", reason=reason)
    return place


def _opened(spark: Any, source: Source, place: str) -> Any:
    reader = spark.read
    try:
        if _is_csv(place):
            # A file in one piece: quoted line breaks stay within their row, and rows keep their order.
            strict = {"mode": "FAILFAST", "enforceSchema": False}
            return _but_empty(reader.csv(place, header=True, multiLine=True, escape='"', **strict))
        return reader.parquet(place)
    except Exception as error:
        message = str(error)
        if "PATH_NOT_FOUND" in message:
            raise SourceMissing(source.name, path=place, reason="there is no such file or folder") from None
        if "UNABLE_TO_INFER_SCHEMA" in message:
            raise SourceMissing(source.name, path=place, reason="the folder holds no Parquet file") from None
        if "[" not in message:
            raise
        reason = message.partition("\n")[0].partition("] ")[2].partition(" SQLSTATE")[0].rstrip(". ") or message
        raise SourceUnreadable(source.name, path=place, reason=reason) from None


def _but_empty(frame: Any) -> Any:
    """Take empty texts as missing, which is all that CSV can say."""
    f = functions()
    return frame.withColumns({name: f.nullif(f.col(_quoted(name)), f.lit("")) for name in frame.columns})


def _is_csv(place: str) -> bool:
    return place.rstrip("/").endswith((".csv", ".csv.gz"))


def _row_of_file(place: str) -> Any:
    f = functions()
    return f.monotonically_increasing_id() % (2**33) if _is_csv(place) else f.col("_metadata.row_index")


def _check_columns(source: Source, frame: Any, place: str) -> None:
    found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    for name, field in source.fields.items():
        if name not in found:
            raise ColumnMissing(source.name, name, path=place, found=found)
        kind = _ARROW.get(found[name].partition("(")[0])
        if kind is None or not columns.is_readable(field, kind):
            declared = type(field).__name__.lower()
            raise ColumnUnusable(source.name, name, found=found[name], kind=declared, allowed=columns.readable(field))


_ARROW = {
    "string": pa.string(),
    "varchar": pa.string(),
    "char": pa.string(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "decimal": pa.decimal128(38, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "void": pa.null(),
}


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
