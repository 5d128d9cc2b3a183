"""A source's rows put in order of arrival by way of a disk, where they came in another or some do not count."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.numbering import is_rising
from tallystick.data.records import Records, arrival_field
from tallystick.definitions.streams import Source
from tallystick.features.spill.rows import ID, ROW, TIME, packed, schema, unpacked, without
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]

_SAMPLED = 256
"""Of so many rows one's instant is kept, to cut rows that come in no order into even stretches of time."""


class Sorter:
    """The accepted rows of one source, on a disk.

    Parameters
    ----------
    path : where they are put; names that begin so are its own
    source : whose rows
    most : about how many are given back at a time
    """

    def __init__(self, path: Path, source: Source, most: int) -> None:
        self._path, self.source, self._most = path, source, most
        self.schema = schema(source, {*source.fields, ID})
        self._arrived = arrival_field(source) or TIME
        self._spill_file = SpillFile(path.with_name(f"{path.name}.rows"), self.schema)
        self._sample: list[Ints] = []
        self._n_heaps = self._n = 0
        self._last, self.in_order = -(2**63), True

    def add(self, records: Records, rows: Ints) -> None:
        """Take accepted records.

        Parameters
        ----------
        records : screened, of the source
        rows : shape (n,), their places in the files, which rise
        """
        self.add_rows(packed(records, rows, self.schema))

    def add_rows(self, batch: pa.RecordBatch, *, in_order: bool = True) -> None:
        """Take rows of ``schema``.

        Parameters
        ----------
        batch : the rows
        in_order : whether they lie in the files as they come
        """
        if not len(batch):
            return
        arrived = batch.column(self._arrived).to_numpy()
        self.in_order = self.in_order and in_order and is_rising(arrived) and int(arrived[0]) >= self._last
        self._last = int(arrived[-1])
        self._spill_file.add_to(self._n_heaps, batch)
        self._n_heaps += 1
        self._n += len(batch)
        self._sample.append(arrived[:: min(_SAMPLED, 1 + len(arrived) // 16)])

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        return self._spill_file.finish()

    def records(self, dropped: Ints) -> Iterator[Records]:
        """Yield the records in order of arrival, then of their place in the files.

        Parameters
        ----------
        dropped : places of rows that do not count after all, rising
        """
        self.finish()
        if self.in_order:
            for heap in self._spill_file.heaps:
                yield unpacked(self.source, without(self._spill_file.read(heap), dropped).combine_chunks())
            return
        ordered = self._by_time(dropped)
        for heap in ordered.heaps:
            rows = ordered.read(heap).combine_chunks()
            # Rows of one instant are in one heap, and lie in order of the files.
            order = np.lexsort((rows.column(ROW).to_numpy(), rows.column(self._arrived).to_numpy()))
            yield unpacked(self.source, rows.take(pa.array(order)).combine_chunks())

    def _by_time(self, dropped: Ints) -> SpillFile:
        """Put every row into the heap of its stretch of time."""
        sample = np.sort(np.concatenate(self._sample))
        n = 1 + self._n // self._most
        # Cut where a sample says that even shares end. A heap may have more or less: only the memory depends on it.
        cuts = np.unique(sample[np.linspace(0, len(sample), n + 1)[1:-1].astype(np.int64)])
        ordered = SpillFile(self._path.with_name(f"{self._path.name}.ordered"), self.schema)
        for heap in self._spill_file.heaps:
            for batch in without(self._spill_file.read(heap), dropped).combine_chunks().to_batches():
                ordered.add(batch, np.searchsorted(cuts, batch.column(self._arrived).to_numpy(), side="left"))
        ordered.finish()
        self._spill_file.remove()
        return ordered
