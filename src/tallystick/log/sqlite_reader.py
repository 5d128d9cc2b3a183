"""Reading the log in its SQLite file: by name, by position, in order; beside a running writer or alone."""

import heapq
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from tallystick.errors import LogDamaged, LogFormatUnknown, LogHeld, LogUnavailable
from tallystick.log.database import StoreFile
from tallystick.log.entry import KINDS, RECORDS, Entry, Head, Segment
from tallystick.log.history import origin_after
from tallystick.log.verification import Row, verify

_PAGE_ROWS = 2_000
_NAMES_AT_ONCE = 500
LAST_POSITION = 2**63 - 1

# The index by name answers look-ups. The one in order holds, for each kind and namespace, its positions as they rise
# (SQLite ends every index with the row's own number): what one model decided is read without passing over the rest.
_SCHEMA = """
CREATE TABLE segments (
  first INTEGER PRIMARY KEY, last INTEGER NOT NULL, digest TEXT NOT NULL, path TEXT NOT NULL)

CREATE TABLE entries (
  position INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL,
  at INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL)

CREATE UNIQUE INDEX entries_by_name ON entries (kind, namespace, id)

CREATE INDEX entries_in_order ON entries (kind, namespace)

CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry is never deleted'); END

CREATE TRIGGER entries_are_written_once BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry is never changed'); END
"""

_SELECT = "SELECT position, kind, namespace, id, at, body, hash FROM entries"
_FIND = f"{_SELECT} WHERE kind = ? AND namespace = ? AND id = ?"
_ENTRY = f"{_SELECT} WHERE position = ?"
LAST = f"{_SELECT} INDEXED BY entries_in_order WHERE kind = ? AND namespace = ? ORDER BY position DESC LIMIT 1"
PAGE = f"{_SELECT} WHERE position > ? AND position <= ? ORDER BY position LIMIT {_PAGE_ROWS}"
# Without INDEXED BY the planner may take the index by name, and sort everything anew for every page.
PAGE_OF_ONE = (
    f"{_SELECT} INDEXED BY entries_in_order WHERE position > ? AND position <= ? AND kind = ? AND namespace = ? "
    f"ORDER BY position LIMIT {_PAGE_ROWS}"
)
_NEXT_NAMESPACE = "SELECT min(namespace) FROM entries INDEXED BY entries_in_order WHERE kind = ? AND namespace > ?"

LOG_FILE = StoreFile(
    application_id=0x74_61_6C_6C,  # "tall"
    formats=(1,),
    schema=tuple(statement.strip() for statement in _SCHEMA.split("\n\n")),
    damaged=lambda path, detail: LogDamaged(str(path), problem="file", detail=detail),
    busy=lambda path, _: LogHeld(str(path)),
    unavailable=lambda path, reason: LogUnavailable(str(path), reason=reason),
    unknown=lambda path, found: LogFormatUnknown(str(path), found=found, known=1),
)


