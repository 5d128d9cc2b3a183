"""Reports joined to the records they flag: every moment at which a record's flag becomes known, or known earlier."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Fixed, Records
from tallystick.definitions.expressions import Flagged
from tallystick.features.known import NEVER

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one flag's reports change, in order of the flagged record, then of arrival.

    Parameters
    ----------
    row : shape (n,), place of the flagged record among its stream's records
    seq : shape (n,), from which place in the order of arrival on, when both record and report are there
    known : shape (n,), the earliest known-at instant from then on, in microseconds
    before : shape (n,), what it was until then, NEVER where the record was not flagged
    """

    row: Ints
    seq: Ints
    known: Ints
    before: Ints


@dataclass(frozen=True, slots=True)
class Reported:
    """Reports that count for one flag: the id they name, their place in the order of arrival, and row."""

    names: pa.Array
    codes: NDArray[np.int32]
    rows: Ints


def changes(flag: Flagged, dataset: Dataset) -> Changes:
    """Return every change that the visible reports make to a flag of a stream's records.

    Parameters
    ----------
    flag : which records report what
    dataset : the flagged stream and its reports; reports of records that are not there change nothing
    """
    spine, reports = dataset.records[flag.stream], dataset.records.get(flag.by)
    if reports is None or not len(reports):
        return Changes(*(np.empty(0, np.int64) for _ in range(4)))
    found = reported(flag, reports)
    row = _places(found.names, spine.ids)[found.codes]
    rows, row = found.rows[row >= 0], row[row >= 0]
    seq = np.maximum(reports.seq[rows], spine.seq[row])
    known = reports.time[rows] if flag.known_after_us is None else spine.time[row] + flag.known_after_us
    return _lowering(row, seq, known)


def reported(flag: Flagged, reports: Records) -> Reported:
    """Return the reports that say yes and name a record."""
    says_yes = np.ones(len(reports), dtype=bool)
    if flag.flag is not None:
        says_yes = yes(reports.values[flag.flag])
    if flag.on not in reports.keys:  # a report's own id names the record
        rows = np.flatnonzero(says_yes)
        return Reported(reports.ids.take(pa.array(rows)), np.arange(len(rows), dtype=np.int32), rows)
    keys = reports.keys[flag.on]
    rows = np.flatnonzero(says_yes & (keys.codes >= 0))
    used, codes = np.unique(keys.codes[rows], return_inverse=True)
    return Reported(keys.names.take(pa.array(used)), codes.astype(np.int32), rows)


def yes(column: Fixed) -> NDArray[np.bool_]:
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


def _lowering(row: Ints, seq: Ints, known: Ints) -> Changes:
    """Keep the reports that are the earliest known so far, in order of record and arrival."""
    order = np.lexsort((known, seq, row))
    row, seq, known = row[order], seq[order], known[order]
    first = np.ones(len(row), dtype=bool)
    first[1:] = row[1:] != row[:-1]
    before = np.full(len(row), NEVER, dtype=np.int64)
    before[1:] = _earliest_so_far(known, first)[:-1]
    before[first] = NEVER
    keep = known < before
    return Changes(row[keep], seq[keep], known[keep], before[keep])


def _earliest_so_far(known: Ints, first: NDArray[np.bool_]) -> Ints:
    """Return the running minimum, begun anew where ``first`` holds: ranks, shifted down for each new record."""
    values, rank = np.unique(known, return_inverse=True)
    shift = np.cumsum(first) * len(values)
    running: Ints = values[np.minimum.accumulate(rank - shift) + shift]
    return running
