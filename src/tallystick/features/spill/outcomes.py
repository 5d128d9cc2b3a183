"""Outcomes of a table, which say nothing of when they became known: their records' instants do, once all are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records, id_field
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.streams import Source
from tallystick.features.spill.report_join import NamedRecords, places
from tallystick.features.spill.rows import ROW, TIME, packed, without
from tallystick.features.spill.shares import shares_of
from tallystick.features.spill.sorting import Sorter
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


class Outcomes:
    """A table's rows, heap by heap of their ids, beside the records that they judge.

    Parameters
    ----------
    path : where they are put
    sorter : where they go when they have their instants
    n_heaps : into how many heaps ids are put
    """

    def __init__(self, path: Path, sorter: Sorter, n_heaps: int) -> None:
        self._sorter, self._n_heaps = sorter, n_heaps
        self._spill_file, self._key = SpillFile(path, sorter.schema), id_field(sorter.source)

    def add(self, records: Records, rows: Ints) -> None:
        """Take accepted rows, which have no instant yet.

        Parameters
        ----------
        records : screened, of the table
        rows : shape (n,), their places in the files
        """
        self._spill_file.add(packed(records, rows, self._spill_file.schema), shares_of(records.ids, self._n_heaps))

    def date(
        self, named: Mapping[str, NamedRecords], dropped: Mapping[str, Ints], own: Ints, delays: Mapping[str, int]
    ) -> Ints:
        """Hand every row over with the instant at which it became known.

        Parameters
        ----------
        named : the streams whose records may be judged
        dropped : of these, the places of rows that do not count
        own : the table's own such rows
        delays : by stream, how long after its record an outcome is known

        Returns
        -------
        The places of rows that judge no record of those streams, rising.
        """
        self._spill_file.finish()
        unknown = [np.empty(0, np.int64)]
        for heap in self._spill_file.heaps:
            # The records were put by the same hash of their ids, so those judged here are in the heap of this number.
            rows = without(self._spill_file.read(heap), own).combine_chunks()
            known = np.full(len(rows), _NEVER)
            for stream, after in delays.items():
                records = named[stream].read(heap, dropped[stream])
                at = places(rows.column(self._key), records.column("id"))
                hit = at >= 0
                # Several streams may date one table: the earliest instant counts, as it does for the order of arrival.
                known[hit] = np.minimum(known[hit], records.column(TIME).to_numpy()[at[hit]] + after)
            unknown.append(rows.column(ROW).to_numpy()[known == _NEVER])
            dated = rows.set_column(rows.schema.get_field_index(TIME), TIME, pa.array(known))
            for batch in dated.filter(pa.array(known != _NEVER)).combine_chunks().to_batches():
                self._sorter.add_rows(batch, in_order=False)
        self._spill_file.remove()
        return np.sort(np.concatenate(unknown))


def delays_of(table: Source, flags: Sequence[Flagged], streams: Sequence[str]) -> dict[str, int]:
    """Return how long after its record each outcome of a table is known, by stream; the earliest where several say.

    Parameters
    ----------
    table : the source of the outcomes
    flags : the flags of the project
    streams : whose records may date them
    """
    delays: dict[str, int] = {}
    for flag in flags:
        if flag.by == table.name and flag.known_after_us is not None and flag.stream in streams:
            delays[flag.stream] = min(flag.known_after_us, delays.get(flag.stream, flag.known_after_us))
    return delays
