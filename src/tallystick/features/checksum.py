"""A checksum of a table's content that does not depend on how its rows are cut, stored or spread over machines.

Every row becomes a number of 64 bits, made of its id, position, instant and the bits of its features in their order;
the checksum is the sum of these numbers. So each worker sums what it has, and no order or file layout matters.

It notices damage and edits, such as a value that was corrected by hand: one change in 2**64 passes. It does not keep
out who forges: the checksum lies beside what it sums, and could be made anew. What a candidate learnt from is proven by
the candidate's digest and the ledger.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_MODULUS = 2**64
_ROWS = 1 << 14  # at a time: as many as stay in the processor's cache
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF = np.uint64(32)
_MISSING = np.uint64(0x7FF8_0000_0000_0000)  # a missing value has no bits that matter, so it gets these
_MASKS = np.array([2 ** (8 * n) - 1 for n in range(9)], np.uint64)  # the first n bytes of a word


def checksum(ids: pa.Array, position: NDArray[np.int64], time: NDArray[np.int64], values: NDArray[np.float64]) -> int:
    """Return the sum over some rows, 0 <= sum < 2**64; that of all is the sum of the parts', modulo 2**64.

    Parameters
    ----------
    ids, position, time, values : as a ``FeatureTable`` has them

    Examples
    --------
    >>> ids, place, values = pa.array(["a", "b"]), np.array([1, 2]), np.array([[0.5], [np.nan]])
    >>> whole = checksum(ids, place, place, values)
    >>> parts = (checksum(ids[rows], place[rows], place[rows], values[rows]) for rows in (slice(1, 2), slice(0, 1)))
    >>> whole == added(parts)
    True
    """
    found = 0
    for start in range(0, len(position), _ROWS):
        rows = slice(start, start + _ROWS)
        mixed = _texts(ids[rows])
        _stir(mixed, position[rows].astype(np.int64, copy=False).view(np.uint64))
        _stir(mixed, time[rows].astype(np.int64, copy=False).view(np.uint64))
        for column in np.ascontiguousarray(values[rows].T):
            bits = column.view(np.uint64)
            missing = np.isnan(column)
            _stir(mixed, np.where(missing, _MISSING, bits) if missing.any() else bits)
        found = (found + int(mixed.sum())) % _MODULUS
    return found


def added(sums: Iterable[int]) -> int:
    """Return the checksum of all rows from those of their parts."""
    return sum(sums) % _MODULUS


def _stir(mixed: Words, words: Words) -> None:
    """Let every number depend on one more word, and on the order in which they came."""
    mixed ^= words
    mixed *= _MIX
    mixed ^= mixed >> _HALF
    mixed *= _MIX


def _texts(texts: pa.Array) -> Words:
    """Return a number for each text, from its bytes eight at a time and its length."""
    lengths = pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    mixed: Words = lengths.astype(np.uint64)
    if not lengths.any():
        return mixed
    _, ends, content = texts.buffers()
    starts = np.frombuffer(ends, np.int32, count=len(texts) + 1, offset=4 * texts.offset)[:-1].astype(np.int64)
    first, last = int(starts[0]), int(starts[-1] + lengths[-1])
    octets = np.zeros(last - first + 8, np.uint8)
    octets[:-8] = np.frombuffer(content, np.uint8)[first:last]
    # Every eight bytes that follow each other, wherever they begin; what lies behind a text's end is masked away.
    words = np.ndarray((len(octets) - 7,), np.dtype("<u8"), octets, strides=(1,))
    for at in range(0, int(lengths.max()), 8):
        # Only texts that go on: how a text ends must not depend on the longest beside it.
        going = np.flatnonzero(lengths > at)
        some = mixed[going]
        _stir(some, words[starts[going] - first + at] & _MASKS[np.minimum(lengths[going] - at, 8)])
        mixed[going] = some
    return mixed
