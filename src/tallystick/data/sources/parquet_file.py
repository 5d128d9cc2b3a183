"""A Parquet file as a piece of a source."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.data.sources.piece import require, told, undamaged
from tallystick.definitions.streams import Source
from tallystick.errors import SourceUnreadable


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file; only the columns that are asked for are read."""

    source: Source
    address: str
    opened: Callable[[], AbstractContextManager[Any]]

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(self.address).name

    def read(self, fields: Sequence[str]) -> pa.Table:
        """Return the declared columns of all rows."""
        return undamaged(self.source, self.address, self._table(fields))

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column of the rows at some places."""
        return self._table(None).take(places)

    def _table(self, fields: Sequence[str] | None) -> pa.Table:
        try:
            # A file object is asked for few, large ranges: each may be a request over a network.
            with self.opened() as handle, pq.ParquetFile(handle, pre_buffer=hasattr(handle, "read")) as file:
                require(self.source, self.address, file.schema_arrow.names, fields or ())
                return file.read(columns=None if fields is None else list(fields))
        except (pa.ArrowException, OSError) as error:
            raise SourceUnreadable(self.source.name, path=self.address, because=told(error)) from error
