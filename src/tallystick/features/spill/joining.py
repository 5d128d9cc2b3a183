"""The table put together range by range: rows of the spine, what every group tells of them, and their features."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Dataset, EncodedKeys, Records, key_fields
from tallystick.features.plan import Plan
from tallystick.features.slot_texts import features_from_slots, text_slots
from tallystick.features.spill.ranges import Ranges
from tallystick.features.spill.rows import ROW, unpacked
from tallystick.features.spill.spill_file import SpillFile
from tallystick.features.table import FeatureTable, Origin

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def joined(plan: Plan, ranges: Ranges, slot_files: Sequence[SpillFile], origin: Origin) -> Iterator[FeatureTable]:
    """Yield the table, a range of rows at a time, in order of arrival.

    Parameters
    ----------
    plan : whose features
    ranges : the rows that ask
    slot_files : for each group its slots, by range
    origin : what it is made from
    """
    spine = plan.definition.spine
    for number in range(len(ranges)):
        rows = ranges.read(number)
        places = _Places(rows.column(ROW).to_numpy())
        numbers, texts = [], {}
        for place, spill_file in enumerate(slot_files):
            known = spill_file.read(number)
            at = places.of(known.column(ROW).to_numpy())
            numbers.append(_scattered(known, at, len(rows), len(plan.groups[place].slots)))
            for slot in text_slots(plan, place):
                # ``at`` says where each row goes; its order says which row comes to each place, as ``take`` wants it.
                texts[place, slot] = known.column(f"t{slot}").combine_chunks().take(pa.array(np.argsort(at)))
        records = _with_keys(unpacked(spine, rows))
        requested = np.arange(len(rows))
        values = features_from_slots(plan, Dataset({spine.name: records}, "", len(rows)), requested, numbers, texts)
        yield FeatureTable(plan.names, records.ids, records.position, records.time, values, spine.id, origin)


class _Places:
    """Where each row stands in a range, by its place in the order of arrival."""

    def __init__(self, rows: Ints) -> None:
        self._n = len(rows)
        self._is_dense = self._n > 0 and bool(np.all(np.diff(rows) == 1))
        self._first = int(rows[0]) if self._n else 0
        self._order = None if self._is_dense else np.argsort(rows, kind="stable")
        self._rows = rows if self._order is None else rows[self._order]

    def of(self, rows: Ints) -> Ints:
        """Return where some rows stand that are all of them, in any order.

        Raises
        ------
        RuntimeError
            If they are not; this is our fault.
        """
        if len(rows) != self._n:
            raise RuntimeError(f"a group knows {len(rows)} of {self._n} rows; this is a fault of Tallystick")
        # Rows of most ranges follow each other without a gap, and where each stands is a subtraction.
        if self._order is None:
            return rows - self._first
        return self._order[np.searchsorted(self._rows, rows)]


def _with_keys(records: Records) -> Records:
    """Let records have every key field, with no text where it was not needed: other parts' texts may be put there."""
    # Texts of slots are numbered among the spine's own keys, which must be there for that, if only empty.
    nothing = EncodedKeys(np.full(len(records), -1, np.int32), pa.array([], pa.string()))
    return replace(records, keys=dict.fromkeys(key_fields(records.source), nothing) | records.keys)


def _scattered(known: pa.Table, at: Ints, n: int, width: int) -> Floats:
    out, start = np.empty((n, width), np.float64), 0
    for chunk in known.column("slots").chunks:
        out[at[start : start + len(chunk)]] = chunk.flatten().to_numpy().reshape(-1, width)
        start += len(chunk)
    return out
