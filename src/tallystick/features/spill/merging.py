"""Sources that are each in order, merged into the one order, piece by piece."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tallystick.data.merge import joined
from tallystick.data.numbering import assign_positions
from tallystick.data.records import Dataset, Records, arrived_at

Ints = NDArray[np.int64]


def merged(sources: Mapping[str, Iterator[Records]]) -> Iterator[Dataset]:
    """Yield all records in the one order that ``data.numbering`` gives them, with places from 1 on.

    Parameters
    ----------
    sources : by name, in the project's order: each source's records in order of arrival, in any number of pieces
    """
    last = 0
    for present in _rounds({name: _Held(_counted(pieces), arrived_at) for name, pieces in sources.items()}):
        numbered, _ = assign_positions(present)
        moved = {name: replace(records, position=records.position + last) for name, records in numbered.items()}
        last += sum(map(len, moved.values()))
        yield Dataset(moved, "", last)


def aligned(sources: Mapping[str, Iterator[Records]]) -> Iterator[Dataset]:
    """Yield all records by the places that they have, lower ones in earlier pieces.

    Parameters
    ----------
    sources : by name: each source's records in order of their places, in any number of pieces
    """
    for present in _rounds({name: _Held(pieces, lambda records: records.position) for name, pieces in sources.items()}):
        yield Dataset(present, "", max(int(records.position[-1]) for records in present.values()))


def _rounds(held: Mapping[str, "_Held"]) -> Iterator[dict[str, Records]]:
    """Yield what may leave: nothing that is still to come stands before it."""
    while True:
        for each in held.values():
            if each.records is None:
                each.more()
        going = [each for each in held.values() if not each.is_done]
        until = min((each.last for each in going), default=None)
        taken = {name: each.take(until) for name, each in held.items()}
        present = {name: records for name, records in taken.items() if records is not None}
        if present:
            yield present
        elif not going:
            return
        # The source that holds up the others has to show more, even where all it has shown shares one instant.
        for each in going:
            if each.last == until:
                each.more()


class _Held:
    """A source's records that may not leave yet.

    Parameters
    ----------
    pieces : the records in their order
    order : what they are in order of, as a function of some of them
    """

    def __init__(self, pieces: Iterator[Records], order: Callable[[Records], Ints]) -> None:
        self._pieces, self._order = pieces, order
        self.records: Records | None = None
        self.is_done, self.last = False, 0

    def more(self) -> None:
        """Take the next records, if there are any."""
        for found in self._pieces:
            if len(found):
                self.records = found if self.records is None else joined(self.records, found)
                self.last = int(self._order(found)[-1])
                return
        self.is_done = True

    def take(self, until: int | None) -> Records | None:
        """Return the records that stand before an instant or place, or all, and forget them."""
        records = self.records
        if records is None:
            return None
        n = len(records) if until is None else int(np.searchsorted(self._order(records), until, side="left"))
        if n == len(records):
            self.records = None
            return records
        self.records = records.sliced(n, len(records))
        return records.sliced(0, n) if n else None


def _counted(pieces: Iterator[Records]) -> Iterator[Records]:
    """Give records places of their own, which keep them in their order until they get those of the whole."""
    n = 0
    for found in pieces:
        yield replace(found, position=np.arange(n, n + len(found)))
        n += len(found)
