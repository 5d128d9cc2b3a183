"""Delta tables, through deltalake: the files of the newest version, in the order in which they were written."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tallystick.data.sources.piece import Piece, read_error, reader_library, require_columns, sentence_of, validated
from tallystick.definitions.streams import Source
from tallystick.errors import SourceMissing

_MARKS = re.compile(r"\x1b\[[0-9;]*m|↳")


@dataclass(frozen=True, slots=True)
class DeltaFile:
    """A data file of a Delta table; its partition's values are columns like all others."""

    source: Source
    address: str
    fragment: Any
    schema: pa.Schema

    @property
    def name(self) -> str:
        """The data file's path within the table."""
        return str(self.fragment.path)

    def read(self, fields: Sequence[str]) -> pa.Table:
        """Return the declared columns of all rows."""
        require_columns(self.source, self.address, self.schema.names, fields)
        return validated(self.source, self.address, self._table(list(fields)))

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column of the rows at some places."""
        return self._table(None).take(places)

    def _table(self, fields: list[str] | None) -> pa.Table:
        try:
            return self.fragment.to_table(schema=self.schema, columns=fields)
        except (pa.ArrowException, OSError) as error:
            reason = f"its file {self.name} is not readable ({_reason(error)})"
            raise read_error(self.source, self.address, error, reason) from error


def pieces(source: Source, address: str) -> list[Piece]:
    """Return the data files of a table: those written first come first.

    Parameters
    ----------
    source : what is read
    address : the table's folder, or its ``s3://`` address

    Raises
    ------
    SourceMissing
        If there is no table.
    SourceUnreadable
        If it needs what its reader does not know.
    SourceAway
        If its store does not answer, or gives no right to read.
    ReaderMissing
        If deltalake is not installed.
    """
    deltalake = reader_library("deltalake", source, extra="delta")
    errors = reader_library("deltalake.exceptions", source, extra="delta")
    try:
        table = deltalake.DeltaTable(address, storage_options=_options(address))
        dataset = table.to_pyarrow_dataset()
        actions = pa.table(table.get_add_actions())
    except errors.TableNotFoundError as error:
        raise SourceMissing(source.name, path=address, reason=f"there is no Delta table ({_reason(error)})") from error
    except (errors.DeltaError, pa.ArrowException, OSError) as error:
        raise read_error(source, address, error, _reason(error)) from error
    # The log of a table says when each file was added; a listing gives them in no order that means anything.
    written = dict(zip(actions["path"].to_pylist(), actions["modification_time"].to_pylist(), strict=True))
    fragments = sorted(dataset.get_fragments(), key=lambda each: (written.get(each.path, 0), each.path))
    return [DeltaFile(source, address, fragment, dataset.schema) for fragment in fragments]


def _reason(error: Exception) -> str:
    """Return the first and the last of the lines, each told as the cause of the one before."""
    lines = [line for each in str(error).splitlines() if (line := _MARKS.sub("", each).strip()) and line[0] != "<"]
    return sentence_of(": ".join(dict.fromkeys((lines or [type(error).__name__])[:: max(len(lines) - 1, 1)])))


def _options(address: str) -> dict[str, str]:
    """Let an object store be asked briefly, and without encryption only where the environment names such an address."""
    if "://" not in address:
        return {}
    # Never unencrypted by itself: only where whoever runs it wrote http.
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return {"max_retries": "2", "connect_timeout": "5s"} | ({"allow_http": "true"} if plain else {})
