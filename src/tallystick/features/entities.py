"""Which entity a record belongs to and a row asks about: texts of one or several keys as dense whole numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import EncodedKeys, Records, id_field

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Entities:
    """The entities of a stream's records.

    Parameters
    ----------
    records : the stream's
    fields : the key fields that name an entity together
    codes : shape (n,), the entity of each record, -1 where a key is missing
    n : how many entities there are; some may have no record
    pairs : for each key after the first, the combinations of the codes so far with its own that occur, as one number
    """

    records: Records
    fields: tuple[str, ...]
    codes: Codes
    n: int
    pairs: tuple[pa.Array, ...]

    @classmethod
    def of(cls, records: Records, fields: tuple[str, ...]) -> "Entities":
        """Return the entities that key fields name.

        Parameters
        ----------
        records : of a stream
        fields : the key fields that name an entity together
        """
        first, *others = (keys_of(records, field) for field in fields)
        codes, n, pairs = first.codes, len(first.names), []
        for keys in others:
            encoded = _paired(codes, keys.codes, len(keys.names)).dictionary_encode()
            codes = np.asarray(pc.fill_null(encoded.indices, -1), dtype=np.int32)
            n = len(encoded.dictionary)
            pairs.append(encoded.dictionary)
        return cls(records, fields, codes, n, tuple(pairs))

    def requested(self, spine: Records, at: Sequence[str], rows: Ints | None) -> Codes:
        """Return the entity each row of the spine asks about, -1 where it has no record or a key is missing.

        Parameters
        ----------
        spine : who asks
        at : the key fields of the spine that name the entity
        rows : shape (n,), places among the spine's records; all if None
        """
        if spine is self.records and tuple(at) == self.fields:
            return self.codes if rows is None else self.codes[rows]
        own = [keys_of(self.records, field) for field in self.fields]
        first, *others = [_mapped(keys_of(spine, f), keys, rows) for f, keys in zip(at, own, strict=True)]
        for codes, keys, pairs in zip(others, own[1:], self.pairs, strict=True):
            found = pc.index_in(_paired(first, codes, len(keys.names)), value_set=pairs, skip_nulls=True)
            first = np.asarray(pc.fill_null(found, -1), dtype=np.int32)
        return first

    def name(self, entity: int) -> str:
        """Return an entity in words: its key fields, each with its text."""
        row = int(np.flatnonzero(self.codes == entity)[0])
        keys = [(field, keys_of(self.records, field)) for field in self.fields]
        return ", ".join(f"{field} {of.names[int(of.codes[row])].as_py()}" for field, of in keys)


def keys_of(records: Records, field: str) -> EncodedKeys:
    """Return a key field's column; a stream's own id, of which every record has its own, is one too.

    Parameters
    ----------
    records : of any source
    field : a key field of it, or its id
    """
    if field not in records.keys and field == id_field(records.source):
        return EncodedKeys(np.arange(len(records), dtype=np.int32), records.ids)
    return records.keys[field]


def translated(names: pa.Array, among: pa.Array, unknown: int) -> Codes:
    """Return each name's place among others, and ``unknown`` after them all, for code -1; shape (n + 1,).

    Parameters
    ----------
    names : shape (n,), different texts
    among : different texts, whose places are wanted
    unknown : what a name that is not among them gets, and code -1
    """
    places = np.full(len(names) + 1, unknown, dtype=np.int32)
    places[:-1] = pc.fill_null(pc.index_in(names, value_set=among), unknown)
    return places


def _mapped(keys: EncodedKeys, own: EncodedKeys, rows: Ints | None) -> Codes:
    codes = keys.codes if rows is None else keys.codes[rows]
    return codes if keys is own else translated(keys.names, own.names, -1)[codes]


def _paired(left: Codes, right: Codes, n_right: int) -> pa.Array:
    """Return two codes as one number, missing where one of them is."""
    missing = (left < 0) | (right < 0)
    return pa.array(left.astype(np.int64) * n_right + right, mask=missing if missing.any() else None)
