"""A file of rows that each lie in a numbered heap: written in any order, read one heap at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class SpillFile:
    """Rows in heaps, in an Arrow file that only this process knows.

    Parameters
    ----------
    path : the file; it is made when the first rows come
    schema : of the rows
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._sink: pa.OSFile | None = None
        self._reader: pa.ipc.RecordBatchFileReader | None = None
        self._batches: dict[int, list[int]] = {}
        self._sizes: dict[int, int] = {}
        self._n_batches = self._n_bytes = 0

    def add(self, rows: pa.RecordBatch, heaps: NDArray[np.integer]) -> None:
        """Add rows, each to its heap; within a heap they keep their order.

        Parameters
        ----------
        rows : with the file's schema
        heaps : shape (n,), the heap of each, from 0 on
        """
        if not len(rows):
            return
        first, last = int(heaps.min()), int(heaps.max())
        if first == last:
            self.add_to(first, rows)
            return
        # numpy's stable sort of numbers of 16 bits is one by radix, in a time that does not grow with the number of
        # heaps.
        order = np.argsort(heaps.astype(np.int16 if last < 2**15 else np.int32), kind="stable")
        ends = np.cumsum(np.bincount(heaps - first))
        ordered, begin = rows.take(pa.array(order)), 0
        for heap, end in enumerate(ends.tolist(), first):
            if end > begin:
                self.add_to(heap, ordered.slice(begin, end - begin))
            begin = end

    def add_to(self, heap: int, rows: pa.RecordBatch) -> None:
        """Add rows to one heap.

        Parameters
        ----------
        heap : its number, from 0 on
        rows : with the file's schema
        """
        if self._writer is None:
            self._sink = pa.OSFile(str(self.path), "wb")
            self._writer = pa.ipc.new_file(self._sink, self.schema, options=_OPTIONS)
        self._writer.write_batch(rows)
        # An Arrow file gives any of its batches by number: a heap is the list of its batches, and reading one skips the
        # rest.
        self._batches.setdefault(heap, []).append(self._n_batches)
        self._sizes[heap] = self._sizes.get(heap, 0) + len(rows)
        self._n_batches += 1

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
            self._sink, self._n_bytes = None, self.path.stat().st_size
        return self._n_bytes

    def read(self, heaps: int | Sequence[int]) -> pa.Table:
        """Return the rows of one heap, or of several one after the other, in the order in which they came."""
        wanted = [heaps] if isinstance(heaps, int) else heaps
        numbers = [number for heap in wanted for number in self._batches.get(heap, ())]
        if not numbers:
            return self.schema.empty_table()
        if self._reader is None:
            self._reader = pa.ipc.open_file(pa.OSFile(str(self.path), "rb"))
        return pa.Table.from_batches([self._reader.get_batch(number) for number in numbers], self.schema)

    @property
    def heaps(self) -> list[int]:
        """The heaps with rows, in rising order."""
        return sorted(self._sizes)

    def size(self, heap: int) -> int:
        """Return how many rows lie in a heap."""
        return self._sizes.get(heap, 0)

    def remove(self) -> None:
        """Give the disk's space back; nothing can be read any more."""
        self.finish()
        self._reader, self._n_bytes = None, 0
        self.path.unlink(missing_ok=True)
