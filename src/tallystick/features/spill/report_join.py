"""Reports and the records they are about, brought together by id: heap by heap, since both may be many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.definitions.streams import Source
from tallystick.features.spill.rows import ROW, TIME, packed, schema, texts_of, without
from tallystick.features.spill.shares import shares_of
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class ReportRoute:
    """Where reports of one source go that name records of one stream.

    Parameters
    ----------
    stream : whose records are reported
    group : place of a group with that stream's records
    spill_file : the group's reports, by its parts
    """

    stream: str
    group: int
    spill_file: SpillFile


class NamedRecords:
    """The records of a stream that reports may name: id, instant, and the part that each belongs to in some groups.

    Parameters
    ----------
    path : of the file that they are kept in
    groups : places of the groups that have the stream's events
    n_heaps : into how many heaps they are put, by a hash of their id
    """

    def __init__(self, path: Path, groups: Sequence[int], n_heaps: int) -> None:
        self._n_heaps = n_heaps
        parts = [(str(group), pa.int32()) for group in groups]
        self._spill_file = SpillFile(
            path, pa.schema([(ROW, pa.int64()), (TIME, pa.int64()), ("id", pa.string()), *parts])
        )

    def add(self, records: Records, rows: Ints, parts: Mapping[int, Ints]) -> None:
        """Take records, with their part in each group, -1 for none.

        Parameters
        ----------
        records : screened, of the stream
        rows : shape (n,), their places in the files
        parts : for each group with the stream's events, the part of each record, -1 for none
        """
        columns = [pa.array(rows), pa.array(records.time), records.ids]
        columns += [pa.array(parts[int(name)].astype(np.int32)) for name in self._spill_file.schema.names[3:]]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._spill_file.schema)
        self._spill_file.add(batch, shares_of(records.ids, self._n_heaps))

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        return self._spill_file.finish()

    def read(self, heap: int, dropped: Ints = _NONE) -> pa.Table:
        """Return the records whose ids belong to a heap, but those whose rows do not count.

        Parameters
        ----------
        heap : its number
        dropped : places of rows that do not count, rising
        """
        return without(self._spill_file.read(heap), dropped).combine_chunks()

    def remove(self) -> None:
        """Give the disk's space back."""
        self._spill_file.remove()


class ReportingSource:
    """The records of one source that name others by a field.

    Parameters
    ----------
    path : of the file that they are kept in
    source : the stream or table of reports
    fields : the fields of a report that some group needs
    on : the field with the id of the record that is reported
    n_heaps : as of the records that are named, so that both meet in one heap
    """

    def __init__(self, path: Path, source: Source, fields: Sequence[str], on: str, n_heaps: int) -> None:
        self.source, self.on, self._n_heaps = source, on, n_heaps
        self._spill_file = SpillFile(path, schema(source, {*fields, on}))

    def add(self, records: Records, rows: Ints) -> None:
        """Take records; those that name none are left out.

        Parameters
        ----------
        records : screened, of the source
        rows : shape (n,), their places in the files
        """
        names, batch = texts_of(records, self.on), packed(records, rows, self._spill_file.schema)
        if names.null_count:
            batch, names = batch.filter(names.is_valid()), names.drop_null()
        self._spill_file.add(batch, shares_of(names, self._n_heaps))

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        return self._spill_file.finish()

    def route(self, named: Mapping[str, NamedRecords], ways: Sequence[ReportRoute]) -> None:
        """Hand every report to the parts of the groups whose records it names.

        Parameters
        ----------
        named : the streams whose records may be named
        ways : where reports go
        """
        # Both sides were put by the same hash of the same id, so a report and its record are in heaps of one number,
        # and one pair of heaps is in memory at a time.
        for heap in self._spill_file.heaps:
            reports = self._spill_file.read(heap).combine_chunks()
            found = {name: stream.read(heap) for name, stream in named.items()}
            at = {name: places(reports.column(self.on), records.column("id")) for name, records in found.items()}
            for way in ways:
                # A report of no record has place -1, which finds the -1 at the end: no part.
                part = np.append(found[way.stream].column(str(way.group)).to_numpy(), -1)[at[way.stream]]
                _hand_over(reports, part, way.spill_file)
        self._spill_file.remove()


def places(names: pa.ChunkedArray, ids: pa.ChunkedArray) -> Ints:
    """Return where each name stands among ids, -1 where it does not; shape (n,)."""
    found: Ints = pc.fill_null(pc.index_in(names, value_set=ids), -1).to_numpy().astype(np.int64)
    return found


def _hand_over(reports: pa.Table, part: NDArray[np.int32], spill_file: SpillFile) -> None:
    mine, part = reports.select(spill_file.schema.names).filter(pa.array(part >= 0)), part[part >= 0]
    for batch in mine.combine_chunks().to_batches():
        spill_file.add(batch, part[: len(batch)])
        part = part[len(batch) :]
