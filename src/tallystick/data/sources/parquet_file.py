"""A Parquet file as a piece of a source."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.data.sources.piece import require_columns, sentence_of, validated
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
        return validated(self.source, self.address, self._table(fields))

    def rows(self, places: pa.Array) -> pa.Table:
        """Return every column of the rows at some places, which rise; only their row groups are read."""
        with self._file(()) as file:
            # Refused rows are few: only the row groups that hold them are read a second time.
            wanted, parts, start = places.to_numpy(), [file.schema_arrow.empty_table()], 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                own = wanted[(wanted >= start) & (wanted < end)]
                if len(own):
                    parts.append(file.read_row_group(group).take(pa.array(own - start)))
                start = end
            return pa.concat_tables(parts)

    def n_rows(self) -> int:
        """Return how many rows there are; no column is read."""
        with self._file(()) as file:
            return int(file.metadata.num_rows)

    def parts(self, fields: Sequence[str], most: int) -> Iterator[pa.Table]:
        """Yield the declared columns of all rows, at most so many rows at a time: never the whole file at once.

        Parameters
        ----------
        fields : the declared columns
        most : rows of a part
        """
        with self._file(fields, is_whole=False) as file:
            for part in file.iter_batches(batch_size=most, columns=list(fields)):
                yield validated(self.source, self.address, pa.Table.from_batches([part]))

    def _table(self, fields: Sequence[str]) -> pa.Table:
        with self._file(fields) as file:
            return file.read(columns=list(fields))

    @contextmanager
    def _file(self, fields: Sequence[str], *, is_whole: bool = True) -> Iterator[pq.ParquetFile]:
        try:
            # A file object is asked for few, large ranges: each may be a request over a network.
            with self.opened() as handle:
                ahead, buffer = (hasattr(handle, "read"), 0) if is_whole else (False, 1 << 20)
                with pq.ParquetFile(handle, pre_buffer=ahead, buffer_size=buffer) as file:
                    require_columns(self.source, self.address, file.schema_arrow.names, fields)
                    yield file
        except (pa.ArrowException, OSError) as error:
            raise SourceUnreadable(self.source.name, path=self.address, reason=sentence_of(error)) from error
