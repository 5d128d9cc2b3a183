"""A dataset's records as plain mappings for the oracle: all of them, or those that some rows can see."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, EncodedKeys, Records
from tallystick.definitions.expressions import Aggregate, Corrected, Flagged, LateValue, subexpressions
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.streams import TableDefinition

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Plain = dict[str, Any]


def from_dataset(
    definition: FeatureDefinition, dataset: Dataset, rows: Ints | None = None
) -> tuple[dict[str, list[Plain]], list[int]]:
    """Return what ``oracle.compute`` takes: plain records by stream, and the rows' places among them.

    Parameters
    ----------
    definition : the features
    dataset : the spine, and every stream and table that the features look at
    rows : places among the spine's records; then only the records that concern these rows are returned. None for
        everything

    Returns
    -------
    tuple
        Records by the name of their stream, and where the asked rows stand among the spine's.
    """
    spine = dataset.records[definition.spine.name]
    requested = np.arange(len(spine), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    kept = _everything(definition, dataset) if rows is None else concerned(definition, dataset, requested)
    plain = {name: _plain(dataset.records[name], places) for name, places in kept.items()}
    return plain, np.searchsorted(kept[spine.source.name], requested).tolist()


def concerned(definition: FeatureDefinition, dataset: Dataset, requested: Ints) -> dict[str, Ints]:
    """Return, by source, the places of all records that the features of some rows can depend on.

    These are the rows themselves; the events of the entities that their aggregates are about; and what flags or
    corrects these events, if it does not say no.

    Parameters
    ----------
    definition : the features
    dataset : the spine, and every stream and table that the features look at
    requested : places among the spine's records
    """
    spine = dataset.records[definition.spine.name]
    found = {name: np.zeros(len(dataset.records[name]), bool) for name in _sources(definition, dataset)}
    found[spine.source.name][requested] = True
    aggregates = [
        part for expr in definition.features.values() for part in subexpressions(expr) if isinstance(part, Aggregate)
    ]
    for stream, keys, at in dict.fromkeys(_entity(aggregate) for aggregate in aggregates):
        if stream in found:
            found[stream] |= _of_entities(dataset.records[stream], keys, spine, at, requested)
    events = {name: np.flatnonzero(each) for name, each in found.items()}
    for later in (
        part for aggregate in aggregates for part in subexpressions(aggregate) if isinstance(part, LateValue)
    ):
        if later.by in found and later.stream in found:
            ids = dataset.records[later.stream].ids.take(pa.array(events[later.stream]))
            found[later.by] |= _about(dataset.records[later.by], later, ids)
    return {name: np.flatnonzero(each) for name, each in found.items()}


def _sources(definition: FeatureDefinition, dataset: Dataset) -> Iterator[str]:
    return (name for name in definition.sources if name in dataset.records)


def _everything(definition: FeatureDefinition, dataset: Dataset) -> dict[str, Ints]:
    return {name: np.arange(len(dataset.records[name])) for name in _sources(definition, dataset)}


def _entity(aggregate: Aggregate) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    return aggregate.stream, aggregate.keys, tuple(key.field for key in aggregate.at) or aggregate.keys


def _of_entities(events: Records, keys: tuple[str, ...], spine: Records, at: tuple[str, ...], requested: Ints) -> Bools:
    """Return which events belong to an entity that one of the asked rows names."""
    ours, theirs = np.zeros(len(requested), np.int64), np.zeros(len(events), np.int64)
    for key, field in zip(keys, at, strict=True):
        asking, having = _keys(spine, field), _keys(events, key)
        same = pc.fill_null(pc.index_in(having.names, value_set=asking.names), -1).to_numpy()
        n = len(asking.names)
        ours = _joined(ours, asking.codes[requested], n)
        theirs = _joined(theirs, np.append(same, -1)[having.codes], n)
        # Numbered anew, so that no number of keys leaves 64 bits.
        dense = np.unique(np.concatenate([[-1], ours, theirs]), return_inverse=True)[1] - 1
        ours, theirs = dense[1 : len(ours) + 1], dense[len(ours) + 1 :]
    belongs: Bools = (theirs >= 0) & np.isin(theirs, ours[ours >= 0])
    return belongs


def _joined(codes: Ints, more: NDArray[Any], n: int) -> Ints:
    """Return one number for each pair of codes, the second below n; -1 where one is missing."""
    return np.where((codes >= 0) & (more >= 0), codes * n + more, -1)


def _about(reports: Records, later: Flagged | Corrected, ids: pa.Array) -> Bools:
    """Return which records name one of the ids, and do not say no."""
    keys = _keys(reports, later.on)
    named: Bools = np.append(pc.is_in(keys.names, value_set=ids).to_numpy(zero_copy_only=False), False)[keys.codes]
    says = later.flag if isinstance(later, Flagged) else None
    return named if says is None else named & (reports.values[says].values == 1)


def _keys(records: Records, field: str) -> EncodedKeys:
    if field in records.keys:
        return records.keys[field]
    return EncodedKeys(np.arange(len(records), dtype=np.int32), records.ids)


def _plain(records: Records, rows: Ints) -> list[Plain]:
    source = records.source
    timeless = isinstance(source, TableDefinition)
    ids = records.ids.take(pa.array(rows)).to_pylist()
    times = [None] * len(rows) if timeless else records.time[rows].tolist()
    fields: dict[str, list[Any]] = {"": ids}
    if not isinstance(source, TableDefinition):  # a dated table has no field for its ids, a static one none for time
        fields |= {source.time: times, source.id: ids}
    for name, keys in records.keys.items():
        codes = keys.codes[rows]
        fields[name] = keys.names.take(pa.array(codes, mask=codes < 0)).to_pylist()
    for name, column in records.values.items():
        missing = column.missing[rows].tolist()
        whole = column.values[rows].tolist()
        fields[name] = [None if gone else value for value, gone in zip(whole, missing, strict=True)]
    columns = list(zip(*fields.values(), strict=True))
    return [
        {"position": position, "time": time, "id": name, "fields": dict(zip(fields, row, strict=True))}
        for position, time, name, row in zip(records.position[rows].tolist(), times, ids, columns, strict=True)
    ]
