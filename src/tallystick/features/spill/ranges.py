"""The matrix cut into ranges of rows, so that each fits into memory: by place in the files, or by order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records, arrival_field, arrived_at
from tallystick.definitions.streams import StreamDefinition
from tallystick.features.spill.ingest import InOrder
from tallystick.features.spill.period import Period
from tallystick.features.spill.rows import TIME, packed, schema, without
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]

_SAMPLED = 256
"""Of so many rows one's instant is kept, to cut rows that come in no order into even ranges."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where the ranges of the matrix end.

    Parameters
    ----------
    spill_file : the rows of the spine that ask
    heaps : for each range, the heaps of the pile with its rows
    firsts : where rows lie in order: the first place of each range
    cuts : where they do not: the last instant of arrival of each range but the last; else None
    """

    spill_file: SpillFile
    heaps: Sequence[Sequence[int]]
    firsts: Ints
    cuts: Ints | None

    def __len__(self) -> int:
        return len(self.heaps)

    def of(self, rows: Ints, arrived: Ints) -> Ints:
        """Return the range of each row by its place in the files and the instant that it arrived.

        Parameters
        ----------
        rows : shape (n,), places in the files
        arrived : shape (n,), microseconds since 1970 UTC
        """
        if self.cuts is not None:
            # Rows of one instant of arrival are in one range, so a stable sort within it has them in order of the
            # files.
            return np.searchsorted(self.cuts, arrived, side="left")
        return np.searchsorted(self.firsts, rows, side="right") - 1

    def read(self, number: int, dropped: Ints) -> pa.Table:
        """Return a range's rows in order of arrival.

        Parameters
        ----------
        number : of the range
        dropped : places of rows that do not count, rising
        """
        rows = without(self.spill_file.read(self.heaps[number]), dropped).combine_chunks()
        if self.cuts is None or not len(rows):
            return rows
        order = np.argsort(_arrived(self.spill_file.schema, rows), kind="stable")
        return rows.take(pa.array(order))


class SpineRows:
    """The rows of the spine that ask, as they come.

    Parameters
    ----------
    folder : where they are put
    spine : whose rows
    fields : what is needed of them
    period : which of them ask
    """

    def __init__(self, folder: Path, spine: StreamDefinition, fields: set[str], period: Period) -> None:
        own = schema(spine, fields)
        arrival = arrival_field(spine)
        self._folder, self._period = folder, period
        self._spill_file = SpillFile(folder / "spine", own.with_metadata({"arrived": arrival or TIME}))
        self._n_parts = 0
        self._firsts: list[int] = []
        self._sample: list[Ints] = []
        self._order = InOrder()

    def add(self, records: Records, rows: Ints) -> None:
        """Take accepted records; ``rows`` are their places in the files.

        Parameters
        ----------
        records : screened, of the spine; those outside the period are left out
        rows : shape (n,), their places in the files
        """
        arrived, inside = arrived_at(records), self._period.holds(records.time)
        self._order.add(records)
        batch = packed(records, rows, self._spill_file.schema)
        if inside is not None:
            batch, rows, arrived = batch.filter(pa.array(inside)), rows[inside], arrived[inside]
        if not len(rows):
            return
        self._spill_file.add_to(self._n_parts, batch)
        self._n_parts += 1
        self._firsts.append(int(rows[0]))
        self._sample.append(arrived[:: min(_SAMPLED, 1 + len(arrived) // 16)])

    def finish(self) -> int:
        """End the writing, and return how many bytes lie on the disk."""
        return self._spill_file.finish()

    def ranges(self, most: int, dropped: Ints) -> Ranges:
        """Cut the rows into ranges of about ``most`` rows.

        Parameters
        ----------
        most : about how many rows a range has; whole parts of what came, so it may have more where one is larger
        dropped : places of rows that do not count, rising
        """
        self.finish()
        sizes = [self._spill_file.size(part) for part in range(self._n_parts)]
        # In order of arrival, a range is some parts as they came, and nothing is moved: the matrix is in this order.
        if not self._order.holds:
            return self._by_arrival(1 + sum(sizes) // most, dropped)
        heaps: list[list[int]] = []
        # So that the first part begins a range.
        n = most
        for part, size in enumerate(sizes):
            if n + size > most:
                heaps.append([])
                n = 0
            heaps[-1].append(part)
            n += size
        firsts = np.array([self._firsts[parts[0]] for parts in heaps], np.int64)
        return Ranges(self._spill_file, heaps, firsts, None)

    def _by_arrival(self, n: int, dropped: Ints) -> Ranges:
        sample = np.sort(np.concatenate(self._sample))
        # Cut where a sample says that even shares end. A range may be longer or shorter: only the memory depends on it.
        cuts = np.unique(sample[np.linspace(0, len(sample), n + 1)[1:-1].astype(np.int64)])
        by_arrival = SpillFile(self._folder / "spine.ordered", self._spill_file.schema)
        for part in range(self._n_parts):
            rows = without(self._spill_file.read(part), dropped).combine_chunks()
            for batch in rows.to_batches():
                one = pa.Table.from_batches([batch])
                by_arrival.add(batch, np.searchsorted(cuts, _arrived(self._spill_file.schema, one), side="left"))
        by_arrival.finish()
        self._spill_file.remove()
        heaps = [[number] for number in range(len(cuts) + 1)]
        return Ranges(by_arrival, heaps, np.empty(0, np.int64), cuts)


def _arrived(own: pa.Schema, rows: pa.Table) -> Ints:
    found: Ints = rows.column(own.metadata[b"arrived"].decode()).to_numpy()
    return found
