"""What was known when: the label of every record of the spine, as of any instant."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records, known_at
from tallystick.definitions.expressions import Flagged
from tallystick.definitions.models import LabelDefinition
from tallystick.definitions.streams import StreamDefinition

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Labels:
    """When each record of the spine happened, and when it became known as flagged.

    A record without a report is 0 as long as nobody reports it; whether that 0 is final is its maturity.

    Parameters
    ----------
    time : shape (n,), int64: instant of the event
    known_at : shape (n,), int64: instant of its earliest report, ``NEVER`` where there is none
    matures_after_us : how long after the event a label counts as final

    Examples
    --------
    >>> labels = Labels(np.array([0, 10]), np.array([25, NEVER]), matures_after_us=30)
    >>> labels.at(20).tolist(), labels.at(25).tolist()
    ([0, 0], [1, 0])
    >>> labels.is_matured(30).tolist()
    [True, False]
    """

    time: NDArray[np.int64]
    known_at: NDArray[np.int64]
    matures_after_us: int

    def at(self, as_of: int) -> NDArray[np.int8]:
        """Return the labels as known at an instant: 1 where a report was known by then."""
        return np.asarray((self.known_at <= as_of) & (self.known_at != NEVER), dtype=np.int8)

    def is_matured(self, as_of: int) -> NDArray[np.bool_]:
        """Return which labels are final at an instant."""
        return np.asarray(self.time <= as_of - self.matures_after_us)

    def take(self, rows: NDArray[np.int64]) -> "Labels":
        """Return the labels of some records of the spine, by their positions."""
        return Labels(self.time[rows], self.known_at[rows], self.matures_after_us)


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports that count.

    Parameters
    ----------
    names : the id of the record that each is about, an Arrow string array
    known_at : shape (n,), int64: from when on each was known
    """

    names: pa.Array
    known_at: NDArray[np.int64]


def read_labels(dataset: Dataset, label: LabelDefinition) -> Labels:
    """Join every record of the label's stream with its reports.

    Parameters
    ----------
    dataset : holds the label's stream and the stream of its reports
    label : which records are flagged, and how long after an event that is final
    """
    spine, flagged = dataset.records[label.flagged.stream], label.flagged
    reports = counting(dataset.records[flagged.by], flagged)
    return Labels(spine.time, first_known([reports], flagged, spine.ids, spine.time), label.matures_after_us)


def data_ends_at(dataset: Dataset) -> int:
    """Return the latest instant at which anything is known to have happened.

    Tables do not count: their rows carry the instant at which they would become known.
    """
    streams = [r.time for r in dataset.records.values() if isinstance(r.source, StreamDefinition) and len(r)]
    return max((int(time.max()) for time in streams), default=0)


def counting(reports: Records, flagged: Flagged) -> Reports:
    """Return the reports of a label's stream or table that say so and name a record.

    Parameters
    ----------
    reports : records of the stream or table that reports come from
    flagged : which key names the record that is meant, and which flag must be 1, where one must
    """
    # Reports that say 1 are few: keeping only those makes the set that every id is looked up in a small one.
    rows = np.arange(len(reports), dtype=np.int64)
    if flagged.flag is not None:
        column = reports.values[flagged.flag]
        rows = rows[(column.values == 1) & ~column.missing]
    if flagged.on in reports.keys:
        keys = reports.keys[flagged.on]
        rows = rows[keys.codes[rows] >= 0]
        return Reports(keys.names.take(pa.array(keys.codes[rows])), known_at(reports)[rows])
    return Reports(reports.ids.take(pa.array(rows)), known_at(reports)[rows])


def first_known(
    reports: Iterable[Reports], flagged: Flagged, ids: pa.Array, time: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return from when on each of some records was known as flagged, ``NEVER`` where it was not; shape (n,).

    Parameters
    ----------
    reports : those that count, in any number of pieces
    flagged : the label's flag
    ids, time : of the records, each with n values
    """
    found = list(reports)
    names = pa.chunked_array([each.names for each in found], pa.string()).combine_chunks()
    encoded = (pa.concat_arrays(names.chunks) if isinstance(names, pa.ChunkedArray) else names).dictionary_encode()
    place = pc.index_in(ids, value_set=encoded.dictionary.cast(ids.type))
    is_reported = np.asarray(place.is_valid().to_numpy(zero_copy_only=False))
    if flagged.known_after_us is not None:
        return np.where(is_reported, time + flagged.known_after_us, NEVER)
    earliest = np.full(max(len(encoded.dictionary), 1), NEVER, dtype=np.int64)
    known = np.concatenate([np.empty(0, np.int64), *(each.known_at for each in found)])
    np.minimum.at(earliest, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), known)
    return np.where(is_reported, earliest[place.fill_null(0).to_numpy(zero_copy_only=False)], NEVER)
