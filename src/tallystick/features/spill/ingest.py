"""A source taken in part by part: every part screened by its contract, and what is refused put into quarantine."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data import contract
from tallystick.data.columns import decoded, values_at
from tallystick.data.read import Screening, quarantine_rows
from tallystick.data.records import Records, arrival_field, id_field, time_field
from tallystick.data.refusals import RefusalCode, RefusalReason, RefusedRows, refusal_reason
from tallystick.data.sources.parquet_file import ParquetFile
from tallystick.data.sources.partial_reads import read_in_parts
from tallystick.data.sources.piece import Piece
from tallystick.definitions.streams import Source
from tallystick.features.spill.rows import ROW
from tallystick.features.spill.spill_file import SpillFile

Ints = NDArray[np.int64]
MOST_REFUSED = 100_000
"""So many refused rows are held in memory before they go to a quarantine file of their own."""

IDS = pa.schema([(ROW, pa.int64()), ("id", pa.string())])


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How sources are taken in.

    Parameters
    ----------
    now : the present instant, microseconds since 1970 UTC
    most : how many rows are screened at a time
    quarantine : where refused rows are written; None writes none
    """

    now: int
    most: int
    quarantine: Path | None


class SourceRefusals:
    """The refused rows of one source.

    Parameters
    ----------
    source : whose rows they are
    found : the source's pieces, from which refused rows are read once more
    quarantine : where they are written; None writes none
    """

    def __init__(self, source: Source, found: Sequence[Piece], quarantine: Path | None) -> None:
        self._source, self._found, self._quarantine = source, found, quarantine
        self.lengths: list[int] = []
        self._rows: list[Ints] = []
        self._reasons: list[tuple[RefusalReason, ...]] = []
        self._counts: Counter[str] = Counter()
        self._files: list[Path] = []
        self.n = 0

    def add(self, refused: RefusedRows, start: int = 0) -> None:
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

    def add_for(self, rows: Ints, code: RefusalCode) -> None:
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
            reasons = (
                (refusal_reason(own, self._source.fields[own], code, value),) for value in self._values(some, own)
            )
            self.add(RefusedRows(some, tuple(reasons)))
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
            refused = RefusedRows(rows[order], tuple(self._reasons[i] for i in order))
            self._files.append(quarantine_rows(self._source, self._found, self.lengths, refused, self._quarantine))
        self._rows, self._reasons = [], []

    def _values(self, rows: Ints, field: str) -> Iterator[object]:
        ends = np.cumsum(self.lengths)
        # Places count over all pieces; a piece counts its own.
        which = np.searchsorted(ends, rows, side="right")
        for number in np.unique(which):
            places = rows[which == number] - (ends[number] - self.lengths[number])
            column = self._found[number].rows(pa.array(places)).column(field)
            yield from values_at(column.chunks, np.arange(len(places)))


def screened(
    source: Source,
    found: Sequence[Piece],
    manner: IngestOptions,
    refusals: SourceRefusals,
    on_progress: Callable[[int], None],
) -> Iterator[tuple[Records, Ints]]:
    """Yield a source's accepted records part by part, with their places among all rows of its files.

    Parameters
    ----------
    source : the stream or table; outcomes are not asked when they became known
    found : its pieces
    manner : how
    refusals : where refused rows go
    on_progress : hears how many rows have been read
    """
    start = 0
    for piece in found:
        # Counted up part by part, so that a quarantine that is written meanwhile knows where this piece begins.
        refusals.lengths.append(0)
        for part in read_in_parts(piece, list(source.fields), manner.most):
            records, refused = contract.screen(source, [part], now=manner.now, origin=source.source)
            refusals.lengths[-1] += len(part)
            refusals.add(refused, start)
            refusals.write_many()
            # Places are counted over refused rows too: they are what names a row in the files, in every later step.
            rows = _accepted(len(part), refused) + start
            start += len(part)
            on_progress(start)
            if len(rows):
                yield records, rows


def is_ready(source: Source, found: Sequence[Piece], most: int) -> bool:
    """Return whether rows can be taken as they come: in order of arrival, and none of them twice.

    So it is where every id is greater than the one before it, and no row arrived before the one before it. Two columns
    of Parquet tell it fast, before anything is screened; of other formats, and of rows without an id, nobody asks.
    """
    own, arrived = id_field(source), arrival_field(source) or time_field(source)
    if not own or arrived is None or not all(isinstance(piece, ParquetFile) for piece in found):
        return False
    last: dict[str, pa.Scalar] = {}
    for piece in found:
        for part in read_in_parts(piece, [own, arrived], most):
            if not len(part):
                continue
            ids, instants = (decoded(pa.concat_arrays(part.column(name).chunks)) for name in (own, arrived))
            if not pa.types.is_timestamp(instants.type):
                return False
            # Pieces may have the id as a number and as a text; between the two there is no order.
            if not (_follow(ids, last.get(own), pc.less) and _follow(instants, last.get(arrived), pc.less_equal)):
                return False
            last |= {own: ids[-1], arrived: instants[-1]}
    return True


def repeated(ids: SpillFile) -> Ints:
    """Return the places of rows whose id an earlier row has, rising; ``ids`` has rows of ``IDS`` by heaps."""
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


def _accepted(n: int, refused: RefusedRows) -> Ints:
    if not len(refused):
        return np.arange(n)
    keeps = np.ones(n, np.bool_)
    keeps[refused.rows] = False
    return np.flatnonzero(keeps)


def _follow(column: pa.Array, before: pa.Scalar | None, relation: Callable[[Any, Any], Any]) -> bool:
    """Return whether no value is missing, and each stands in a relation to the one after it."""
    if column.null_count or (before is not None and before.type != column.type):
        return False
    follows = before is None or bool(relation(before, column[0]).as_py())
    return follows and bool(np.all(relation(column[:-1], column[1:]).to_numpy(zero_copy_only=False)))
