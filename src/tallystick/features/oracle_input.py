"""A dataset's records as plain mappings for the oracle: all of them, or those that some rows can see."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Dataset, Records
from tallystick.definitions.expressions import Aggregate, Flagged, parts
from tallystick.definitions.features import FeatureDefinition
from tallystick.definitions.streams import TableDefinition

Ints = NDArray[np.int64]
Plain = dict[str, Any]


def from_dataset(
    definition: FeatureDefinition, dataset: Dataset, rows: Ints | None = None
) -> tuple[dict[str, list[Plain]], list[int]]:
    """Return what ``oracle.compute`` takes: plain records by stream, and the rows' places among them.

    Parameters
    ----------
    definition : the features
    dataset : the spine and the reports its flags need
    rows : places among the spine's records; then only these rows, all records of their entities, and those records'
        reports are returned. None for everything. Reports that say no are left out.

    Returns
    -------
    tuple
        Records by the name of their stream, and where the asked rows stand among the spine's.
    """
    spine = dataset.records[definition.spine.name]
    asked = np.arange(len(spine), dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    kept = np.arange(len(spine), dtype=np.int64) if rows is None else concerned(definition, spine, asked)
    plain = {definition.spine.name: _plain(spine, kept)}
    ids = spine.ids.take(pa.array(kept))
    for flag in definition.flags:
        if flag.by in dataset.records and flag.by not in plain:
            reports = dataset.records[flag.by]
            counting = [_counts(reports, f, ids) for f in definition.flags if f.by == flag.by]
            plain[flag.by] = _plain(reports, np.flatnonzero(np.any(counting, axis=0)))
    return plain, np.searchsorted(kept, asked).tolist()


def concerned(definition: FeatureDefinition, spine: Records, asked: Ints) -> Ints:
    """Return the asked rows and every record of the spine that their features can depend on.

    These are the records that share an aggregated key with one of them, and those that report one of these.
    """
    wanted = np.zeros(len(spine), dtype=bool)
    wanted[asked] = True
    found = wanted.copy()
    keys = {p.key for expr in definition.features.values() for p in parts(expr) if isinstance(p, Aggregate)}
    for key in keys & spine.keys.keys():
        codes = spine.keys[key].codes
        shared = np.zeros(len(spine.keys[key].names) + 1, dtype=bool)
        shared[codes[wanted]] = True
        shared[-1] = False
        found |= shared[codes]
    reporting = [flag for flag in definition.flags if flag.by == spine.source.name]
    ids = spine.ids.take(pa.array(np.flatnonzero(found))) if reporting else spine.ids
    for flag in reporting:
        found |= _counts(spine, flag, ids)
    return np.flatnonzero(found)


def _counts(reports: Records, flag: Flagged, ids: pa.Array) -> NDArray[np.bool_]:
    """Return which reports say yes about one of the ids."""
    if flag.on not in reports.keys:
        named: NDArray[np.bool_] = pc.is_in(reports.ids, value_set=ids).to_numpy(zero_copy_only=False)
    else:
        keys = reports.keys[flag.on]
        named = np.append(pc.is_in(keys.names, value_set=ids).to_numpy(zero_copy_only=False), False)[keys.codes]
    return named if flag.flag is None else named & (reports.values[flag.flag].values == 1)


def _plain(records: Records, rows: Ints) -> list[Plain]:
    source = records.source
    timeless = isinstance(source, TableDefinition)
    ids = records.ids.take(pa.array(rows)).to_pylist()
    times = [None] * len(rows) if timeless else records.time[rows].tolist()
    fields: dict[str, list[Any]] = {} if isinstance(source, TableDefinition) else {source.id: ids, source.time: times}
    for name, keys in records.keys.items():
        codes = keys.codes[rows]
        fields[name] = keys.names.take(pa.array(codes, mask=codes < 0)).to_pylist()
    for name, column in records.values.items():
        missing = column.missing[rows].tolist()
        whole = column.values[rows].tolist()
        fields[name] = [None if gone else value for value, gone in zip(whole, missing, strict=True)]
    columns = list(zip(*fields.values(), strict=True))
    return [
        {"seq": seq, "time": time, "id": name, "fields": dict(zip(fields, row, strict=True))}
        for seq, time, name, row in zip(records.seq[rows].tolist(), times, ids, columns, strict=True)
    ]
