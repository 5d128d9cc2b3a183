"""Putting records together: those parsed one at a time, and those that the log added to history."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.data.fingerprint import fingerprint
from tallystick.data.records import Dataset, EncodedKeys, FixedPoint, Record, Records, key_fields, value_fields
from tallystick.definitions.streams import Source
from tallystick.errors import RecordsClash


def no_records(source: Source) -> Records:
    """Return no records of a source."""
    return from_parsed(source, [])


def from_parsed(source: Source, parsed: Sequence[tuple[int, Record]]) -> Records:
    """Return numbered records, in order of their positions, of which each was parsed alone.

    An outcome of a table has no instant of its own; its time is 0 here, and features take it from the event it judges.

    Parameters
    ----------
    source : the stream or table they all belong to
    parsed : the position of each record, and the record
    """
    # Sorted here, so that a caller may hand records in as it found them.
    ordered = sorted(parsed, key=lambda pair: pair[0])
    records = [record for _, record in ordered]
    return Records(
        source,
        np.array([position for position, _ in ordered], np.int64),
        np.array([record.time or 0 for record in records], np.int64),
        pa.array([record.id for record in records], pa.string()),
        {name: _keys([record.keys[name] for record in records]) for name in key_fields(source)},
        {
            name: _fixed([record.values[name] for record in records], field.decimals)
            for name, field in value_fields(source).items()
        },
    )


def restricted(dataset: Dataset, names: Iterable[str]) -> Dataset:
    """Return the records of some sources alone; they keep their places in the order of arrival.

    Parameters
    ----------
    dataset : the records
    names : of the sources that are wanted; one that the dataset does not have is passed over
    """
    wanted = set(names)
    records = {name: found for name, found in dataset.records.items() if name in wanted}
    if len(records) == len(dataset.records):
        return dataset
    return Dataset(records, fingerprint(records), dataset.last_position)


def concat(dataset: Dataset, more: Mapping[str, Records]) -> Dataset:
    """Return a dataset with further records in it, by source; those of new sources come last.

    Parameters
    ----------
    dataset : what is there, such as history
    more : what the log added, by source; positions may interleave with those of the dataset, but not repeat one

    Raises
    ------
    RecordsClash
        If two records of a source have one position.
    """
    records = dict(dataset.records)
    for name, added in more.items():
        records[name] = joined(records[name], added) if name in records else added
    # Positions of sources that are not read here count too: the log's place never goes back.
    last = max((int(found.position[-1]) for found in records.values() if len(found)), default=0)
    return Dataset(records, fingerprint(records), max(last, dataset.last_position))


def extended(records: Mapping[str, Records], more: Mapping[str, Records]) -> dict[str, Records]:
    """Return records by source with further ones among them: what ``concat`` does, for who needs no fingerprint.

    Parameters
    ----------
    records : what there is, by source
    more : further records by source; those of new sources come last

    Raises
    ------
    RecordsClash
        If two records of a source have one sequence number.
    """
    found = dict(records)
    for name, added in more.items():
        found[name] = joined(found[name], added) if name in found else added
    return found


def joined(before: Records, added: Records) -> Records:
    """Return the records of one source that were in two pieces, in order of their sequence.

    Parameters
    ----------
    before, added : the pieces; their positions may interleave

    Raises
    ------
    RecordsClash
        If two have one sequence number.
    """
    if not len(added) or not len(before):
        return added if len(added) else before
    merged = Records(
        before.source,
        np.concatenate([before.position, added.position]),
        np.concatenate([before.time, added.time]),
        pa.concat_arrays([before.ids, added.ids]),
        {name: _united(keys, added.keys[name]) for name, keys in before.keys.items()},
        {name: _appended(of, added.values[name]) for name, of in before.values.items()},
    )
    # What the log added comes after history, so a sort is the exception.
    if before.position[-1] >= added.position[0]:
        merged = merged.taken(np.argsort(merged.position, kind="stable"))
    # They rise, so that equal ones are neighbours.
    twice = np.flatnonzero(merged.position[1:] == merged.position[:-1])
    if len(twice):
        raise RecordsClash(before.source.name, position=int(merged.position[twice[0]]))
    return merged


def _united(before: EncodedKeys, added: EncodedKeys) -> EncodedKeys:
    # Codes of what was there stay, and only the few new names are appended: history is not encoded anew.
    place = pc.index_in(added.names, value_set=before.names)
    new = added.names.filter(pc.is_null(place))
    to = np.full(len(added.names) + 1, -1, np.int32)  # the spare at the end is where a missing key points
    to[:-1] = pc.fill_null(place, -1).to_numpy()
    to[:-1][to[:-1] < 0] = np.arange(len(before.names), len(before.names) + len(new), dtype=np.int32)
    return EncodedKeys(np.concatenate([before.codes, to[added.codes]]), pa.concat_arrays([before.names, new]))


def _appended(before: FixedPoint, added: FixedPoint) -> FixedPoint:
    values, missing = np.concatenate([before.values, added.values]), np.concatenate([before.missing, added.missing])
    return FixedPoint(values, missing, before.decimals)


def _keys(texts: list[str | None]) -> EncodedKeys:
    encoded = pc.dictionary_encode(pa.array(texts, pa.string()))
    return EncodedKeys(pc.fill_null(encoded.indices, -1).to_numpy(), encoded.dictionary)


def _fixed(values: list[int | None], decimals: int) -> FixedPoint:
    missing = np.array([value is None for value in values], np.bool_)
    return FixedPoint(np.array([value or 0 for value in values], np.int64), missing, decimals)
