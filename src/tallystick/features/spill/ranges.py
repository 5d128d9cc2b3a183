"""The table cut into ranges of rows in the order of arrival, so that each fits into memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.definitions.streams import StreamDefinition
from tallystick.features.spill.period import Period
from tallystick.features.spill.rows import packed, schema
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where the ranges of the table end.

    Parameters
    ----------
    spill_file : the rows of the spine that ask
    heaps : for each range, the heaps of the file with its rows
    firsts : the first place in the order of arrival of each range
    """

    spill_file: SpillFile
    heaps: Sequence[Sequence[int]]
    firsts: Ints

    def __len__(self) -> int:
        return len(self.heaps)

    def of(self, rows: Ints) -> Ints:
        """Return the range of each row by its place in the order of arrival."""
        return np.searchsorted(self.firsts, rows, side="right") - 1

    def read(self, number: int) -> pa.Table:
        """Return a range's rows in order of arrival."""
        return self.spill_file.read(self.heaps[number]).combine_chunks()


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
        self._period, self._spill_file = period, SpillFile(folder / "spine", schema(spine, fields))
        self._firsts: list[int] = []

    def add(self, records: Records, rows: Ints) -> None:
        """Take accepted records.

        Parameters
        ----------
        records : screened, of the spine; those outside the period are left out
        rows : shape (n,), their places in the order of arrival, which rise
        """
        inside, batch = self._period.holds(records.time), packed(records, rows, self._spill_file.schema)
        if inside is not None:
            batch, rows = batch.filter(pa.array(inside)), rows[inside]
        if len(rows):
            self._spill_file.add_to(len(self._firsts), batch)
            self._firsts.append(int(rows[0]))

    def ranges(self, most: int) -> Ranges:
        """Cut the rows into ranges of about ``most`` rows: whole parts of what came, so one may have more."""
        self._spill_file.finish()
        heaps: list[list[int]] = []
        # So that the first part begins a range.
        n = most
        for heap in range(len(self._firsts)):
            size = self._spill_file.size(heap)
            if n + size > most:
                heaps.append([])
                n = 0
            heaps[-1].append(heap)
            n += size
        return Ranges(self._spill_file, heaps, np.array([self._firsts[own[0]] for own in heaps], np.int64))
