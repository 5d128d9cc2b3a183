"""The tiles of a whole history at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tallystick.features.online.packing import StoreOrder, packed_entries, wholes
from tallystick.features.online.tiles import LEVELS
from tallystick.features.state import keys
from tallystick.features.state.store import Entry

Ints = NDArray[np.int64]


def extreme_entries(group: int, track: int, entities: StoreOrder, rows: Ints, values: Ints) -> Iterator[Entry]:
    """Yield the smallest and largest value of every tile.

    Parameters
    ----------
    group, track : places in the plan
    entities : of the group's stream
    rows : the track's events, in order of entity, time and arrival
    values : their values
    """
    rank, time = entities.rank[rows], entities.records.time[rows]
    for level, width in enumerate(LEVELS):
        tile = time >> width
        first = np.ones(len(rows), dtype=bool)
        first[1:] = (rank[1:] != rank[:-1]) | (tile[1:] != tile[:-1])
        start = np.flatnonzero(first)
        if not len(start):
            return
        pairs = np.stack([np.minimum.reduceat(values, start), np.maximum.reduceat(values, start)], axis=1)
        prefixes = entities.prefixes(keys.tiles_of(keys.EXTREME, group, track, level))
        yield from packed_entries(prefixes, rank[start], wholes(tile[start]), wholes(pairs))


def distinct_entries(
    group: int, track: int, entities: StoreOrder, rows: Ints, values: Sequence[bytes]
) -> Iterator[Entry]:
    """Yield each different value of every tile; what ``extreme_entries`` takes, values as they are packed.

    Parameters
    ----------
    group, track : places in the plan
    entities : of the group's stream
    rows : the track's events, in order of entity, time and arrival
    values : their values, as they are packed
    """
    names = sorted({keys.short_value(value) for value in values})
    places = {name: place for place, name in enumerate(names)}
    code = np.array([places[keys.short_value(value)] for value in values], dtype=np.int64)
    rank, time = entities.rank[rows], entities.records.time[rows]
    for level, width in enumerate(LEVELS):
        tile = time >> width
        order = np.lexsort((code, tile, rank))
        columns = np.stack([rank[order], tile[order], code[order]], axis=1)
        first = np.ones(len(order), dtype=bool)
        first[1:] = (columns[1:] != columns[:-1]).any(axis=1)
        prefixes = entities.prefixes(keys.tiles_of(keys.DISTINCT, group, track, level))
        for entity, at, value in columns[first].tolist():
            yield prefixes[entity] + keys.pack_whole(at) + names[value], b""
