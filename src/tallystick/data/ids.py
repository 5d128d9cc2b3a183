"""What rows of history are called by, and which of them come twice."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tallystick.data import columns
from tallystick.data.records import id_field, id_of, time_field
from tallystick.definitions.streams import Source


def ids_of(source: Source, names: pa.Array, time: NDArray[np.int64]) -> pa.Array:
    """Return the ids of rows by what they are called; versions of a dated table are told apart by their instants.

    Parameters
    ----------
    source : whose rows they are
    names : shape (n,), what each row is called by; null where that is missing
    time : shape (n,), each row's instant, microseconds since 1970 UTC
    """
    # Only a dated table has many rows under one key; all others are called by what names them.
    if id_field(source) or time_field(source) is None:
        return names
    pairs = zip(names.to_pylist(), time.tolist(), strict=True)
    return pa.array([None if name is None else id_of(source, name, at) for name, at in pairs], pa.string())


def repeated(ids: pa.Array, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows have the id of an earlier good row; ids are texts, or the whole numbers they were made of.

    Parameters
    ----------
    ids : shape (n,)
    good : shape (n,), which rows broke no rule; a refused row takes no id away from a good one that comes later
    """
    # Hashing every id costs more than all other rules of it, and ids mostly rise: then there is nothing to hash.
    if _are_distinct(ids):
        return np.zeros(len(good), np.bool_)
    encoded = pc.dictionary_encode(ids)
    n_ids, none = len(encoded.dictionary), len(good)
    place = pc.fill_null(encoded.indices, n_ids).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(good)
    first = np.full(n_ids + 1, none)
    first[place[rows][::-1]] = rows[::-1]  # the last to be written is the first of its id
    first[n_ids] = none
    repeats: NDArray[np.bool_] = np.arange(len(good)) > first[place]
    return repeats


def _are_distinct(ids: pa.Array) -> bool:
    """Return whether it is cheap to see that no id comes twice: whole numbers are sorted, texts must rise already.

    They rise as texts, or the longer after the shorter, as numbers do that are written out.
    """
    if ids.null_count or len(ids) < 2:
        return len(ids) < 2
    # Sorting eight-byte numbers is several times faster than hashing the texts made of them.
    if pa.types.is_integer(ids.type):
        ordered = np.sort(ids.to_numpy(), kind="stable")
        return bool(np.all(ordered[1:] != ordered[:-1]))
    rises = pc.less(ids[:-1], ids[1:]).to_numpy(zero_copy_only=False)
    # "9" stands before "10" as numbers do, although not as texts do.
    longer = np.diff(pc.binary_length(columns.decoded(ids)).to_numpy())
    return bool(np.all(rises) or np.all((longer > 0) | (rises & (longer == 0))))
