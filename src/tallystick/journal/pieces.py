"""A log and the history it began with, piece by piece: what ``records`` gives, with little in memory."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice

from tallystick.data.merge import from_parsed
from tallystick.data.records import Dataset, Record
from tallystick.data.segment import n_records, read_pieces
from tallystick.features.plan import Plan
from tallystick.features.spill.merging import aligned
from tallystick.journal.history import History
from tallystick.journal.records import seen
from tallystick.log.entry import RECORDS
from tallystick.log.protocol import LogReader

_MOST_RECORDS = 20_000
"""So many records of the log are parsed at a time: each is a value of Python, which is larger than its row."""


@dataclass(frozen=True, slots=True)
class LoggedPieces:
    """Records of a plan's sources, at the positions that the log gives them.

    Parameters
    ----------
    log : open for reading, and proven
    plan : says how the sources are read
    until : the last position that counts
    at_a_time : how many records of history are in memory at a time, of each source
    """

    log: LogReader
    plan: Plan
    until: int
    at_a_time: int = 1 << 18

    @property
    def n_rows(self) -> dict[str, int]:
        """About how many records each source has: of what the log added, nobody knows whose it is before reading."""
        folder = self._history.folder()
        known = {} if folder is None else n_records(folder)
        added = max(0, min(self.until, self.log.head.position) - self.log.origin.position)
        return {source.name: known.get(source.name, 0) + added for source in self.plan.sources}

    @property
    def n_spilled_bytes(self) -> int:
        """Nothing more lies on the disk than log and history."""
        return 0

    @contextmanager
    def pieces(self) -> Iterator[Iterator[Dataset]]:
        """Begin a pass.

        Raises
        ------
        HistoryMissing, HistoryAltered, SegmentDamaged, SegmentUnfit
            If the history is not what was attached.
        LogDamaged
            If an entry cannot be read.
        """
        yield chain(self._past(), self._added())

    @property
    def _history(self) -> History:
        return History.of(self.log, self.plan.sources)

    def _past(self) -> Iterator[Dataset]:
        folder = self._history.folder()
        if folder is None:
            return iter(())
        return aligned({s.name: read_pieces(folder, s, self.at_a_time) for s in self.plan.sources})

    def _added(self) -> Iterator[Dataset]:
        sources = {source.name: source for source in self.plan.sources}
        found = seen(sources, self.log.read(until=self.until, kinds=RECORDS, namespaces=tuple(sources)))
        while page := list(islice(found, _MOST_RECORDS)):
            parsed: dict[str, list[tuple[int, Record]]] = defaultdict(list)
            for position, record in page:
                parsed[record.stream].append((position, record))
            yield Dataset({name: from_parsed(sources[name], own) for name, own in parsed.items()}, "", page[-1][0])
