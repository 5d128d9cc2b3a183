"""The digest of a dataset's content: the same records in the same order give the same, whatever files held them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data.records import Keys, Records, id_field
from tallystick.definitions.digest import canonical, digest_of


def fingerprint(records: Mapping[str, Records]) -> str:
    """Return the digest of ids, times, keys, values and positions of all sources.

    File layout, the order of columns, the order of dictionaries, paths and the sources' order in the mapping do not
    matter: each source is digested by itself, from whole numbers in little-endian and texts in UTF-8.

    Examples
    --------
    >>> fingerprint({}) == fingerprint({})
    True
    """
    return digest_of({name: _of_source(found) for name, found in records.items()})


def first_seen(keys: Keys) -> Keys:
    """Return the same keys with their names in order of first use, and none that is not used."""
    codes, n = keys.codes, len(keys.names)
    first = np.full(n + 1, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last to be written is the first use; -1 writes the spare
    order = np.argsort(first[:n], kind="stable")[: int((first[:n] < len(codes)).sum())]
    # Columns that were parsed here are in this order already.
    if len(order) == n and np.array_equal(order, np.arange(n)):
        return keys
    to = np.full(n + 1, -1, np.int32)
    to[order] = np.arange(len(order), dtype=np.int32)
    return Keys(to[codes], keys.names.take(pa.array(order)))


def _of_source(records: Records) -> str:
    own = id_field(records.source)
    # Names and scales first: columns of the same bytes under other names, or of other units, are another dataset.
    head = {"keys": sorted(records.keys), "values": {n: v.decimals for n, v in sorted(records.values.items())}}
    digest = hashlib.sha256(canonical({"id": own, "rows": len(records), **head}))
    _add(digest, records.position)
    _add(digest, records.time)
    _add_texts(digest, records.ids)
    for name in head["keys"]:
        # A table's key is its id.
        if name != own:
            seen = first_seen(records.keys[name])
            _add(digest, seen.codes)
            _add_texts(digest, seen.names)
    for name in head["values"]:
        _add(digest, records.values[name].values)
        # A 0 and a missing value are the same number in memory.
        _add(digest, np.packbits(records.values[name].missing))
    return digest.hexdigest()


def _add(digest: Any, values: NDArray[Any]) -> None:
    # On a big-endian machine the same records must give the same digest.
    digest.update(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")))


def _add_texts(digest: Any, texts: pa.Array) -> None:
    # Lengths first: "ab", "c" and "a", "bc" are the same bytes one after the other.
    _add(digest, pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int32, copy=False))
    offsets = np.frombuffer(texts.buffers()[1], np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    content = texts.buffers()[2]
    if content is not None and len(texts):
        digest.update(memoryview(content)[offsets[0] : offsets[-1]])
