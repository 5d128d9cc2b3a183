"""Running totals in LMDB: one file, one writer, microseconds a lookup."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lmdb

from tallystick.errors import StateDoubtful, StateFull, StateUnwritable
from tallystick.features.state.session import StateSession
from tallystick.features.state.store import Entry

INITIAL_SIZE = 1 << 32  # address space; the file takes what it holds
LARGEST_SIZE = 1 << 40


class LmdbStore:
    """An ordered store in a folder of its own.

    Commits are not forced to the disk one by one: the log is, and the state can be rebuilt from it. Instead a
    session file says under which start of the machine the state is open; if the machine went down meanwhile, the
    state refuses to open.

    Parameters
    ----------
    path : the folder; made if it is not there
    map_size : bytes the file may take at first; it doubles between transactions, before it is full
    largest_size : bytes it may take in the end

    Raises
    ------
    StateHeld
        If another process has it open.
    StateDoubtful
        If the machine went down while it was open, or the file is none of LMDB's.
    StateUnwritable
        If the machine refuses, here or from ``commit`` and ``load``.
    StateFull
        From ``begin``, ``put``, ``commit`` and ``load``, if the disk or the largest size is used up.
    """

    def __init__(self, path: Path, map_size: int = INITIAL_SIZE, largest_size: int = LARGEST_SIZE) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._largest = path, largest_size
        self._session = StateSession.begin(path)
        size = max(map_size, _used(path))
        try:
            self._env = lmdb.open(
                str(path), map_size=size, sync=not self._session.is_watched, metasync=False, max_dbs=0, readahead=False
            )
        except (lmdb.InvalidError, lmdb.CorruptedError, lmdb.VersionMismatchError) as error:
            self._session.end()
            raise StateDoubtful(path) from error
        except lmdb.Error as error:
            self._session.end()
            raise StateUnwritable(path, reason=str(error)) from error
        self._size = self._env.info()["map_size"]

    @property
    def longest_key(self) -> int:
        """The most bytes a key may have: 511, unless LMDB was built otherwise."""
        return int(self._env.max_key_size())

    def begin(self) -> "LmdbTransaction":
        """Begin to write, after making room while no transaction is open."""
        while self._is_filling() and self._size < self._largest:
            self._grow()
        return LmdbTransaction(self._env.begin(write=True), self._path, self._size)

    def get(self, key: bytes) -> bytes | None:
        """Return what was committed under a key, or None."""
        with self._env.begin() as transaction:
            found: bytes | None = transaction.get(key)
            return found

    def load(self, entries: Iterable[Entry]) -> None:
        """Put rising entries into the empty store, with more room each time there was too little.

        Parameters
        ----------
        entries : must be iterable again if the store has to grow: a list, or an object that makes new iterators

        Raises
        ------
        StateFull
            If the disk or the largest size is used up.
        ValueError
            If a key is not above the one before it, or the store is not empty.
        StateUnwritable
            If the machine refuses.
        """
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    n_given, n_put = transaction.cursor().putmulti(entries, append=True)
                    if n_put < n_given:
                        raise ValueError("These entries do not rise, or the store is not empty.")
            except lmdb.MapFullError as error:
                if self._size >= self._largest:
                    raise StateFull(self._path, size=self._size) from error
                self._grow()
            except lmdb.Error as error:
                raise StateUnwritable(self._path, reason=str(error)) from error
            else:
                return

    def entries(self) -> Iterator[Entry]:
        """Yield everything that was committed, in rising order of keys."""
        with self._env.begin() as transaction, transaction.cursor() as cursor:
            yield from cursor

    def close(self) -> None:
        """Bring everything to the disk and release the folder."""
        if self._session.is_open:
            self._env.sync(True)
            self._env.close()
            self._session.end()

    def _is_filling(self) -> bool:
        return 2 * int(self._env.info()["last_pgno"]) * PAGE > self._size

    def _grow(self) -> None:
        self._size = min(2 * self._size, self._largest)
        self._env.set_mapsize(self._size)


PAGE = 4096


class LmdbTransaction:
    """One write transaction, with one cursor for all lookups.

    Parameters
    ----------
    transaction : of LMDB, open for writing
    path : the state's folder, for the errors' sentences
    size : the most that the file may grow to now, bytes
    """

    def __init__(self, transaction: Any, path: Path, size: int) -> None:
        self._transaction, self._path, self._size = transaction, path, size
        self._cursor = transaction.cursor()

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key, or None."""
        found: bytes | None = self._transaction.get(key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Write a value under a key.

        Parameters
        ----------
        key : at most ``longest_key`` bytes
        value : any bytes

        Raises
        ------
        StateFull
            If the largest size is used up.
        """
        try:
            self._transaction.put(key, value)
        except lmdb.MapFullError as error:
            raise StateFull(self._path, size=self._size) from error

    def put_all(self, entries: Mapping[bytes, bytes]) -> None:
        """Write several values.

        Raises
        ------
        StateFull
            If the largest size is used up.
        """
        try:
            self._cursor.putmulti(entries.items())
        except lmdb.MapFullError as error:
            raise StateFull(self._path, size=self._size) from error

    def before_all(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """Return for each key the entry with the greatest key below it, or None."""
        seek, step, last, item = self._cursor.set_range, self._cursor.prev, self._cursor.last, self._cursor.item
        return [item() if (step() if seek(key) else last()) else None for key in keys]

    def around(self, key: bytes) -> tuple[Entry | None, bytes | None]:
        """Return the entry before this key, and the first key at or after it; None where there is none."""
        cursor, after = self._cursor, None
        if cursor.set_range(key):
            after, found = cursor.key(), cursor.prev()
        else:
            found = cursor.last()
        return (cursor.item() if found else None), after

    def onwards(self, key: bytes) -> Iterator[Entry]:
        """Yield the entries from this key on, in rising order."""
        if self._cursor.set_range(key):
            yield from self._cursor

    def commit(self) -> None:
        """Keep everything that was put.

        Raises
        ------
        StateFull
            If the largest size is used up.
        StateUnwritable
            If the machine refuses.
        """
        try:
            self._transaction.commit()
        except lmdb.MapFullError as error:
            raise StateFull(self._path, size=self._size) from error
        except lmdb.Error as error:
            raise StateUnwritable(self._path, reason=str(error)) from error

    def abort(self) -> None:
        """Forget everything that was put."""
        self._transaction.abort()


def _used(path: Path) -> int:
    """Return the size of an existing file, so that what was grown opens again."""
    data = path / "data.mdb"
    return 2 * data.stat().st_size if data.is_file() else 0
