"""Which part of the entities a record belongs to: a number that its key texts alone decide."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tallystick.data.records import Records, id_field
from tallystick.features.batch.native import native

Hashes = NDArray[np.uint64]

# FNV-1a, then a multiplication by the golden ratio: written out, since a record must go to the same part in every
# process, and Python's own hash is another one each time.
_SEED = np.uint64(14_695_981_039_346_656_037)
_PRIME = np.uint64(1_099_511_628_211)
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_SHIFT = np.uint64(32)


def entity_shares(records: Records, fields: Sequence[str], n: int) -> NDArray[np.int64]:
    """Return the part of each record's entity, 0 to n - 1; -1 where one of its keys is missing.

    Parameters
    ----------
    records : of one source
    fields : the key fields that name an entity together
    n : how many parts there are
    """
    total, missing = mixed(records, fields)
    found = (total % np.uint64(n)).astype(np.int64)
    found[missing] = -1
    return found


def mixed(records: Records, fields: Sequence[str]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Return a number for each record that the texts of its keys alone decide, and whether one of them is missing.

    Parameters
    ----------
    records : of one source
    fields : the key fields that name an entity together
    """
    total, missing = np.zeros(len(records), np.uint64), np.zeros(len(records), np.bool_)
    for field in fields:
        if field == id_field(records.source):
            own = hashes(records.ids)
        else:
            keys = records.keys[field]
            # Each different text is hashed once. A missing key has code -1, which finds the last: any number will do.
            own = np.append(hashes(keys.names), np.uint64(0))[keys.codes]
            missing |= keys.codes < 0
        # Multiplied after each key, so that (a, b) and (b, a) differ; and the upper half, which a multiplication mixes
        # best, is brought down, where the remainder by a small number looks.
        total = (total ^ own) * _MIX
        total ^= total >> _SHIFT
    return total, missing


def shares_of(texts: pa.Array, n: int) -> NDArray[np.int64]:
    """Return the part of each text, 0 to n - 1; no text may be missing.

    Parameters
    ----------
    texts : shape (m,), none of them missing
    n : how many parts there are
    """
    total = hashes(texts) * _MIX
    total ^= total >> _SHIFT
    found: NDArray[np.int64] = (total % np.uint64(n)).astype(np.int64)
    return found


def hashes(texts: pa.Array) -> Hashes:
    """Return FNV-1a of each text's bytes, 64 bits."""
    out = np.empty(len(texts), np.uint64)
    if not len(texts):
        return out
    _, ends, content = texts.buffers()
    offsets = np.frombuffer(ends, np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    octets = np.zeros(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
    _hash(offsets, octets, out)
    return out


@native
def _hash(offsets: NDArray[np.int32], octets: NDArray[np.uint8], out: Hashes) -> None:
    for i in range(len(out)):
        value = _SEED
        for at in range(offsets[i], offsets[i + 1]):
            value = (value ^ np.uint64(octets[at])) * _PRIME
        out[i] = value
