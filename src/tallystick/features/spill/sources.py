"""The files that sources name, as records in the order of arrival: screened, each once, with little in memory."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.numbering import is_rising
from tallystick.data.read import Screening, check_refused_share, used
from tallystick.data.records import Dataset, Records, arrived_at
from tallystick.data.refusals import RefusalCode
from tallystick.data.sources.address import pieces as pieces_of
from tallystick.data.sources.partial_reads import n_rows
from tallystick.data.sources.piece import Piece
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.progress import Step
from tallystick.definitions.streams import Source, TableDefinition
from tallystick.errors import SourceUnreadable
from tallystick.features.spill.folder import spill_folder
from tallystick.features.spill.ingest import IDS, IngestOptions, SourceRefusals, is_ready, repeated, screened
from tallystick.features.spill.merging import merged
from tallystick.features.spill.outcomes import Outcomes, delays_of
from tallystick.features.spill.report_join import NamedRecords
from tallystick.features.spill.shares import shares_of
from tallystick.features.spill.sorting import Sorter
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]

_HEAP_ROWS = 2_000_000
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class How:
    """How files are read.

    Parameters
    ----------
    now : the present instant, microseconds since 1970 UTC; nothing can have happened later
    folder : where rows lie meanwhile that did not come in order of arrival, or whose ids may come twice
    at_a_time : how many rows are screened at a time
    n_heaps : into how many heaps ids are put that must meet; as many as the rows ask for if None
    max_refused_share : how many rows of a source may be refused, 0 to 1
    quarantine : where refused rows are written; None writes none
    step : told how far it is
    """

    now: int
    folder: Path
    at_a_time: int = 1 << 18
    n_heaps: int | None = None
    max_refused_share: float = 0.05
    quarantine: Path | None = None
    step: Step | None = None


class SourceFiles:
    """The history that sources name, piece by piece: the records and places that ``data.read`` gives.

    Parquet whose ids and instants rise is taken as it comes. All else goes by way of the disk once, where it is put in
    order, and where outcomes of tables meet the records that say when they became known.

    Parameters
    ----------
    sources : the streams and tables, in the project's order
    flags : the flags of the project; they say when a table's outcomes become known
    root : the project's folder
    how : how they are read
    """

    def __init__(self, sources: Iterable[Source], flags: Iterable[Flagged], root: Path, how: How) -> None:
        self._flags, self._root, self._how = list(flags), root, how
        self._sources = {source.name: source for source in used(sources, self._flags)}
        self._last: _Pass | None = None

    @cached_property
    def n_rows(self) -> dict[str, int]:
        """How many rows each source has, by name."""
        return {name: _size(self._sources[name], found) for name, found in self._found.items()}

    @property
    def n_spilled_bytes(self) -> int:
        """How much lies on the disk while pieces come."""
        return 0 if self._last is None else self._last.n_bytes

    @property
    def screenings(self) -> dict[str, Screening]:
        """What came of each source, when a pass has come to its end."""
        found = {} if self._last is None else self._last.screenings
        return {name: found[name] for name in self._sources if name in found}

    @contextmanager
    def pieces(self) -> Iterator[Iterator[Dataset]]:
        """Begin a pass.

        Raises
        ------
        SourceMissing, SourceUnreadable, SourceAway, ReaderMissing
            If a source cannot be reached or read, or its files change meanwhile.
        ColumnMissing, ColumnUnusable
            If its columns are not what the project declares.
        DataUnwritable
            If its quarantine cannot be written.
        SpillFull
            If the disk has no space left.
        TooManyRefused
            If more rows than the share were refused; their quarantine is written all the same.
        """
        n_heaps = self._how.n_heaps or 1 + max(self.n_rows.values(), default=0) // _HEAP_ROWS
        with spill_folder(self._how.folder) as folder:
            self._last = _Pass(self._sources, self._found, self.n_rows, self._how, folder, n_heaps)
            yield merged(self._last.in_order(self._flags))

    @cached_property
    def _found(self) -> dict[str, list[Piece]]:
        return {name: pieces_of(source, self._root) for name, source in self._sources.items()}


@dataclass(slots=True)
class _Pass:
    """One reading of all files: what came of each source, which rows came twice, and how much lies on the disk."""

    sources: Mapping[str, Source]
    found: Mapping[str, list[Piece]]
    n_rows: Mapping[str, int]
    how: How
    folder: Path
    n_heaps: int
    screenings: dict[str, Screening] = field(default_factory=dict)
    dropped: dict[str, Ints] = field(default_factory=dict)
    n_bytes: int = 0

    def in_order(self, flags: Sequence[Flagged]) -> dict[str, Iterator[Records]]:
        """Return every source's records in order of arrival; those that lie in order are read as they are asked for."""
        tables = [name for name, source in self.sources.items() if isinstance(source, TableDefinition)]
        delays = {name: delays_of(self.sources[name], flags, list(self.sources)) for name in tables}
        judged = sorted({stream for each in delays.values() for stream in each})
        named = {name: NamedRecords(self.folder / f"{name}.named", [], self.n_heaps) for name in judged}
        # Streams first, tables last: whatever is too bad in a stream is said before the outcomes are read.
        streams = [name for name in self.sources if name not in tables]
        made = {name: self._stream(self.sources[name], named.get(name)) for name in streams}
        for each in named.values():
            each.finish()
        made |= {name: self._table(self.sources[name], named, delays[name]) for name in tables}
        for each in named.values():
            each.remove()
        return {name: made[name] for name in self.sources}

    def _stream(self, source: Source, named: NamedRecords | None) -> Iterator[Records]:
        if named is None and is_ready(source, self.found[source.name], self.how.at_a_time):
            return self._as_it_comes(source)
        # Whether an id came before cannot be told from a part of the rows: all ids are put into heaps by their hash, so
        # that equal ones meet in one. What ``is_ready`` has seen rise cannot come twice, and is spared that.
        sorter, ids, refusals = self._sorter(source), self._ids(source), self._refusals(source)
        for records, rows in self._screened(source, refusals):
            sorter.add(records, rows)
            ids.add(*self._identified(records, rows))
            if named is not None:
                named.add(records, rows, {})
        self.dropped[source.name] = repeated(ids)
        refusals.add_for(self.dropped[source.name], RefusalCode.DUPLICATE)
        return self._sorted(sorter, refusals, self.dropped[source.name])

    def _table(self, table: Source, named: Mapping[str, NamedRecords], delays: Mapping[str, int]) -> Iterator[Records]:
        sorter, ids, refusals = self._sorter(table), self._ids(table), self._refusals(table)
        outcomes = Outcomes(self.folder / f"{table.name}.undated", sorter, self.n_heaps)
        for records, rows in self._screened(table, refusals):
            outcomes.add(records, rows)
            ids.add(*self._identified(records, rows))
        # Whether an outcome's record is there, and when it became known, is told only once all of its streams are read.
        twice = repeated(ids)
        refusals.add_for(twice, RefusalCode.DUPLICATE)
        refusals.add_for(outcomes.date(named, self.dropped, twice, delays), RefusalCode.EVENT_UNKNOWN)
        return self._sorted(sorter, refusals, _NONE)

    def _sorted(self, sorter: Sorter, refusals: SourceRefusals, dropped: Ints) -> Iterator[Records]:
        self._hold(refusals, in_order=sorter.in_order)
        self.n_bytes += sorter.finish()
        return sorter.records(dropped)

    def _as_it_comes(self, source: Source) -> Iterator[Records]:
        refusals, last = self._refusals(source), -(2**63)
        for records, _ in self._screened(source, refusals):
            arrived = arrived_at(records)
            if int(arrived[0]) < last or not is_rising(arrived):
                reason = "its rows changed while they were read"
                raise SourceUnreadable(source.name, path=source.source, reason=reason)
            last = int(arrived[-1])
            yield records
        self._hold(refusals, in_order=True)

    def _screened(self, source: Source, refusals: SourceRefusals) -> Iterator[tuple[Records, Ints]]:
        on_progress = functools.partial(_at_stage, self.how.step, f"read {source.name}", self.n_rows[source.name])
        manner = IngestOptions(self.how.now, self.how.at_a_time, self.how.quarantine)
        return screened(source, self.found[source.name], manner, refusals, on_progress)

    def _sorter(self, source: Source) -> Sorter:
        return Sorter(self.folder / source.name, source, self.how.at_a_time)

    def _ids(self, source: Source) -> SpillFile:
        return SpillFile(self.folder / f"{source.name}.ids", IDS)

    def _identified(self, records: Records, rows: Ints) -> tuple[pa.RecordBatch, Ints]:
        batch = pa.RecordBatch.from_arrays([pa.array(rows), records.ids], schema=IDS)
        return batch, shares_of(records.ids, self.n_heaps)

    def _refusals(self, source: Source) -> SourceRefusals:
        return SourceRefusals(source, self.found[source.name], self.how.quarantine)

    def _hold(self, refusals: SourceRefusals, *, in_order: bool) -> None:
        screening = refusals.screening(sum(refusals.lengths), in_order=in_order)
        self.screenings[screening.source] = screening
        check_refused_share(screening, self.how.max_refused_share)


def n_stored_rows(sources: Iterable[Source], root: Path) -> int:
    """Return how many rows the files of some sources have, as far as they say so without being read.

    Parameters
    ----------
    sources : the streams and tables
    root : the project's folder
    """
    return sum(n_rows(piece) or 0 for source in sources for piece in pieces_of(source, root))


def _size(source: Source, found: Sequence[Piece]) -> int:
    name, known = next(iter(source.fields)), [n_rows(piece) for piece in found]
    return sum(len(p.read([name])) if n is None else n for p, n in zip(found, known, strict=True))


def _at_stage(step: Step | None, stage: str, total: int, done: int) -> None:
    if step is not None:
        step(stage, done, total)
