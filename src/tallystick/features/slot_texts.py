"""Texts that slots hold: codes become texts where a part of the records is left, and codes again where it is joined."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Records
from tallystick.features.batch import executor as batch
from tallystick.features.batch.spine import stream_of
from tallystick.features.plan import Plan

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def text_slots(plan: Plan, place: int) -> list[int]:
    """Return the slots of a group that are texts.

    Parameters
    ----------
    plan, place : whose group
    """
    return [number for number, slot in enumerate(plan.groups[place].slots) if slot.is_text]


def decoded_texts(plan: Plan, place: int, slot: int, dataset: Dataset, codes: Floats) -> pa.Array:
    """Return the texts that codes of this part of the records stand for, since elsewhere they stand for others.

    Parameters
    ----------
    plan, place, slot : the slot of a group of the plan
    dataset : that the codes were computed from
    codes : shape (n,), NaN where there is no text
    """
    names, known = batch.slot_names(plan, place, slot, dataset), codes >= 0
    return names.take(pa.array(np.where(known, codes, 0).astype(np.int64), mask=~known))


def features_from_slots(
    plan: Plan,
    dataset: Dataset,
    rows: Ints | None,
    numbers: Sequence[Floats],
    texts: Mapping[tuple[int, int], pa.Array],
) -> Floats:
    """Compute the features of rows of the spine from what the parts of the records give for them.

    Parameters
    ----------
    plan : whose features
    dataset : at least the asked rows of the spine
    rows : shape (n,), places among the spine's records; all in their order if None
    numbers : for each group what ``batch.slots`` returned of each row, shape (n, slots of the group)
    texts : for each text slot, by group and place, what was ``decoded_texts`` of each row
    """
    for (place, slot), texts_of_slot in texts.items():
        dataset = _with_names(plan, place, slot, dataset, texts_of_slot)
    for (place, slot), texts_of_slot in texts.items():
        numbers[place][:, slot] = _codes(texts_of_slot, batch.slot_names(plan, place, slot, dataset))
    return batch.rowwise(plan, dataset, rows, numbers)


def _codes(texts: pa.Array, names: pa.Array) -> Floats:
    places = pc.index_in(texts, value_set=names, skip_nulls=True).cast(pa.float64())
    return np.asarray(pc.fill_null(places, np.nan).to_numpy(zero_copy_only=False))


def _with_names(plan: Plan, place: int, slot: int, dataset: Dataset, texts: pa.Array) -> Dataset:
    """Let the records of a group's stream know further texts, which rows of other parts have."""
    group = plan.groups[place]
    field, records = str(group.tracks[group.slots[slot].track].of), stream_of(plan, dataset, group.stream)
    more = texts.unique().drop_null()
    more = more.filter(pc.invert(pc.is_in(more, value_set=batch.slot_names(plan, place, slot, dataset))))
    if field in records.keys:
        keys = records.keys[field]
        wider = records.keys | {field: EncodedKeys(keys.codes, pa.concat_arrays([keys.names, more]))}
        records = replace(records, keys=wider)
    else:
        records = _longer(records, more)
    return replace(dataset, records=dataset.records | {group.stream: records})


def _longer(records: Records, ids: pa.Array) -> Records:
    """Return records with further ones behind them that have nothing but an id."""
    n = len(ids)
    none, first = np.zeros(n, np.int64), (int(records.position[-1]) if len(records) else 0) + 1
    return Records(
        records.source,
        np.append(records.position, np.arange(first, first + n)),
        np.append(records.time, none),
        pa.concat_arrays([records.ids, ids]),
        {
            name: EncodedKeys(np.append(of.codes, np.full(n, -1, np.int32)), of.names)
            for name, of in records.keys.items()
        },
        {
            name: FixedPoint(np.append(of.values, none), np.append(of.missing, np.ones(n, np.bool_)), of.decimals)
            for name, of in records.values.items()
        },
    )
