"""What a worker computes: a group's slots for its share of the entities, and the matrix for its share of the rows."""

import json
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.slot_texts import as_texts, features, text_slots
from tallystick.features.spark.packed import Ints, table_of, unpacked
from tallystick.features.spark.session import OVERFLOW
from tallystick.features.spill.needed import Needed, of_group, of_rows

Floats = NDArray[np.float64]

SLOTS = "place int, row bigint, arrived bigint, numbers array<double>, texts array<string>"
"""What a group knows of a row: its slots in their order, and those of them that are texts in theirs."""

SPINE = -1
"""The place of a row of the spine itself, among the groups' places."""


def slots(batches: Iterator[pa.RecordBatch], *, plan: str, place: int) -> Iterator[pa.RecordBatch]:
    """Yield a group's slots of the asked rows, from packed records of whole entities.

    Parameters
    ----------
    batches : packed records with ``source``, ``requested``, and ``part``: records of one part see no other's
    plan : as JSON
    place : which of the plan's groups

    Raises
    ------
    RuntimeError
        If an entity's running totals of a column exceed half of what 64 bits hold; the session says it in a sentence.
    """
    opened, table = _opened(plan), table_of(batches)
    if table is None:
        return
    part = table.column("part").to_numpy()
    for each in np.unique(part):
        rows = table.filter(pa.array(part == each))
        try:
            yield from _slots(opened, place, rows).to_batches()
        except FeatureOverflow as error:
            slot_texts = f"{OVERFLOW}\t{error.column}\t{error.entity}\t{error.value}"
            raise RuntimeError(slot_texts) from None


def matrix(batches: Iterator[pa.RecordBatch], *, plan: str) -> Iterator[pa.RecordBatch]:
    """Yield ids and features in order of arrival, from rows of the spine and what the groups know of them.

    Parameters
    ----------
    batches : packed records of the spine, whose place is ``SPINE``, and the slots of every group
    plan : as JSON

    Raises
    ------
    RuntimeError
        If a group does not know a row.
    """
    opened, table = _opened(plan), table_of(batches)
    if table is None:
        return
    place = table.column("place").to_numpy()
    own = table.filter(pa.array(place == SPINE)).drop_columns(["place", "numbers", "texts"])
    n = len(own)
    own = own.append_column("source", pa.array(np.full(n, _spine_place(opened))))
    own = own.append_column("requested", pa.array(np.ones(n, dtype=bool)))
    found = unpacked(own, opened.sources, _spine(opened), of_matrix(opened))
    known = [_in_order(table.filter(pa.array(place == group))) for group in range(len(opened.groups))]
    for rows in known:
        if not np.array_equal(rows.column("row").to_numpy(), found.rows):
            raise RuntimeError(f"a group knows {len(rows)} of {n} rows; this is a fault of Tallystick")
    yield from _matrix(opened, found.dataset, found.requested, known).to_batches()


def of_matrix(plan: Plan) -> Needed:
    """Return the fields with which ``matrix`` takes the spine's rows, and names what groups tell in texts."""
    spine = _spine(plan)
    texts = {
        str(group.tracks[group.slots[slot].track].of)
        for place, group in enumerate(plan.groups)
        for slot in text_slots(plan, place)
        if group.stream == spine
    }
    return {source.name: set(source.fields) for source in plan.sources} | {spine: of_rows(plan) | texts}


@cache
def _opened(plan: str) -> Plan:
    return Plan.from_stored(json.loads(plan))


def _spine(plan: Plan) -> str:
    return plan.definition.spine.name


def _spine_place(plan: Plan) -> int:
    return [source.name for source in plan.sources].index(_spine(plan))


def _slots(plan: Plan, place: int, rows: pa.Table) -> pa.Table:
    found = unpacked(rows, plan.sources, _spine(plan), of_group(plan, place))
    numbers = batch.slots(plan, place, found.dataset, found.requested)
    n, width = numbers.shape
    texts = [
        as_texts(plan, place, slot, found.dataset, numbers[:, slot]).to_pylist() for slot in text_slots(plan, place)
    ]
    return pa.table(
        {
            "place": pa.array(np.full(n, place, dtype=np.int32)),
            "row": pa.array(found.rows),
            "arrived": pa.array(found.arrived),
            "numbers": pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32) * width), numbers.ravel()),
            "texts": pa.array(
                [list(slot_texts) for slot_texts in zip(*texts, strict=True)] or [[]] * n, pa.list_(pa.string())
            ),
        }
    )


def _in_order(rows: pa.Table) -> pa.Table:
    arrived, row = (rows.column(name).to_numpy() for name in ("arrived", "row"))
    return rows.take(pa.array(np.lexsort((row, arrived))))


def _matrix(plan: Plan, dataset: Dataset, requested: Ints, known: Sequence[pa.Table]) -> pa.Table:
    ids = dataset.records[_spine(plan)].ids
    numbers = [_wide(rows, len(group.slots)) for rows, group in zip(known, plan.groups, strict=True)]
    texts = {
        (place, slot): pc.list_element(rows.column("texts").combine_chunks(), i)
        for place, rows in enumerate(known)
        for i, slot in enumerate(text_slots(plan, place))
    }
    values = features(plan, dataset, requested, numbers, texts)
    columns = [pa.array(column, mask=np.isnan(column)) for column in np.ascontiguousarray(values.T)]
    return pa.table([ids, *columns], names=[plan.definition.spine.id, *plan.names])


def _wide(rows: pa.Table, width: int) -> Floats:
    flat = rows.column("numbers").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.array(flat, dtype=np.float64).reshape(len(rows), width)
