"""A source taken in part by part: every part screened by its contract, and what is refused put into quarantine."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data import contract
from tallystick.data.columns import plain, values_at
from tallystick.data.numbering import is_rising
from tallystick.data.read import Screening, quarantined
from tallystick.data.reasons import Code, Reason, Refused, reason
from tallystick.data.records import Records, arrived_at, id_field, time_field
from tallystick.data.sources.parquet_file import ParquetFile
from tallystick.data.sources.parted import parts
from tallystick.data.sources.piece import Piece
from tallystick.definitions.streams import Source
from tallystick.features.spill.rows import ROW
from tallystick.features.spill.shares import shares_of
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]
Sink = Callable[[Records, Ints], None]
"""Takes accepted records of a part, and their places among all rows of the source."""

MOST_REFUSED = 100_000
"""So many refused rows are held in memory before they go to a quarantine file of their own."""

_IDS = pa.schema([(ROW, pa.int64()), ("id", pa.string())])


@dataclass(frozen=True, slots=True)
class Manner:
    """How sources are taken in.

    Parameters
    ----------
    now : the present instant, microseconds since 1970 UTC
    most : how many rows are screened at a time
    folder : where ids are kept aside
    n_heaps : into how many heaps they are put
    quarantine : where refused rows are written; None writes none
    """

    now: int
    most: int
    folder: Path
    n_heaps: int
    quarantine: Path | None


class Refusals:
    """The refused rows of one source."""

    def __init__(self, source: Source, found: Sequence[Piece], quarantine: Path | None) -> None:
        self._source, self._found, self._quarantine = source, found, quarantine
        self.lengths: list[int] = []
        self._rows: list[Ints] = []
        self._reasons: list[tuple[Reason, ...]] = []
        self._counts: Counter[str] = Counter()
        self._files: list[Path] = []
        self.n = 0

    def add(self, refused: Refused, start: int = 0) -> None:
        """Take refused rows, whose places are counted from ``start`` on.

        Parameters
        ----------
        refused : rows and their reasons
        start : the place of the first row that they were screened with, among all rows of the source
        """
        self._rows.append(refused.rows + start)
        self._reasons += refused.reasons
        self._counts.update(refused.counts)
        self.n += len(refused)

    def add_for(self, rows: Ints, code: Code) -> None:
        """Take rows that broke a rule about the field that they are called by; their values are read again.

        Parameters
        ----------
        rows : their places among all rows of the source, rising
        code : the rule
        """
        dated = None if id_field(self._source) else time_field(self._source)
        # A dated table's rows have no id of their own: there it is the instant that must not come twice.
        own = dated or contract.name_field(self._source)
        # Some at a time: where every id comes twice, half of the source is refused.
        for some in np.array_split(rows, 1 + len(rows) // MOST_REFUSED) if len(rows) else ():
            on_progress = ((reason(own, self._source.fields[own], code, value),) for value in self._values(some, own))
            self.add(Refused(some, tuple(on_progress)))
            self.write_many()

    def write_many(self) -> None:
        """Put rows into quarantine where they become too many to hold; all pieces that they are of must be known."""
        if len(self._reasons) >= MOST_REFUSED:
            self._write()

    def screening(self, n_rows: int, *, in_order: bool) -> Screening:
        """Put the rest into quarantine, and return what came of the source.

        Parameters
        ----------
        n_rows : how many rows the source has
        in_order : whether accepted rows came in order of arrival
        """
        self._write()
        path = self._quarantine if len(self._files) > 1 else self._files[0] if self._files else None
        counts = dict(self._counts.most_common())
        return Screening(self._source.name, n_rows, self.n, counts, path, in_time_order=in_order)

    def _write(self) -> None:
        if self._reasons and self._quarantine is not None:
            rows = np.concatenate(self._rows)
            # Refused for a duplicate after all others, but the quarantine is in order of the files.
            order = np.argsort(rows, kind="stable")
            refused = Refused(rows[order], tuple(self._reasons[i] for i in order))
            self._files.append(quarantined(self._source, self._found, self.lengths, refused, self._quarantine))
        self._rows, self._reasons = [], []

    def _values(self, rows: Ints, field: str) -> Iterator[object]:
        ends = np.cumsum(self.lengths)
        # Places count over all pieces; a piece counts its own.
        which = np.searchsorted(ends, rows, side="right")
        for number in np.unique(which):
            places = rows[which == number] - (ends[number] - self.lengths[number])
            column = self._found[number].rows(pa.array(places)).column(field)
            yield from values_at(column.chunks, np.arange(len(places)))


class InOrder:
    """Whether records come in order of arrival."""

    def __init__(self) -> None:
        self.holds, self._last = True, -(2**63)

    def add(self, records: Records) -> None:
        """Look at the records that come next."""
        if self.holds and len(records):
            arrived = arrived_at(records)
            self.holds = is_rising(arrived) and int(arrived[0]) >= self._last
            self._last = int(arrived[-1])


@dataclass(frozen=True, slots=True)
class Ingested:
    """What was taken in of a source.

    Parameters
    ----------
    n_rows : how many rows were read
    refusals : those refused so far
    dropped : shape (m,), rising: places of rows that the sinks have, and that are refused since their id came before
    in_order : whether accepted rows came in order of arrival; of a table nobody knows it yet
    """

    n_rows: int
    refusals: Refusals
    dropped: Ints
    in_order: bool


def ingest(
    source: Source,
    found: Sequence[Piece],
    manner: Manner,
    sinks: Sequence[Sink],
    on_progress: Callable[[int], None],
) -> Ingested:
    """Screen a source part by part, and hand what is accepted to sinks in the order of its rows.

    Parameters
    ----------
    source : the stream or table; outcomes are not asked when they became known
    found : its pieces
    manner : how
    sinks : where accepted records go
    on_progress : hears how many rows have been read
    """
    refusals, start, order = Refusals(source, found, manner.quarantine), 0, InOrder()
    # Whether an id came before cannot be told from a part of the rows: all ids are put into heaps by their hash, so
    # that equal ones meet in one, unless a quick look shows that they rise, and none can come twice.
    ids = None if _rises(source, found, manner.most) else SpillFile(manner.folder / f"{source.name}.ids", _IDS)
    for piece in found:
        # Counted up part by part, so that a quarantine that is written meanwhile knows where this piece begins.
        refusals.lengths.append(0)
        for part in parts(piece, list(source.fields), manner.most):
            records, refused = contract.screen(source, [part], now=manner.now, origin=source.source)
            refusals.lengths[-1] += len(part)
            refusals.add(refused, start)
            refusals.write_many()
            # Places are counted over refused rows too: they are what names a row in the files, in every later step.
            rows = _accepted(len(part), refused) + start
            start += len(part)
            order.add(records)
            for sink in sinks if len(rows) else ():
                sink(records, rows)
            if ids is not None and len(rows):
                batch = pa.RecordBatch.from_arrays([pa.array(rows), records.ids], schema=_IDS)
                ids.add(batch, shares_of(records.ids, manner.n_heaps))
            on_progress(start)
    dropped = np.empty(0, np.int64) if ids is None else _repeated(ids)
    refusals.add_for(dropped, Code.DUPLICATE)
    return Ingested(start, refusals, dropped, order.holds)


def _accepted(n: int, refused: Refused) -> Ints:
    if not len(refused):
        return np.arange(n)
    keeps = np.ones(n, np.bool_)
    keeps[refused.rows] = False
    return np.flatnonzero(keeps)


def _rises(source: Source, found: Sequence[Piece], most: int) -> bool:
    """Return whether every id is greater than the one before it, so that none comes twice: a column tells it fast."""
    own, last = id_field(source), None
    if not own or not all(isinstance(piece, ParquetFile) for piece in found):
        return False
    for piece in found:
        for part in parts(piece, [own], most):
            ids = plain(pa.concat_arrays(part.column(own).chunks)) if len(part) else None
            if ids is None:
                continue
            if ids.null_count or not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
                return False
            first = ids[0].as_py()
            # Pieces may have the id as a number and as a text; between the two there is no order.
            if last is not None and (type(first) is not type(last) or not _less(last, first)):
                return False
            last = ids[-1].as_py()
    return True


def _less(one: object, other: object) -> bool:
    return bool(pc.less(pa.scalar(one), pa.scalar(other)).as_py())


def _repeated(ids: SpillFile) -> Ints:
    """Return the places of rows whose id an earlier row has, rising."""
    ids.finish()
    found = [np.empty(0, np.int64)]
    for heap in ids.heaps:
        rows = ids.read(heap).combine_chunks()
        codes = pa.concat_arrays(rows.column("id").chunks).dictionary_encode().indices.to_numpy()
        # Rows are in a heap in order of the files, and the first of equals is the one that ``unique`` points at.
        _, first = np.unique(codes, return_index=True)
        repeated = np.ones(len(rows), np.bool_)
        repeated[first] = False
        found.append(rows.column(ROW).to_numpy()[repeated])
    ids.remove()
    return np.sort(np.concatenate(found))