class SqliteLogReader:
    """A `LogReader` of the log in one SQLite file of format 1.

    A long `read` holds no transaction open between its pages, so it never keeps the writer from tidying its
    write-ahead log.

    Parameters
    ----------
    path : Path
        The log's SQLite file.
    connection : sqlite3.Connection
        An open connection to it, used for reading only.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._reading = connection
        self._reading_lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file."""
        self._reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self.path)

    @property
    def folder(self) -> Path:
        """The folder of the file: a log and its history are moved together."""
        return self.path.parent

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The history attached before the first entry, in order."""
        rows = self._rows("SELECT digest, first, last, path FROM segments ORDER BY first")
        return tuple(Segment(*row) for row in rows)

    @property
    def origin(self) -> Head:
        """Where the entries begin: the end of the attached history, and the hash that commits to it."""
        return origin_after(self.name, self.segments)

    @property
    def head(self) -> Head:
        """Where the log ends now."""
        rows = self._rows("SELECT position, hash FROM entries ORDER BY position DESC LIMIT 1")
        return Head(*rows[0]) if rows else self.origin

    def find(self, kind: str, namespace: str, name: str) -> Entry | None:
        """Return the entry of this kind, namespace and id, or None."""
        rows = self._rows(_FIND, (kind, namespace, name))
        return Entry(*rows[0]) if rows else None

    def find_many(self, kind: str, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return the entries with these ids, by id; one statement for up to 500 of them."""
        return self._found((kind,), namespace, names)

    def record(self, namespace: str, name: str) -> Entry | None:
        """Return the record of this stream and id, event or outcome, or None."""
        return self._found(RECORDS, namespace, (name,)).get(name)

    def records(self, namespace: str, names: Collection[str]) -> Mapping[str, Entry]:
        """Return the records of this stream with these ids, by id; see `find_many`."""
        return self._found(RECORDS, namespace, names)

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None where there is none (or history lies there)."""
        rows = self._rows(_ENTRY, (position,))
        return Entry(*rows[0]) if rows else None

    def last(self, kind: str, namespace: str) -> Entry | None:
        """Return the latest entry of a kind and namespace, or None."""
        rows = self._rows(LAST, (kind, namespace))
        return Entry(*rows[0]) if rows else None

    def read(
        self,
        after: int = 0,
        until: int | None = None,
        kinds: Collection[str] | None = None,
        namespaces: Collection[str] | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in order of position; see `LogReader.read`."""
        last = self.head.position if until is None else until
        if kinds is None and namespaces is None:
            yield from self._entries(PAGE, after, last)
            return
        # SQLite keeps the order of one kind and namespace, and would sort several; merging them costs nothing.
        parts = [self._entries(PAGE_OF_ONE, after, last, *pair) for pair in self._pairs(kinds, namespaces)]
        yield from parts[0] if len(parts) == 1 else heapq.merge(*parts, key=attrgetter("position"))

    def verify(self, trusted: Head | None = None) -> Head:
        """Recompute every hash from the first byte on, and return the head that was proven.

        Raises
        ------
        LogDamaged
            Also where an index does not hold every entry: look-ups by it would answer with less than was written.
        """
        origin = self.origin
        # From below every legal position, so that a row hidden there is met as well.
        proven = verify(self.name, origin, self._pages(PAGE, -(2**63), LAST_POSITION), trusted)
        for index in ("entries_by_name", "entries_in_order"):
            count = f"SELECT count(*) FROM entries INDEXED BY {index} WHERE position <= ?"
            ((n_found,),) = self._rows(count, (proven.position,))
            if n_found != proven.position - origin.position:
                detail = f"{index} has {n_found} of {proven.position - origin.position} entries"
                raise LogDamaged(self.name, problem="file", detail=detail)
        return proven

    def _entries(self, query: str, after: int, until: int, *values: str) -> Iterator[Entry]:
        for page in self._pages(query, after, until, *values):
            yield from (Entry(*row) for row in page)

    def _pages(self, query: str, after: int, until: int, *values: str) -> Iterator[list[Row]]:
        while page := self._rows(query, (after, until, *values)):
            yield page
            after = page[-1][0]

    def _pairs(self, kinds: Collection[str] | None, namespaces: Collection[str] | None) -> list[tuple[str, str]]:
        """Return the pairs of kind and namespace to read, each once."""
        wanted = sorted(set(KINDS if kinds is None else kinds))
        if namespaces is not None:
            return list(product(wanted, sorted(set(namespaces))))
        return [(kind, namespace) for kind in wanted for namespace in self._namespaces(kind)]

    def _namespaces(self, kind: str) -> Iterator[str]:
        """Yield the namespaces of a kind, a jump in the index for each: a log has few, and many entries."""
        found = self._rows("SELECT min(namespace) FROM entries INDEXED BY entries_in_order WHERE kind = ?", (kind,))
        while found and found[0][0] is not None:
            yield found[0][0]
            found = self._rows(_NEXT_NAMESPACE, (kind, found[0][0]))

    def _found(self, kinds: Sequence[str], namespace: str, names: Collection[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        every = list(dict.fromkeys(names))
        for start in range(0, len(every), _NAMES_AT_ONCE):
            some = every[start : start + _NAMES_AT_ONCE]
            query = f"{_SELECT} WHERE kind IN ({_marks(kinds)}) AND namespace = ? AND id IN ({_marks(some)})"
            rows = self._rows(query, (*kinds, namespace, *some))
            found.update((row[3], Entry(*row)) for row in rows)
        return found

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Row]:
        with self._reading_lock, LOG_FILE.translated(self.path):
            return self._reading.execute(query, values).fetchall()


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
