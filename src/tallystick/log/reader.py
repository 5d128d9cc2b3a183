"""Reading the log: by name, by position, in order; beside a running writer or alone."""

import sqlite3
import struct
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Self

from tallystick.errors import LogDamaged, LogFormatUnknown, LogHeld, LogUnavailable
from tallystick.log.chain import genesis
from tallystick.log.database import StoreFile
from tallystick.log.entry import RECORDS, Entry, Head, Segment
from tallystick.log.verification import Row, verify

_PAGE_ROWS = 2_000
_COLUMNS = "position, kind, stream, id, at, body, hash"

_SCHEMA = """
CREATE TABLE segments (
  first INTEGER PRIMARY KEY, last INTEGER NOT NULL, digest TEXT NOT NULL, path TEXT NOT NULL)

CREATE TABLE entries (
  position INTEGER PRIMARY KEY, kind TEXT NOT NULL, stream TEXT NOT NULL, id TEXT NOT NULL,
  at INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL)

CREATE UNIQUE INDEX entries_by_name ON entries (kind, stream, id)

CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry is never deleted'); END

CREATE TRIGGER entries_are_written_once BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an entry is never changed'); END
"""

LOG_FILE = StoreFile(
    application_id=0x74_61_6C_6C,  # "tall"
    format=1,
    schema=tuple(statement.strip() for statement in _SCHEMA.split("\n\n")),
    damaged=lambda path, detail: LogDamaged(path, problem="file", detail=detail),
    busy=lambda path, _: LogHeld(path),
    unavailable=lambda path, reason: LogUnavailable(path, reason=reason),
    unknown=lambda path, found: LogFormatUnknown(path, found=found, known=1),
)


class LogReader:
    """A log that can be read and verified, and not written. Safe to share between threads.

    Every call sees what was committed before it. A long `read` holds no transaction open between its pages,
    so it never keeps the writer from tidying its write-ahead log.

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

    @classmethod
    def open(cls, path: Path | str) -> "LogReader":
        """Open an existing log for reading only, also while another process writes it."""
        path = Path(path)
        return LogReader(path, LOG_FILE.connect_for_reading(path))

    def close(self) -> None:
        """Let go of the file."""
        self._reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The history attached before the first entry, in order."""
        rows = self._rows("SELECT digest, first, last, path FROM segments ORDER BY first")
        return tuple(Segment(*row) for row in rows)

    @property
    def origin(self) -> Head:
        """Where the entries begin: the end of the attached history, and the hash that commits to it.

        Raises
        ------
        LogDamaged
            If a segment cannot be read.
        """
        segments = self.segments
        try:
            return Head(segments[-1].last if segments else 0, genesis(segments))
        except (AttributeError, TypeError, struct.error) as error:
            raise LogDamaged(self.path, problem="header", detail=f"a segment is unreadable ({error})") from error

    @property
    def head(self) -> Head:
        """Where the log ends now."""
        rows = self._rows("SELECT position, hash FROM entries ORDER BY position DESC LIMIT 1")
        return Head(*rows[0]) if rows else self.origin

    def find(self, kind: str, stream: str, name: str) -> Entry | None:
        """Return the entry with this kind, stream and id, or None."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM entries WHERE kind = ? AND stream = ? AND id = ?", (kind, stream, name)
        )
        return Entry(*rows[0]) if rows else None

    def record(self, stream: str, name: str) -> Entry | None:
        """Return the record of this stream and id, event or outcome, or None."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM entries WHERE kind IN (?, ?) AND stream = ? AND id = ?", (*RECORDS, stream, name)
        )
        return Entry(*rows[0]) if rows else None

    def entry(self, position: int) -> Entry | None:
        """Return the entry at a position, or None where there is none (or history lies there)."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM entries WHERE position = ?", (position,))
        return Entry(*rows[0]) if rows else None

    def read(self, after: int = 0, until: int | None = None, kinds: Collection[str] | None = None) -> Iterator[Entry]:
        """Yield entries in order of position.

        Parameters
        ----------
        after : int
            The position after which to begin.
        until : int, optional
            The last position to read; default, the head as it stands when the reading gets there.
        kinds : collection of str, optional
            Only entries of these kinds.
        """
        for page in self._pages(after, until, kinds):
            yield from (Entry(*row) for row in page)

    def verify(self, trusted: Head | None = None) -> Head:
        """Recompute every hash from the first byte on, and return the head that was proven.

        Parameters
        ----------
        trusted : Head, optional
            A head kept elsewhere (in the ledger). With it, a tail that was cut, and a chain that was
            rewritten whole, are found too; without it they cannot be.

        Raises
        ------
        LogDamaged
            Naming the first bad position and what is wrong there: header, hash, gap, order, cut or file.
        """
        origin = self.origin
        return verify(self.path, origin, self._verified_pages(), trusted)

    def _verified_pages(self) -> Iterator[list[Row]]:
        # From below every legal position, so that a row hidden there is met as well.
        yield from self._pages(-(2**63), None, None)

    def _pages(self, after: int, until: int | None, kinds: Collection[str] | None) -> Iterator[list[Row]]:
        wanted = tuple(kinds or ())
        only = f" AND kind IN ({', '.join('?' * len(wanted))})" if kinds is not None else ""
        query = (
            f"SELECT {_COLUMNS} FROM entries WHERE position > ? AND position <= ?{only} "
            f"ORDER BY position LIMIT {_PAGE_ROWS}"
        )
        last = 2**63 - 1 if until is None else until
        while page := self._rows(query, (after, last, *wanted)):
            yield page
            after = page[-1][0]

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Row]:
        with self._reading_lock, LOG_FILE.translated_errors(self.path):
            return self._reading.execute(query, values).fetchall()
