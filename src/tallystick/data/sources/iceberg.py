"""Iceberg tables, through pyiceberg: the data files of the current snapshot, in the order of their commits."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.data.sources.piece import Piece, read_error, reader_library, require_columns, sentence_of, validated
from tallystick.definitions.streams import Source
from tallystick.errors import SourceAway, SourceMissing

_CATALOG = (
    "Name the catalog as pyiceberg does (in .pyiceberg.yaml, or by PYICEBERG_CATALOG__{name}__URI), "
    "see that it answers, and try again."
)


@dataclass(frozen=True, slots=True)
class IcebergFile:
    """A data file of an Iceberg table, with the table's current columns and without its deleted rows."""

    source: Source
    table: Any
    task: Any

    @property
    def name(self) -> str:
        """The data file's name."""
        return str(self.task.file.file_path).rpartition("/")[2]

    def read(self, fields: Sequence[str]) -> pa.Table:
        """Return the declared columns of all rows."""
        names = [column.name for column in self.table.schema().fields]
        require_columns(self.source, self.source.source, names, fields)
        return validated(self.source, self.source.source, self._table(self.table.schema().select(*fields)))

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column of the rows at some places."""
        return self._table(self.table.schema()).take(places)

    def _table(self, schema: Any) -> pa.Table:
        reader = reader_library("pyiceberg.io.pyarrow", self.source, extra="iceberg")
        always = reader_library("pyiceberg.expressions", self.source, extra="iceberg").AlwaysTrue()
        try:
            # File by file, so that a refused row is found again in its file; the reader applies deletes and older
            # schemas.
            return reader.ArrowScan(self.table.metadata, self.table.io, schema, always).to_table([self.task])
        except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
            reason = f"its file {self.name} is not readable ({sentence_of(error)})"
            raise read_error(self.source, self.source.source, error, reason) from error


def pieces(source: Source, address: str, root: Path) -> list[Piece]:
    """Return the data files of a table: those of the earliest commit come first.

    Parameters
    ----------
    source : what is read
    address : ``CATALOG.NAMESPACE.TABLE`` as pyiceberg's configuration names them, or a table's ``.metadata.json``,
        or its folder, whose ``metadata/version-hint.text`` then names the metadata
    root : what a path is relative to

    Raises
    ------
    SourceMissing
        If there is no such table.
    SourceAway
        If the catalog is not configured or does not answer.
    SourceUnreadable
        If its metadata cannot be read.
    ReaderMissing
        If pyiceberg is not installed.
    """
    reader_library("pyiceberg", source, extra="iceberg")
    is_path = "/" in address or address.endswith(".metadata.json") or (root / address).is_dir()
    table = _of_metadata(source, address, root) if is_path else _of_catalog(source, address)
    try:
        # A scan plans files in any order, and rows are numbered by their place: the order of commits is the one that
        # stays.
        order = _commits(table)
        tasks = sorted(table.scan().plan_files(), key=lambda task: order.get(task.file.file_path, (0, 0)))
    except (OSError, ValueError, NotImplementedError) as error:
        raise read_error(source, source.source, error, sentence_of(error)) from error
    return [IcebergFile(source, table, task) for task in tasks]


def _of_metadata(source: Source, address: str, root: Path) -> Any:
    static = reader_library("pyiceberg.table", source, extra="iceberg").StaticTable
    errors = reader_library("pyiceberg.exceptions", source, extra="iceberg")
    path = address if "://" in address else str(root / address)
    try:
        return static.from_metadata(path, _store() if "://" in address else {})
    except FileNotFoundError as error:
        raise SourceMissing(source.name, path=path, reason=sentence_of(error)) from error
    except (OSError, ValueError, errors.ValidationError) as error:
        raise read_error(source, path, error, f"it is no Iceberg table ({sentence_of(error)})") from error


def _store() -> dict[str, str]:
    """Return where an object store is, as every AWS tool is told it; a catalog has its own settings for this."""
    named = {"s3.endpoint": "AWS_ENDPOINT_URL", "s3.region": "AWS_DEFAULT_REGION"}
    found = {setting: os.environ[name] for setting, name in named.items() if os.environ.get(name)}
    return found | {"s3.connect-timeout": "5"}


def _of_catalog(source: Source, address: str) -> Any:
    catalogs = reader_library("pyiceberg.catalog", source, extra="iceberg")
    errors = reader_library("pyiceberg.exceptions", source, extra="iceberg")
    name, _, table = address.partition(".")
    if "." not in table:
        reason = "an Iceberg table is named CATALOG.NAMESPACE.TABLE, or by the path of its .metadata.json"
        raise SourceMissing(source.name, path=source.source, reason=reason)
    try:
        return catalogs.load_catalog(name).load_table(table)
    except (errors.NoSuchTableError, errors.NoSuchNamespaceError) as error:
        raise SourceMissing(source.name, path=source.source, reason=sentence_of(error)) from error
    except Exception as error:
        # A catalog is a database or a server of any make, and its errors are of that make.
        remedy = _CATALOG.format(name=name.upper())
        raise SourceAway(source.name, path=source.source, reason=sentence_of(error), remedy=remedy) from error


def _commits(table: Any) -> dict[str, tuple[int, int]]:
    """Return the commit of each data file, and its place in it."""
    snapshot, order = table.current_snapshot(), {}
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        for place, entry in enumerate(manifest.fetch_manifest_entry(table.io)):
            order[entry.data_file.file_path] = (entry.sequence_number or 0, place)
    return order
