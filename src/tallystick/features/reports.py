"""Reports joined to the records they flag or correct: every moment at which such a value becomes known."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, FixedPoint, Records
from tallystick.definitions.expressions import Corrected, Flagged
from tallystick.features.late_crossing import NEVER

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Changes:
    """What the reports of one flag, or the corrections of one column, change, in order of the record, then of arrival.

    Parameters
    ----------
    row : shape (n,), place of the flagged or corrected record among its stream's records
    position : shape (n,), from which place in the order of arrival on, when both record and report are there
    known : shape (n,), the earliest known-at instant from then on, in microseconds; a correction's own
    before : shape (n,), what it was until then, NEVER where the record was not flagged, and for a correction
    weight : shape (n,), by how much the record's value grows: 1, or the correction in units of the last digit
    """

    row: Ints
    position: Ints
    known: Ints
    before: Ints
    weight: Ints


@dataclass(frozen=True, slots=True)
class ReportedIds:
    """Reports that count for one flag or corrected column: the ids they name, and each one's id and row.

    Parameters
    ----------
    names : the ids, each once
    codes : shape (n,), place of each report's id among the names
    rows : shape (n,), place of each report among its stream's records
    """

    names: pa.Array
    codes: NDArray[np.int32]
    rows: Ints


def changes(later: Flagged | Corrected, dataset: Dataset) -> Changes:
    """Return every change that the visible reports make to a flag or corrected column of a stream's records.

    Parameters
    ----------
    later : which records report what
    dataset : the stream and its reports; reports of records that are not there change nothing
    """
    stream, reports = dataset.records.get(later.stream), dataset.records.get(later.by)
    if stream is None or reports is None or not len(reports):
        return Changes(*(np.empty(0, np.int64) for _ in range(5)))
    found = reported_ids(later, reports)
    row = _places(found.names, stream.ids)[found.codes]
    rows, row = found.rows[row >= 0], row[row >= 0]
    position = np.maximum(reports.position[rows], stream.position[row])
    if isinstance(later, Corrected):
        return _adding(row, position, reports.time[rows], reports.values[later.delta].values[rows])
    known = reports.time[rows] if later.known_after_us is None else stream.time[row] + later.known_after_us
    return _lowering(row, position, known)


def reported_ids(later: Flagged | Corrected, reports: Records) -> ReportedIds:
    """Return the reports that say yes, or correct something, and name a record.

    Parameters
    ----------
    later : a flag or a corrected column
    reports : of the source that reports or corrects
    """
    says_yes = np.ones(len(reports), dtype=bool)
    if isinstance(later, Corrected):
        says_yes = ~reports.values[later.delta].missing
    elif later.flag is not None:
        says_yes = is_flagged(reports.values[later.flag])
    if later.on not in reports.keys:  # a report's own id names the record
        rows = np.flatnonzero(says_yes)
        return ReportedIds(reports.ids.take(pa.array(rows)), np.arange(len(rows), dtype=np.int32), rows)
    keys = reports.keys[later.on]
    rows = np.flatnonzero(says_yes & (keys.codes >= 0))
    used, codes = np.unique(keys.codes[rows], return_inverse=True)
    return ReportedIds(keys.names.take(pa.array(used)), codes.astype(np.int32), rows)


def is_flagged(column: FixedPoint) -> NDArray[np.bool_]:
    """Return where a flag is there and is 1."""
    answer: NDArray[np.bool_] = (column.values == 1) & ~column.missing
    return answer


def _places(names: pa.Array, ids: pa.Array) -> Ints:
    """Return each name's place among ids, -1 where it is not there; the small side is hashed."""
    where = pc.index_in(ids, value_set=names)
    hits = np.flatnonzero(where.is_valid().to_numpy(zero_copy_only=False))
    places = np.full(len(names), -1, dtype=np.int64)
    places[where.drop_null().to_numpy()] = hits
    return places


def _adding(row: Ints, position: Ints, known: Ints, weight: Ints) -> Changes:
    """Put corrections in order of record and arrival: each counts, whatever came before it."""
    order = np.lexsort((known, position, row))
    never = np.full(len(row), NEVER, dtype=np.int64)
    return Changes(row[order], position[order], known[order], never, weight[order])


def _lowering(row: Ints, position: Ints, known: Ints) -> Changes:
    """Keep the reports that are the earliest known so far, in order of record and arrival."""
    order = np.lexsort((known, position, row))
    row, position, known = row[order], position[order], known[order]
    first = np.ones(len(row), dtype=bool)
    first[1:] = row[1:] != row[:-1]
    before = np.full(len(row), NEVER, dtype=np.int64)
    before[1:] = _earliest_so_far(known, first)[:-1]
    before[first] = NEVER
    keep = known < before
    return Changes(row[keep], position[keep], known[keep], before[keep], np.ones(int(keep.sum()), dtype=np.int64))


def _earliest_so_far(known: Ints, first: NDArray[np.bool_]) -> Ints:
    """Return the running minimum, begun anew where ``first`` holds: ranks, shifted down for each new record."""
    values, rank = np.unique(known, return_inverse=True)
    shift = np.cumsum(first) * len(values)
    running: Ints = values[np.minimum.accumulate(rank - shift) + shift]
    return running
