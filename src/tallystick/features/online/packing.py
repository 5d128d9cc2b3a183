"""Keys and values of many entries at once: entities in the order of the store, whole numbers as rising bytes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records
from tallystick.features.entities import Entities, keys_of
from tallystick.features.state import keys
from tallystick.features.state.store import Entry

Ints = NDArray[np.int64]
ValuesAt = Callable[[Ints], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """A stream's records and their entities, in the order of their keys in the store: shorter names first, then bytes.

    Parameters
    ----------
    records : of the stream
    names : the entities, in order
    rank : each record's place among them, -1 where a part of its name is missing
    rows : the records that have an entity, in order of entity, time and arrival
    """

    records: Records
    names: list[bytes]
    rank: Ints
    rows: Ints

    @classmethod
    def of(cls, records: Records, fields: tuple[str, ...]) -> "StoreOrder":
        """Return the records in the order of the entities that key fields name.

        Parameters
        ----------
        records : of a stream
        fields : the key fields that name an entity together
        """
        codes = Entities.of(records, fields).codes
        used, first = np.unique(codes, return_index=True)
        first = first[used >= 0]
        names = _names(records, fields, first)
        order = sorted(range(len(names)), key=lambda i: (len(names[i]), names[i]))
        place = np.full(int(codes.max(initial=-1)) + 2, -1, dtype=np.int64)
        place[used[used >= 0][order]] = np.arange(len(names))
        rank = place[codes]
        rows = np.flatnonzero(rank >= 0)
        rows = rows[np.lexsort((records.position[rows], records.time[rows], rank[rows]))]
        return cls(records, [names[i] for i in order], rank, rows)

    def prefixes(self, begins: bytes) -> list[bytes]:
        """Return how each entity's keys begin."""
        return [begins + keys.length_prefixed(name) for name in self.names]

    def ends(self, rows: Ints) -> bytes:
        """Return the moments of some records, as keys end."""
        return wholes(np.stack([self.records.time[rows], self.records.position[rows]], axis=1))

    def values(self, field: str, *, is_text: bool) -> tuple[NDArray[np.bool_], ValuesAt]:
        """Return where a field has a value, and how to pack it for some records, missing or not.

        Parameters
        ----------
        field : a key or value field, or the stream's id
        is_text : it is a key or the id
        """
        if not is_text:
            column = self.records.values[field]
            return ~column.missing, lambda rows: _whole_list(column.values[rows], column.missing[rows])
        texts = keys_of(self.records, field)
        names = [*(name.encode() for name in texts.names.to_pylist()), keys.MISSING]
        return texts.codes >= 0, lambda rows: [names[code] for code in texts.codes[rows].tolist()]


def running(weight: Ints, rank: Ints) -> Ints:
    """Return the running totals of each entity: of all, less what stood before the entity's first.

    Parameters
    ----------
    weight : shape (n,), in order of entity and moment
    rank : shape (n,), the entity of each, rising
    """
    total = np.cumsum(weight)
    first = np.ones(len(rank), dtype=bool)
    first[1:] = rank[1:] != rank[:-1]
    start = np.flatnonzero(first)
    before = np.repeat((total - weight)[start], np.diff(np.append(start, len(rank))))
    found: Ints = total - before
    return found


def wholes(values: NDArray[Any]) -> bytes:
    """Pack whole numbers so that their bytes rise as they do: big-endian, sign bit flipped."""
    return (values.astype(np.int64).view(np.uint64) ^ np.uint64(keys.SIGN)).astype(">u8").tobytes()


def packed_entries(
    prefixes: Sequence[bytes], rank: Ints, ends: bytes, values: bytes | Sequence[bytes]
) -> Iterator[Entry]:
    """Yield entries from their packed parts, entity by entity.

    Parameters
    ----------
    prefixes : how each entity's keys begin
    rank : shape (n,), the entity of each entry, rising
    ends : how the n keys end, one after the other, all of one length
    values : a list of n values, or n of one length one after the other
    """
    n = max(len(rank), 1)
    end, width = len(ends) // n, len(values) // n
    packed_values = values if isinstance(values, bytes) else None
    edges = np.searchsorted(rank, np.arange(len(prefixes) + 1))
    for prefix, first, last in zip(prefixes, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        for i in range(first, last):
            value = values[i] if packed_values is None else packed_values[width * i : width * i + width]
            yield prefix + ends[end * i : end * i + end], value  # type: ignore[misc]


def _names(records: Records, fields: Sequence[str], rows: Ints) -> list[bytes]:
    """Return the entity of each of some records."""
    columns = [keys_of(records, field) for field in fields]
    parts = [[t.encode() for t in of.names.take(pa.array(of.codes[rows])).to_pylist()] for of in columns]
    if len(parts) == 1:
        return parts[0]
    return [b"".join(map(keys.length_prefixed, each)) for each in zip(*parts, strict=True)]


def _whole_list(values: Ints, missing: NDArray[np.bool_]) -> list[bytes]:
    in_one = wholes(values)
    whole = [in_one[start : start + 8] for start in range(0, len(in_one), 8)]
    if missing.any():
        return [keys.MISSING if gone else value for value, gone in zip(whole, missing.tolist(), strict=True)]
    return whole
