"""What some records' features can see of all that is known: the entities they ask about, and what is said of those."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.features.entities import Entities, keys_of
from tallystick.features.groups import Group
from tallystick.features.plan import Plan

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]


def seen_by(plan: Plan, dataset: Dataset, rows: Ints, groups: Sequence[Group] | None = None) -> Dataset:
    """Return the records that some rows' features can see, and those rows themselves.

    Of every aggregated stream these are the records of the entities that the rows ask about; of reports and
    corrections, those about these records.

    Parameters
    ----------
    plan : the features
    dataset : all records; what arrived after the rows may be among what is returned
    rows : places among the spine's records
    groups : those of the plan whose entities are wanted; all if None
    """
    spine = plan.definition.spine.name
    kept = {name: np.zeros(len(found), np.bool_) for name, found in dataset.records.items()}
    kept[spine][rows] = True
    for group in plan.groups if groups is None else groups:
        entities = Entities.of(dataset.records[group.stream], group.keys)
        # Whole entities, not only what the windows reach: a total that was too large long ago still refuses the row.
        requested = np.unique(entities.requested(dataset.records[spine], group.at, rows))
        kept[group.stream] |= np.isin(entities.codes, requested[requested >= 0])
    # Looked up before reports are added: a record that is only kept since it reports is nobody's event, and what others
    # say about it is not needed.
    events = {later.stream: np.flatnonzero(kept[later.stream]) for later in plan.later}
    for later in plan.later:
        ids = dataset.records[later.stream].ids.take(pa.array(events[later.stream]))
        kept[later.by] |= about(dataset.records[later.by], later.on, ids)
    records = {name: found.taken(np.flatnonzero(kept[name])) for name, found in dataset.records.items()}
    return Dataset(records, dataset.fingerprint, dataset.last_position)


def about(reports: Records, on: str, ids: pa.Array) -> Marks:
    """Return which reports or corrections name one of some records.

    Parameters
    ----------
    reports : the reports or corrections
    on : the field that names a record
    ids : of the records
    """
    keys = keys_of(reports, on)
    # Code -1 names nobody, and finds the last.
    is_named = np.append(pc.is_in(keys.names, value_set=ids).to_numpy(zero_copy_only=False), np.False_)
    marks: Marks = is_named[keys.codes].astype(np.bool_)
    return marks
