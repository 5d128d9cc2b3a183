"""All records in the order of arrival, piece by piece: what computes and trains with little in memory reads.

Whoever has records gives them so: source files, however large; a log with the history it began with; a dataset in
memory. Each piece is a dataset of its own, whose places go on where the one before it ended.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tallystick.data.records import Dataset


class Pieces(Protocol):
    """Records that can be read piece by piece, again and again.

    Law: every pass gives the same records. Places in the order of arrival rise, within a source and from piece to
    piece. A piece has records of any of the sources, in any number.
    """

    @property
    def n_rows(self) -> Mapping[str, int]:
        """About how many records each source has, by name."""
        ...

    @property
    def n_spilled_bytes(self) -> int:
        """How much lies on the disk while pieces come."""
        ...

    def pieces(self) -> AbstractContextManager[Iterator[Dataset]]:
        """Begin a pass; what lies on the disk for it is removed when the block is left."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """A dataset in memory, cut into pieces.

    Parameters
    ----------
    dataset : the records
    places : how many places of the order of arrival are one piece
    """

    dataset: Dataset
    places: int = 1 << 18

    @property
    def n_rows(self) -> dict[str, int]:
        """How many records each source has, by name."""
        return {name: len(records) for name, records in self.dataset.records.items()}

    @property
    def n_spilled_bytes(self) -> int:
        """Nothing lies on the disk."""
        return 0

    @contextmanager
    def pieces(self) -> Iterator[Iterator[Dataset]]:
        """Begin a pass."""
        yield self._cut()

    def _cut(self) -> Iterator[Dataset]:
        last = max((int(found.position[-1]) for found in self.dataset.records.values() if len(found)), default=0)
        for begin in range(1, last + 1, self.places):
            ends = np.array([begin, begin + self.places])
            rows = {
                name: np.searchsorted(found.position, ends).tolist() for name, found in self.dataset.records.items()
            }
            taken = {name: self.dataset.records[name].sliced(*cut) for name, cut in rows.items()}
            yield Dataset(taken, "", min(begin + self.places - 1, last))
