"""What a worker computes: a group's slots for its share of the entities, and the table for its share of the rows."""

import json
from collections.abc import Iterator, Sequence
from functools import cache

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.fingerprint import of_block
from tallystick.data.records import Dataset
from tallystick.definitions.streams import Source
from tallystick.errors import FeatureOverflow
from tallystick.features.batch import executor as batch
from tallystick.features.plan import Plan
from tallystick.features.slot_texts import decoded_texts, features_from_slots, text_slots
from tallystick.features.spark.packed import Ints, table_of, unpacked, whole
from tallystick.features.spark.session import OVERFLOW
from tallystick.features.spill.needed import Needed, of_group, of_rows
from tallystick.features.table import FeatureTable, Origin
from tallystick.features.table_file import Rows

Floats = NDArray[np.float64]

SLOTS = "place int, row bigint, arrived bigint, numbers array<double>, texts array<string>"
"""What a group knows of a row: its slots in their order, and those of them that are texts in theirs."""

SPINE = -1
"""The place of a row of the spine itself, among the groups' places."""

BLOCKS = "place int, block bigint, n bigint, digest string"
SUMS = "n bigint, first bigint, last bigint, checksum string"


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


def table(batches: Iterator[pa.RecordBatch], *, plan: str) -> Iterator[pa.RecordBatch]:
    """Yield rows of the feature table in order of arrival, from rows of the spine and what the groups know of them.

    Parameters
    ----------
    batches : packed records of the spine, whose place is ``SPINE``, and the slots of every group
    plan : as JSON

    Raises
    ------
    RuntimeError
        If a group does not know a row.
    """
    opened, rows = _opened(plan), table_of(batches)
    if rows is None:
        return
    place = rows.column("place").to_numpy()
    own = rows.filter(pa.array(place == SPINE)).drop_columns(["place", "numbers", "texts"])
    n = len(own)
    own = own.append_column("source", pa.array(np.full(n, _spine_place(opened))))
    own = own.append_column("requested", pa.array(np.ones(n, dtype=bool)))
    found = unpacked(own, opened.sources, _spine(opened), of_table(opened))
    known = [_in_order(rows.filter(pa.array(place == group))) for group in range(len(opened.groups))]
    for each in known:
        if not np.array_equal(each.column("row").to_numpy(), found.rows):
            raise RuntimeError(f"a group knows {len(each)} of {n} rows; this is a fault of Tallystick")
    yield from _table(opened, found.dataset, found.rows, known).to_batches()


def of_table(plan: Plan) -> Needed:
    """Return the fields with which ``table`` takes the spine's rows, and names what groups tell in texts."""
    spine = _spine(plan)
    texts = {
        str(group.tracks[group.slots[slot].track].of)
        for place, group in enumerate(plan.groups)
        for slot in text_slots(plan, place)
        if group.stream == spine
    }
    return {source.name: set(source.fields) for source in plan.sources} | {spine: of_rows(plan) | texts}


def blocks(batches: Iterator[pa.RecordBatch], *, sources: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the digest of every block of places of every source, from packed records with all their fields.

    Parameters
    ----------
    batches : packed records with ``place``, the source's among ``sources``, and ``block``: all that the block has
    sources : the sources' definitions as JSON
    """
    table = table_of(batches)
    if table is None:
        return
    known: list[Source] = msgspec.json.decode(sources, type=list[Source])
    place, block, row = (table.column(name).to_numpy() for name in ("place", "block", "row"))
    order = np.lexsort((row, block, place))
    table, place, block = table.take(pa.array(order)).combine_chunks(), place[order], block[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (place[1:] != place[:-1]) | (block[1:] != block[:-1])
    starts = np.flatnonzero(is_first)
    ends = np.append(starts[1:], len(order))
    digests = [
        of_block([whole(known[place[begin]], table.slice(begin, end - begin).combine_chunks())])
        for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    columns = [pa.array(place[starts]), pa.array(block[starts]), pa.array(ends - starts), pa.array(digests)]
    yield from pa.table(columns, names=["place", "block", "n", "digest"]).to_batches()


def sums(batches: Iterator[pa.RecordBatch], *, features: int) -> Iterator[pa.RecordBatch]:
    """Yield what a header says of some rows of a table: how many, first and last place, and checksum.

    Parameters
    ----------
    batches : rows of a table, with the columns of its files in their order
    features : how many of them are features
    """
    rows = Rows()
    for part in batches:
        if len(part):
            position, time = part.column(1).to_numpy(), pc.cast(part.column(2), pa.int64()).to_numpy()
            values = [part.column(3 + i).fill_null(np.nan).to_numpy() for i in range(features)]
            found = np.column_stack(values) if values else np.empty((len(part), 0))
            rows.add(pc.cast(part.column(0), pa.string()), position, time, found)
    if rows.n:
        slot_texts = {"n": [rows.n], "first": [rows.first], "last": [rows.last], "checksum": [str(rows.checksum)]}
        yield from pa.table(slot_texts).to_batches()


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
        decoded_texts(plan, place, slot, found.dataset, numbers[:, slot]).to_pylist()
        for slot in text_slots(plan, place)
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


def _table(plan: Plan, dataset: Dataset, places: Ints, known: Sequence[pa.Table]) -> pa.Table:
    numbers = [_wide(rows, len(group.slots)) for rows, group in zip(known, plan.groups, strict=True)]
    texts = {
        (place, slot): pc.list_element(rows.column("texts").combine_chunks(), i)
        for place, rows in enumerate(known)
        for i, slot in enumerate(text_slots(plan, place))
    }
    values = features_from_slots(plan, dataset, np.arange(len(places)), numbers, texts)
    spine = dataset.records[_spine(plan)]
    own, origin = plan.definition.spine.id, Origin("", "", {})
    return FeatureTable(plan.names, spine.ids, places, spine.time, values, own, origin).to_arrow()


def _wide(rows: pa.Table, width: int) -> Floats:
    flat = rows.column("numbers").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.array(flat, dtype=np.float64).reshape(len(rows), width)
