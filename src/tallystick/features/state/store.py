"""What a store of running totals must do, whatever keeps its bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

Entry = tuple[bytes, bytes]


class RangeReader(Protocol):
    """What can be read in rising order of keys: all that a tile's reader needs of a store."""

    def onwards(self, key: bytes) -> Iterator[Entry]:
        """Yield the entries from this key on, it included, in rising order; nothing is put meanwhile."""
        ...


class StoreTransaction(Protocol):
    """A transaction that sees its own writes.

    **All or nothing.** What was put is there for others after ``commit``, or never was.
    **One end.** After ``commit`` or ``abort`` it is not used again; ``abort`` may be called twice.
    """

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key, or None."""

    def put(self, key: bytes, value: bytes) -> None:
        """Write a value under a key, in place of what was there. Raise ``StateFull`` if there is no room.

        Parameters
        ----------
        key : at most ``longest_key`` bytes
        value : any bytes, none included
        """

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Put several entries, as ``put`` does."""

    def before_all(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """Return for each key, in any order, the entry with the greatest key below it, or None."""
        ...

    def around(self, key: bytes) -> tuple[Entry | None, bytes | None]:
        """Return the entry before this key, and the first key at or after it; None where there is none."""
        ...

    def onwards(self, key: bytes) -> Iterator[Entry]:
        """Yield the entries from this key on, it included, in rising order; nothing is put meanwhile."""
        ...

    def commit(self) -> None:
        """Keep everything that was put. Raise ``StateFull`` if there is no room."""

    def abort(self) -> None:
        """Forget everything that was put."""


class OrderedStore(Protocol):
    """Keeps bytes under bytes, in the order of the keys.

    **Order.** Keys rise as unsigned bytes do, a key before all that it begins.
    **One writer.** Between ``begin`` and its end nobody else writes.
    **Survives its process.** What was committed is there after the process was killed. It need not survive the
    machine: the store holds nothing that the log does not. But it never opens with what was not committed.
    **Flat.** ``get``, ``put`` and ``before_all`` do not get slower with the number of entries, but for its logarithm.

    **What is asked of it.** A vector is one ``before_all`` of all its lookups; only first events, extremes and
    different values then read ``onwards``. A record is one ``around`` for each list of running totals that it enters,
    and ``onwards`` from there if later totals follow; a ``get`` for each tile; for a stream that others report about,
    one ``get`` for each kind of report; and then a single ``put_all``.
    """

    @property
    def longest_key(self) -> int:
        """The most bytes a key may have."""
        ...

    def begin(self) -> StoreTransaction:
        """Begin to write."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """Return what was committed under a key, or None."""

    def load(self, entries: Iterable[Entry]) -> None:
        """Put many entries, in rising order of keys, into the empty store: all or nothing.

        Raise ``ValueError`` if they do not rise or the store is not empty, ``StateFull`` if there is no room.
        """

    def entries(self) -> Iterator[Entry]:
        """Yield everything that was committed, in rising order of keys."""
        ...

    def close(self) -> None:
        """Release what is held; closing twice is fine."""
